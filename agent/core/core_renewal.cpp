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
// Where in the lifetime a point is drawn when the hub has not said where it would like it, and how far it is heard when
// it has: neither renewals without end nor a missed expiry are a hub's to cause.
constexpr std::uint32_t kRenewFromPermille = 700;
constexpr std::uint32_t kRenewToPermille = 850;
constexpr std::uint32_t kEarliestTenths = 5;
constexpr std::uint32_t kLatestTenths = 9;

}  // namespace

// For the credential in hand. A hub's window counts while it lies within the validity and is not over; who is restarted
// has forgotten it.
void Core::choose_renewal_point() {
  const UnixMs not_before = summary_.credential->not_before;
  const auto begin_s = static_cast<std::uint32_t>(not_before / 1000);
  const auto lifetime_s = static_cast<std::uint32_t>((summary_.credential->not_after - not_before) / 1000);
  const std::uint32_t drawn = entropy_.next();
  // Since notBefore; what lies before that becomes greater than any lifetime.
  std::uint32_t start = renewal_window_.start_s - begin_s;
  std::uint32_t end = renewal_window_.end_s - begin_s;
  const bool over = now_.wall_is_set && renewal_window_.end_s <= static_cast<std::uint32_t>(now_.wall / 1000);
  const bool fits = start < end && end <= lifetime_s && !over;
  const std::uint32_t earliest = lifetime_s / 10 * kEarliestTenths;
  const std::uint32_t latest = lifetime_s / 10 * kLatestTenths;
  if (start < earliest) start = earliest;
  if (end > latest) end = latest;
  if (config_.renew_at_permille == 0 && fits && start < end) {
    summary_.renewal_at = UnixMs{begin_s + start + drawn % (end - start)} * 1000;
    return;
  }
  const std::uint32_t permille = kRenewFromPermille + drawn % (kRenewToPermille - kRenewFromPermille + 1);
  summary_.renewal_at =
      not_before + UnixMs{lifetime_s} * (config_.renew_at_permille != 0 ? config_.renew_at_permille : permille);
}

UnixMs Core::renewal_retry_step() const {
  const UnixMs step = (summary_.credential->not_after - summary_.credential->not_before) / 25;
  return step > 1'000 ? step : 1'000;
}

void Core::hold_renewal(std::uint64_t ms) {
  renewal_held_until_ = now_.monotonic + ms;
  go(State::kLive);
  deadline_ = 0;
}

// Longer after each refusal, up to a step of the lifetime; never shorter than the hub asks for.
void Core::hold_refused_renewal(std::uint64_t at_least_ms) {
  std::uint64_t wait = renewal_backoff_.next(entropy_);
  const auto longest = static_cast<std::uint64_t>(renewal_retry_step());
  if (wait > longest) wait = with_jitter(longest, entropy_);
  if (wait < at_least_ms) wait = with_jitter(at_least_ms, entropy_);
  const std::uint64_t asked = asked_wait(renewal_answer_.retry_after_s, 0);
  hold_renewal(asked > wait ? asked : wait);
}

// This key is not tried again; a new one after 4 % of the lifetime.
void Core::give_up_this_renewal() {
  drop_pending();
  summary_.renewal_at = now_.wall + renewal_retry_step();
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
  const auto leaf = room_.issued.accept(renewal_answer_.certificates, pending_.made.key, credential.device_id.view());
  if (!leaf || !store_credential(*leaf, credential.hub.view(), credential.device_id.view())) {
    const Status why = leaf ? Status::kTooLarge : leaf.error();
    report(Occurrence::kChainRefused, static_cast<std::uint32_t>(why), to_string(why));
    return give_up_this_renewal();
  }
  learn_time(*leaf);
  renewal_window_ = renewal_answer_.renewal_window;
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
  switch (hub::advise(renewal_topic_.status, code)) {
    case hub::RenewalAdvice::kFixRequest:
    case hub::RenewalAdvice::kNewKey:
    case hub::RenewalAdvice::kBackOffLong: return give_up_this_renewal();
    case hub::RenewalAdvice::kRemoveReplace: replace_ = false; return hold_refused_renewal(0);
    case hub::RenewalAdvice::kThrottled: return hold_refused_renewal(0);
    case hub::RenewalAdvice::kServiceFault: return hold_refused_renewal(kServiceFaultMs);
    case hub::RenewalAdvice::kUnavailable: return hold_refused_renewal(kUnavailableMs);
    case hub::RenewalAdvice::kReconnect: hold_refused_renewal(0); return leave(Next::kHub);
    case hub::RenewalAdvice::kProvision: return leave(Next::kProvision);
    case hub::RenewalAdvice::kReplace: break;
  }
  // What runs is our own request: its certificate will come.
  if (renewal_answer_.pending_request_id.equals(pending_.request_id.view())) {
    pending_.accepted = true;
    return go_for(State::kRenewAccepted, kAnswerMs);
  }
  replace_ = true;
  hold_refused_renewal(kPendingElsewhereMs);
}

}  // namespace latchkey::agent
