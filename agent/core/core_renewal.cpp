// SPDX-License-Identifier: Apache-2.0
// Reactions of a renewal over the live session. Telemetry goes on meanwhile; whatever goes wrong, the credential in
// hand stays, and the next try comes later.
#include "agent/core/core.h"
#include "agent/protocol/hub.h"

namespace latchkey::agent {
namespace {

constexpr std::uint64_t kFirstAnswerMs = 60'000;
constexpr std::uint64_t kAnswerMs = 180'000;
constexpr std::uint64_t kKeyTimeoutMs = 60'000;
constexpr std::uint64_t kStoreTimeoutMs = 30'000;
constexpr std::uint64_t kServiceFaultMs = 300'000;
constexpr std::uint64_t kUnavailableMs = 5'000;
constexpr std::uint64_t kPendingElsewhereMs = 60'000;
constexpr unsigned kMostTimeouts = 3;

}  // namespace

UnixMs Core::renewal_retry_step() const {
  const UnixMs step = (summary_.credential->not_after - summary_.credential->not_before) / 25;
  return step > 1'000 ? step : 1'000;
}

void Core::hold_renewal(std::uint64_t ms) {
  renewal_held_until_ = now_.monotonic + with_jitter(ms, entropy_);
  go(State::kLive);
  deadline_ = 0;
}

// This key is not tried again; a new one after 4 % of the lifetime.
void Core::give_up_this_renewal() {
  drop_pending();
  renewal_at_ = now_.wall + renewal_retry_step();
  hold_renewal(config_.retry_initial_ms);
}

void Core::begin_renewal(const Event&) {
  if (pending_.ready && pending_.purpose == Purpose::kRenewal) return ask_for_renewal();
  report(Occurrence::kRenewing, summary_.credential->generation);
  drop_pending();
  make_key(summary_.credential->device_id.view());
  go_for(State::kRenewMakingKey, kKeyTimeoutMs);
}

void Core::renewal_key_made(const Event& event) {
  std::array<std::uint8_t, 36> buffer;
  TextWriter rid(buffer);
  rid.put("lk-").put_decimal(entropy_.next()).put('-').put_decimal(entropy_.next());
  pending_ = {};
  if (!pending_.request_id.assign(rid.finish().value_or("")) || !take_key(event, Purpose::kRenewal) ||
      !store_pending()) {
    return give_up_this_renewal();
  }
  go_for(State::kRenewStoringKey, kStoreTimeoutMs);
}

void Core::renewal_key_failed(const Event&) {
  forget_requests();
  report(Occurrence::kRenewalFailed, 0, "no key");
  give_up_this_renewal();
}

void Core::renewal_key_stored(const Event&) {
  pending_.ready = true;
  ask_for_renewal();
}

void Core::renewal_key_not_stored(const Event&) {
  forget_requests();
  report(Occurrence::kRenewalFailed, 0, "the key could not be stored");
  give_up_this_renewal();
}

// Also the repetition: same request id, same CSR, so that it meets the same operation and not a second certificate.
void Core::ask_for_renewal() {
  std::array<std::uint8_t, base64_size(crypto::kMaxCsrSize)> csr;
  const auto csr_size =
      base64_encode(ByteView(pending_.made.csr.data(), pending_.made.csr_size), MutableBytes(csr.data(), csr.size()));
  const auto topic = hub::write_issue_topic(pending_.request_id.view(), room_.topic);
  const std::string_view replace = replace_ ? "*" : "";
  const auto body = hub::write_issue_body(summary_.credential->device_id.view(),
                                          ByteView(csr.data(), csr_size.value_or(0)).text(), replace, room_.payload);
  if (!csr_size || !topic || !body) return give_up_this_renewal();
  pending_.accepted = false;
  publish(*topic, *body, Content::kRequest);
  go_for(State::kRenewAsking, kFirstAnswerMs);
}

void Core::renewal_accepted(const Event&) {
  pending_.accepted = true;
  replace_ = false;
  go_for(State::kRenewAccepted, kAnswerMs);
}

void Core::renewal_issued(const Event&) {
  const Credential& credential = *summary_.credential;
  const auto leaf =
      room_.issued.accept(renewal_answer_.certificates, pending_.made.key, credential.device_id.view(), now_);
  if (!leaf || !store_credential(*leaf, credential.hub.view(), credential.device_id.view())) {
    const Status why = leaf ? Status::kTooLarge : leaf.error();
    report(Occurrence::kChainRefused, static_cast<std::uint32_t>(why), to_string(why));
    return give_up_this_renewal();
  }
  replace_ = false;
  go_for(State::kRenewStoring, kStoreTimeoutMs);
}

void Core::renewal_stored(const Event&) {
  report(Occurrence::kRenewed, slots_.get(*writing_.slot)->generation);
  ++summary_.renewed;
  renewal_backoff_.reset();
  drop_pending();
  leave(Next::kHub);
}

void Core::renewal_not_stored(const Event&) {
  forget_requests();
  report(Occurrence::kRenewalFailed, 0, "the certificate could not be stored");
  give_up_this_renewal();
}

void Core::renewal_unanswered(const Event&) {
  report(Occurrence::kRenewalFailed, 0, "no answer");
  pending_.accepted = false;
  if (++pending_.timeouts >= kMostTimeouts) return give_up_this_renewal();
  hold_renewal(config_.retry_initial_ms);
}

void Core::renewal_refused(const Event&) {
  const std::uint32_t code = renewal_answer_.error_code;
  const auto message = renewal_answer_.message.unescape(room_.text);
  report(Occurrence::kRenewalFailed, code != 0 ? code : renewal_topic_.status, message.value_or("refused"));
  pending_.accepted = false;
  const std::uint64_t asked = std::uint64_t{renewal_answer_.retry_after_s.value_or(0)} * 1000;
  const auto at_least = [asked](std::uint64_t ms) { return asked > ms ? asked : ms; };
  switch (hub::advise(renewal_topic_.status, code)) {
    case hub::RenewalAdvice::kFixRequest:
    case hub::RenewalAdvice::kNewKey:
    case hub::RenewalAdvice::kBackOffLong: return give_up_this_renewal();
    case hub::RenewalAdvice::kRemoveReplace: replace_ = false; return hold_renewal(config_.retry_initial_ms);
    case hub::RenewalAdvice::kThrottled: return hold_renewal(at_least(renewal_backoff_.next(entropy_)));
    case hub::RenewalAdvice::kServiceFault: return hold_renewal(at_least(kServiceFaultMs));
    case hub::RenewalAdvice::kUnavailable: return hold_renewal(at_least(kUnavailableMs));
    case hub::RenewalAdvice::kReconnect: return leave(Next::kHub);
    case hub::RenewalAdvice::kProvision: return leave(Next::kProvision);
    case hub::RenewalAdvice::kReplace: break;
  }
  // What runs is our own request: its certificate will come.
  if (renewal_answer_.pending_request_id.equals(pending_.request_id.view())) {
    pending_.accepted = true;
    return go_for(State::kRenewAccepted, kAnswerMs);
  }
  replace_ = true;
  hold_renewal(at_least(kPendingElsewhereMs));
}

}  // namespace latchkey::agent
