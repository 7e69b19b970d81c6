// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/outbox/outbox.h"

#include <algorithm>
#include <chrono>

#include "hub/signing/outbox/letter.h"
#include "platform/files/folder.h"

namespace latchkey::hub::signing {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using registry::signing::Mail;

namespace {

constexpr const char* kParts[] = {"tmp", "new", "cur"};
constexpr std::size_t kAtOnce = 100;
constexpr std::size_t kAtOnceToServer = 20;  // each takes a connection
constexpr std::int64_t kFirstPauseMs = 1000;

std::int64_t real_ms() {
  using namespace std::chrono;  // NOLINT: one line
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Outcome<Outbox> Outbox::open(registry::signing::Validations validations, Options options) {
  for (const auto* part : kParts) {
    if (!files::make_secret_folder(options.folder) || !files::make_secret_folder(options.folder / part)) {
      return refuse(Reason::kStorage, "the outbox " + options.folder.string() + " cannot be made");
    }
  }
  if (!options.monotonic_ms) options.monotonic_ms = real_ms;
  return Outbox(validations, std::move(options));
}

Outcome<std::size_t> Outbox::send(UnixMs now) {
  const bool by_server = options_.server != nullptr;
  if (by_server && options_.monotonic_ms() < next_try_ms_) return 0;
  LATCHKEY_TRY(waiting, validations_.waiting_mails(by_server ? kAtOnceToServer : kAtOnce));
  forget_claims(waiting);
  if (by_server) return send_by_server(waiting, now);
  std::size_t told = 0;
  for (const Mail& mail : waiting) {
    LATCHKEY_TRY(ours, claim(mail));
    if (!ours) continue;
    LATCHKEY_TRY_VOID(put(mail, now));
    ++told;
  }
  return told;
}

// Before each attempt: what was ours may have become another one's while this process stood still.
Outcome<bool> Outbox::claim(const Mail& mail) {
  if (options_.claims == nullptr) return true;
  const std::string us = options_.claimant();
  if (us.empty()) return false;
  const auto now_ms = options_.monotonic_ms();
  Claim& seen = claims_[mail.number];
  const bool over = !seen.of.empty() && now_ms - seen.since_ms >= kClaimStandsMs;
  LATCHKEY_TRY(holder, options_.claims->claim(mail.number, us, over ? seen.of : us));
  if (holder == us) return true;
  if (holder != seen.of) seen = {holder, now_ms};
  return false;
}

void Outbox::forget_claims(const std::vector<Mail>& waiting) {
  std::erase_if(claims_, [&](const auto& seen) {
    return std::none_of(waiting.begin(), waiting.end(), [&](const Mail& mail) { return mail.number == seen.first; });
  });
}

// Into the maildir.
Outcome<Nothing> Outbox::put(const Mail& mail, UnixMs now) {
  if (!files::replace_file(options_.folder / "new" / name_of(mail), ByteView(letter_file(mail)))) {
    return refuse(Reason::kStorage, "an e-mail cannot be written to " + options_.folder.string());
  }
  return validations_.mail_delivered(mail.number, now);
}

Outcome<std::size_t> Outbox::send_by_server(const std::vector<Mail>& waiting, UnixMs now) {
  std::size_t told = 0;
  std::size_t refused = 0;
  std::string why;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    const Mail& mail = waiting[i];
    LATCHKEY_TRY(ours, claim(mail));
    if (!ours) continue;
    ++told;
    const auto answer = options_.server->send(mail.recipient, letter_for_server(mail, options_.server->options().from));
    if (answer.sent == SmtpServer::Sent::kLater) {
      LATCHKEY_TRY_VOID(put_off(waiting, i, now, answer.why));
    } else if (answer.sent == SmtpServer::Sent::kRefused) {
      LATCHKEY_TRY_VOID(put(mail, now));
      why = answer.why;
      ++refused;
    } else {
      LATCHKEY_TRY_VOID(validations_.mail_delivered(mail.number, now));
    }
    pause_ms_ = 0;
  }
  if (refused == 0) return told;
  return refuse(Reason::kInvalidArgument, "the mail server refused " + std::to_string(refused) + " e-mails, now in " +
                                              options_.folder.string() + "; the last one: " + why);
}

// Always a refusal. What has waited long enough, from that one on, waits no more.
Outcome<Nothing> Outbox::put_off(const std::vector<Mail>& waiting, std::size_t from, UnixMs now,
                                 const std::string& why) {
  std::size_t given_up = 0;
  for (std::size_t i = from; i < waiting.size(); ++i) {
    if (now - waiting[i].created < kGiveUpMs) continue;
    LATCHKEY_TRY(ours, claim(waiting[i]));
    if (!ours) continue;
    LATCHKEY_TRY_VOID(put(waiting[i], now));
    ++given_up;
  }
  pause_ms_ = pause_ms_ == 0 ? kFirstPauseMs : std::min(2 * pause_ms_, kPauseMostMs);
  next_try_ms_ = options_.monotonic_ms() + pause_ms_;
  std::string told = "the mail server: " + why + "; e-mails wait";
  if (given_up > 0) told += ", " + std::to_string(given_up) + " no more: they are in " + options_.folder.string();
  return refuse(Reason::kPreconditionFailed, told);
}

}  // namespace latchkey::hub::signing
