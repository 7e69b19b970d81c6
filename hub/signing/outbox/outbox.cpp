// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/outbox/outbox.h"

#include <algorithm>

#include "hub/text/encoding.h"
#include "hub/text/time.h"
#include "platform/files/folder.h"

namespace latchkey::hub::signing {

using registry::Outcome;
using registry::Reason;
using registry::refuse;
using registry::signing::Mail;

namespace {

constexpr const char* kFrom = "Latchkey signing <no-reply@latchkey.invalid>";
constexpr const char* kParts[] = {"tmp", "new", "cur"};
constexpr std::size_t kAtOnce = 100;

bool plain(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string header(const std::string& text) {
  return plain(text) ? text : "=?utf-8?B?" + text::base64(ByteView(text)) + "?=";
}

// "Sat, 21 Nov 2026 13:22:18 +0000" (RFC 5322 section 3.3)
std::string date(UnixMs at) {
  auto text = text::rfc7231(at);
  return text.replace(text.size() - 3, 3, "+0000");
}

}  // namespace

Outcome<Outbox> Outbox::open(registry::signing::Validations validations, std::filesystem::path folder) {
  for (const auto* part : kParts) {
    if (!files::make_secret_folder(folder) || !files::make_secret_folder(folder / part)) {
      return refuse(Reason::kStorage, "the outbox " + folder.string() + " cannot be made");
    }
  }
  return Outbox(validations, std::move(folder));
}

std::string Outbox::name_of(const Mail& mail) {
  return std::to_string(mail.created / 1000) + ".M" + std::to_string(mail.number) + ".latchkey";
}

std::string Outbox::text_of(const Mail& mail) {
  return "From: " + std::string(kFrom) + "\nTo: <" + mail.recipient + ">\nDate: " + date(mail.created) +
         "\nSubject: " + header(mail.subject) + "\nMessage-ID: <" + name_of(mail) +
         "@latchkey.invalid>\nX-Latchkey-Validation: " + text::uuid_text(mail.validation) +
         "\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" +
         mail.body;
}

Outcome<std::size_t> Outbox::send(UnixMs now) {
  LATCHKEY_TRY(waiting, validations_.waiting_mails(kAtOnce));
  for (const auto& mail : waiting) {
    const auto text = text_of(mail);
    if (!files::replace_file(folder_ / "new" / name_of(mail), ByteView(text))) {
      return refuse(Reason::kStorage, "an e-mail cannot be written to " + folder_.string());
    }
    LATCHKEY_TRY_VOID(validations_.mail_delivered(mail.number, now));
  }
  return waiting.size();
}

}  // namespace latchkey::hub::signing
