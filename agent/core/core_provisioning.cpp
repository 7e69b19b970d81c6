// SPDX-License-Identifier: Apache-2.0
// Reactions from the start to an issued credential in its slot: reading storage, a fresh key, DPS.
#include "agent/core/core.h"
#include "agent/core/onboarding.h"
#include "agent/protocol/dps.h"
#include "agent/protocol/topic_text.h"
#include "platform/crypto/pem.h"

namespace latchkey::agent {
namespace {

constexpr std::uint64_t kKeyTimeoutMs = 60'000;
constexpr std::uint64_t kStoreTimeoutMs = 30'000;
constexpr std::uint64_t kTokenLifetimeS = 3'600;
// A token says until when it is good by what the device knows of the time, which is too early when it has no clock, or
// a wrong one. Each that is refused lets the next reach twice as far, so one that is taken outlives DPS's present by no
// more than the device's error, or an hour. 2^14 hours are two years: beyond that a device needs a clock. A token for
// any time would be as good as the key itself to whoever finds it.
constexpr std::uint8_t kTokenReaches = 15;
constexpr std::uint32_t kRoundsSoon = 6;  // at DPS, one soon after the other
constexpr std::uint64_t kLongestAskedWaitMs = 3'600'000;
constexpr std::uint32_t kSlowestFactor = 4;

std::string_view name_of(ports::Item item) {
  switch (item) {
    case ports::Item::kSlotA: return "slot A";
    case ports::Item::kSlotB: return "slot B";
    case ports::Item::kPendingKey: return "pending key";
  }
  return "?";
}

}  // namespace

void Core::load(const Event& event) {
  const Loaded& loaded = std::get<Loaded>(event);
  if (loaded.bytes.empty()) return;
  if (loaded.item != ports::Item::kPendingKey) {
    const Slot slot = loaded.item == ports::Item::kSlotA ? Slot::kA : Slot::kB;
    const auto credential = read_credential(loaded.bytes, room_.record);
    if (!credential) return report(Occurrence::kRecordUnusable, 0, name_of(loaded.item));
    time_.stored(credential->not_before, now_.monotonic);
    return slots_.set(slot, *credential);
  }
  const auto record = parse_record(loaded.bytes);
  if (!record || record->state != RecordState::kPending || !pending_.request_id.assign(record->request_id) ||
      !read_key(*record, pending_.made.key)) {
    pending_ = {};
    return report(Occurrence::kRecordUnusable, 0, name_of(loaded.item));
  }
  const auto csr_size =
      read_block(*record, crypto::kPemCsr, 0, MutableBytes(pending_.made.csr.data(), pending_.made.csr.size()));
  pending_.ready = csr_size.has_value();
  pending_.made.csr_size = csr_size.value_or(0);
  pending_.generation = record->generation;
  pending_.purpose = record->request_id.empty() ? Purpose::kProvisioning : Purpose::kRenewal;
}

void Core::start(const Event&) {
  // A pending key whose certificate is in a slot already: the power failed before it was erased.
  if (pending_.ready && pending_.generation <= slots_.highest_generation()) drop_pending();
  const auto slot = slots_.newest_usable(judging_time());
  const Credential* credential = slot ? slots_.get(*slot) : nullptr;
  report(Occurrence::kStarted, credential != nullptr ? credential->generation : 0,
         credential != nullptr ? name_of(item_of(*slot)) : std::string_view());
  show_identity_or_provision();
}

void Core::begin_provisioning() {
  report(Occurrence::kProvisioning);
  summary_.credential = nullptr;
  slow_try_ = false;
  // A key whose request has not been decided is as good as a new one; a renewal's is for another asker.
  if (pending_.ready && pending_.purpose == Purpose::kProvisioning) return connect_dps();
  drop_pending();
  make_key(config_.registration_id);
  go_for(State::kMakingKey, kKeyTimeoutMs);
}

void Core::key_made(const Event& event) {
  if (!take_key(event, Purpose::kProvisioning) || !store_pending()) {
    pending_ = {};
    return fruitless_round();
  }
  go_for(State::kStoringKey, kStoreTimeoutMs);
}

void Core::key_failed(const Event&) { fruitless_round(); }

void Core::pending_stored(const Event&) {
  pending_.ready = true;
  connect_dps();
}

void Core::pending_not_stored(const Event&) {
  pending_ = {};
  fruitless_round();
}

void Core::connect_dps() {
  ports::LinkRequest request;
  request.host = config_.dps.host;
  request.port = config_.dps.port;
  request.client_id = config_.registration_id;
  request.keep_alive_s = config_.keep_alive_s;
  const auto username = dps::write_username(config_.id_scope, config_.registration_id, room_.username);
  if (!username) return go_for(State::kSlowWait, next_slow_wait());
  request.username = *username;
  if (config_.onboarding == Onboarding::kCertificate) {
    request.identity = ports::LinkIdentity::kOnboarding;
  } else {
    const auto expiry_s =
        static_cast<std::uint64_t>(now_.wall / 1000) + (kTokenLifetimeS << (tokens_refused_ % kTokenReaches));
    const auto token = write_dps_token(config_, expiry_s, room_.password);
    if (!token) return go_for(State::kSlowWait, next_slow_wait());
    request.password = *token;
  }
  operation_until_ = now_.monotonic + config_.operation_timeout_ms;
  connect(Service::kDps, request);
}

void Core::dps_up(const Event&) {
  room_.actions.add(Subscribe{dps::kResponseFilter});
  go_for(State::kDpsSubscribing, config_.request_timeout_ms);
}

void Core::dps_identity_refused(const Event& event) {
  const LinkEnded& ended = std::get<LinkEnded>(event);
  remember_refusal(RefusedBy::kDps, "the onboarding credential was refused");
  const auto detail = static_cast<std::uint32_t>(ended.detail);
  (ended.why == ports::LinkFailure::kRefused ? summary_.last_refusal.connack : summary_.last_refusal.tls_alert) =
      detail;
  const Next next = after_refused_token();
  report(Occurrence::kIdentityRefused, detail, "dps", wait_ms_);
  follow(next);
}

void Core::dps_lost(const Event& event) {
  const std::uint64_t asked_until = deadline_;  // of a wait that DPS asked for
  const bool was_waiting = state() == State::kDpsRegisterWait || state() == State::kDpsPollWait;
  forget_requests();
  wait_for_dps(was_waiting && asked_until > now_.monotonic ? asked_until - now_.monotonic : 0);
  report(Occurrence::kConnectionFailed, static_cast<std::uint32_t>(std::get<LinkEnded>(event).why), "dps",
         deadline_ - now_.monotonic);
}

void Core::dps_lost_after_answer(const Event&) {}

void Core::dps_gives_no_answer(const Event&) {
  report(Occurrence::kConnectionFailed, 0, "dps gives no answer");
  wait_ms_ = 0;
  leave(Next::kDpsWait);
}

void Core::dps_subscribed(const Event&) { send_register(); }

void Core::send_register() {
  operation_id_ = {};
  std::array<std::uint8_t, base64_size(crypto::kMaxCsrSize)> csr;
  std::array<std::uint8_t, 10> rid_buffer;
  const auto csr_size =
      base64_encode(ByteView(pending_.made.csr.data(), pending_.made.csr_size), MutableBytes(csr.data(), csr.size()));
  const auto rid = TextWriter(rid_buffer).put_decimal(++request_number_).finish();
  const auto topic = dps::write_register_topic(rid.value_or(""), room_.topic);
  const auto body = dps::write_register_body(config_.registration_id, ByteView(csr.data(), csr_size.value_or(0)).text(),
                                             room_.payload);
  if (!csr_size || !topic || !body) {
    wait_ms_ = 0;
    return leave(Next::kDpsWait);
  }
  request_open_ = true;
  room_.actions.add(Publish{*topic, *body});
  go_for(State::kDpsRegistering, config_.request_timeout_ms);
}

void Core::register_again(const Event&) { send_register(); }

// What a service asks for is a lower bound: jitter only adds.
std::uint64_t Core::asked_wait(std::optional<std::uint32_t> asked_s, std::uint64_t otherwise_ms) {
  if (!asked_s) return otherwise_ms;
  std::uint64_t asked = std::uint64_t{*asked_s} * 1000;
  if (asked > kLongestAskedWaitMs) asked = kLongestAskedWaitMs;
  return asked + (asked == 0 ? 0 : entropy_.next() % (asked / 5 + 1));
}

void Core::dps_accepted(const Event&) {
  std::array<std::uint8_t, dps::kMaxOperationId> buffer;
  if (!dps_answer_.operation_id.empty()) {
    const auto id = dps_answer_.operation_id.unescape(buffer);
    if (!id || !safe_in_query(*id, dps::kMaxOperationId) || !operation_id_.assign(*id)) operation_id_ = {};
  }
  if (operation_id_.empty() || now_.monotonic > operation_until_) {
    report(Occurrence::kDpsBusy, dps_topic_.status, "the operation cannot be followed");
    return fruitless_round();
  }
  go_for(State::kDpsPollWait, asked_wait(dps_topic_.retry_after_s, with_jitter(config_.poll_ms, entropy_)));
}

void Core::poll(const Event&) {
  std::array<std::uint8_t, 10> rid_buffer;
  const auto rid = TextWriter(rid_buffer).put_decimal(++request_number_).finish();
  const auto topic = dps::write_poll_topic(rid.value_or(""), operation_id_.view(), room_.topic);
  if (!topic || now_.monotonic > operation_until_) return fruitless_round();
  request_open_ = true;
  room_.actions.add(Publish{*topic, {}});
  go_for(State::kDpsPolling, config_.request_timeout_ms);
}

void Core::dps_busy(const Event&) {
  const std::uint64_t wait = asked_wait(dps_topic_.retry_after_s, dps_backoff_.next(entropy_));
  report(Occurrence::kDpsBusy, dps_topic_.status, {}, wait);
  const bool registering = state() == State::kDpsRegistering;
  go_for(registering ? State::kDpsRegisterWait : State::kDpsPollWait, wait);
}

// Without a sure clock it was likely the token's time, and those that reach further are tried soon, once.
Core::Next Core::after_refused_token() {
  const bool token = config_.onboarding == Onboarding::kSymmetricKey;
  const bool soon = token && !time_.sure() && tokens_refused_ < kTokenReaches;
  if (++tokens_refused_ == 2 * kTokenReaches) tokens_refused_ = kTokenReaches;
  wait_ms_ = soon ? 0 : next_slow_wait();  // 0: by the back-off
  return soon ? Next::kDpsWait : Next::kSlowWait;
}

void Core::refused_by_dps(Occurrence what, std::string_view message) {
  remember_refusal(RefusedBy::kDps, message);
  summary_.last_refusal.dps_status = dps_topic_.status;
  summary_.last_refusal.error_code = dps_answer_.error_code;
  const std::uint32_t number = dps_answer_.error_code != 0 ? dps_answer_.error_code : dps_topic_.status;
  Next next = Next::kSlowWait;
  if (dps_topic_.status == 401) {
    next = after_refused_token();
  } else {
    tokens_refused_ = 0;
    wait_ms_ = next_slow_wait();
  }
  report(what, number, message, wait_ms_);
  leave(next);
}

void Core::dps_failed(const Event&) {
  const auto message = dps_answer_.message.unescape(room_.text);
  drop_pending();  // perhaps it was the CSR that was not liked
  refused_by_dps(Occurrence::kDpsRefused, message.value_or("refused"));
}

void Core::dps_disabled(const Event&) { refused_by_dps(Occurrence::kDpsDisabled, "disabled"); }

void Core::dps_assigned(const Event&) {
  // Not on the stack: the chain's verification needs what there is.
  const MutableBytes text(room_.text);
  const auto hub = dps_answer_.assigned_hub.unescape(text.subview(0, 128));
  const auto device = dps_answer_.device_id.unescape(text.subview(128, 128));
  const auto leaf = room_.issued.accept(dps_answer_.chain, pending_.made.key, config_.registration_id);
  const std::string_view device_id = device && !device->empty() ? *device : config_.registration_id;
  if (!leaf || !hub || !parse_endpoint(*hub) || !device || !valid_registration_id(device_id) ||
      !store_credential(*leaf, *hub, device_id)) {
    const Status why = leaf ? Status::kMalformed : leaf.error();
    report(Occurrence::kChainRefused, static_cast<std::uint32_t>(why), to_string(why));
    remember_refusal(RefusedBy::kNobody, to_string(why));
    drop_pending();
    return fruitless_round();
  }
  learn_time(*leaf);
  renewal_window_ = dps_answer_.renewal_window;
  go_for(State::kDpsStoring, kStoreTimeoutMs);
}

void Core::chain_stored(const Event&) {
  const Credential* credential = slots_.get(*writing_.slot);
  report(Occurrence::kAssigned, credential->generation, credential->hub.view());
  ++summary_.provisioned;
  ++fruitless_;
  hub_failures_ = 0;
  staged_failures_ = 0;
  tokens_refused_ = 0;
  renewal_backoff_.reset();
  drop_pending();
  leave(Next::kHub);
}

void Core::chain_not_stored(const Event&) { fruitless_round(); }

// A round at DPS came to nothing that could be shown to a hub. Some follow soon, as it may be the weather; then slowly,
// as each costs a key, writes, and perhaps a certificate.
void Core::fruitless_round() {
  const bool slowly = ++fruitless_ > kRoundsSoon;
  wait_ms_ = slowly ? next_slow_wait() : 0;
  leave(slowly ? Next::kSlowWait : Next::kDpsWait);
}

void Core::wait_for_dps(std::uint64_t at_least_ms) {
  const std::uint64_t backoff = dps_backoff_.next(entropy_);
  go_for(State::kDpsWait, backoff > at_least_ms ? backoff : at_least_ms);
}

std::uint64_t Core::next_slow_wait() {
  const std::uint64_t wait = with_jitter(std::uint64_t{config_.slow_retry_ms} * slow_factor_, entropy_);
  if (slow_factor_ < kSlowestFactor) slow_factor_ *= 2;
  return wait;
}

// The end of any wait. After a slow one the identity in hand is shown first even if it was refused: a device that was
// only disabled comes back with the certificate it had.
void Core::try_again(const Event&) {
  slow_try_ = state() == State::kSlowWait;
  if (slow_try_) condemned_ = false;
  if (condemned_ && state() == State::kDpsWait) return begin_provisioning();
  show_identity_or_provision();
}

}  // namespace latchkey::agent
