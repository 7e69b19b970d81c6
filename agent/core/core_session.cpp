// SPDX-License-Identifier: Apache-2.0
// Reactions around the hub: showing an identity, the live session, losing it.
#include "agent/core/core.h"
#include "agent/protocol/hub.h"

namespace latchkey::agent {
namespace {

constexpr std::uint32_t kBadSlotFailures = 3;
constexpr std::uint64_t kRenewalAnswerMs = 180'000;
constexpr std::uint16_t kRenewFromPermille = 700;
constexpr std::uint16_t kRenewToPermille = 850;

}  // namespace

void Core::show_identity_or_provision() {
  const auto slot = slots_.newest_usable(judging_time());
  slot ? connect_hub(*slot) : begin_provisioning();
}

void Core::take_in_hand(Slot slot) {
  const Credential* credential = slots_.get(slot);
  const bool same = summary_.credential == credential && summary_.slot == slot;
  summary_.credential = credential;
  summary_.slot = slot;
  if (same && renewal_at_ > credential->not_before && renewal_at_ <= credential->not_after) return;
  const std::uint32_t span = kRenewToPermille - kRenewFromPermille + 1;
  const std::uint32_t drawn = kRenewFromPermille + entropy_.next() % span;
  const std::int64_t permille = config_.renew_at_permille != 0 ? config_.renew_at_permille : drawn;
  renewal_at_ = credential->not_before + (credential->not_after - credential->not_before) / 1000 * permille;
}

void Core::connect_hub(Slot slot) {
  take_in_hand(slot);
  const Credential& credential = *summary_.credential;
  const auto endpoint = parse_endpoint(credential.hub.view());
  const auto username = hub::write_username(credential.hub.view(), credential.device_id.view(), room_.username);
  // Both were checked when the record was read or written.
  if (!endpoint || !username) {
    slots_.mark(slot, RecordState::kRefused);
    return show_identity_or_provision();
  }
  ports::LinkRequest request;
  request.host = endpoint->host;
  request.port = endpoint->port;
  request.client_id = credential.device_id.view();
  request.username = *username;
  request.identity = identity_of(slot);
  request.keep_alive_s = config_.keep_alive_s;
  connect(Service::kHub, request);
}

void Core::wait_for_hub() { go_for(State::kHubWait, hub_backoff_.next(entropy_)); }

void Core::hub_up(const Event&) {
  hub_failures_ = 0;
  staged_failures_ = 0;
  fruitless_ = 0;
  slow_factor_ = 1;
  condemned_ = false;
  dps_backoff_.reset();
  summary_.connected = true;
  // This is the activation. What RAM knows is true whether or not the write succeeds: the hub has let us in.
  if (summary_.credential->state != RecordState::kProven) {
    mark(summary_.slot, RecordState::kProven);
    report(Occurrence::kProven, summary_.credential->generation);
  }
  report(Occurrence::kConnected, summary_.credential->generation, summary_.credential->hub.view());
  const auto filter = hub::write_devicebound_filter(summary_.credential->device_id.view(), room_.topic);
  room_.actions.add(Subscribe{filter.value_or(hub::kCredentialFilter)});
  subscriptions_ = 1;
  go_for(State::kHubSubscribing, config_.request_timeout_ms);
}

void Core::hub_subscribed(const Event&) {
  if (subscriptions_ == 1) {
    subscriptions_ = 2;
    room_.actions.add(Subscribe{hub::kCredentialFilter});
    return go_for(State::kHubSubscribing, config_.request_timeout_ms);
  }
  enter_live();
}

void Core::enter_live() {
  deadline_ = 0;
  telemetry_at_ = config_.telemetry_interval_ms == 0 ? 0 : now_.monotonic + 1;
  if (config_.telemetry_interval_ms == 0) hub_backoff_.reset();
  // The answer to a request that was accepted before the session broke is delivered to the next one.
  const bool waits = pending_.ready && pending_.purpose == Purpose::kRenewal && pending_.accepted;
  waits ? go_for(State::kRenewAccepted, kRenewalAnswerMs) : go(State::kLive);
}

// The credential in hand leads nowhere: the older one if that was ever good, else DPS.
void Core::give_up_in_hand() {
  const bool staged = summary_.credential->state == RecordState::kStaged;
  if (staged) {
    mark(summary_.slot, RecordState::kRefused);
    const Slot older = other(summary_.slot);
    const Credential* credential = slots_.get(older);
    const auto usable = slots_.newest_usable(judging_time());
    if (!condemned_ && credential != nullptr && credential->state == RecordState::kProven && usable == older) {
      report(Occurrence::kFellBack, credential->generation);
      connect_hub(older);
      // Its renewal is overdue, and has just led here: not again at once, or renewing becomes a tight loop.
      if (summary_.credential == nullptr) return;
      const UnixMs not_before_that = now_.wall + renewal_retry_step();
      if (renewal_at_ < not_before_that) renewal_at_ = not_before_that;
      return;
    }
  }
  condemned_ = true;
  // A fresh credential that is refused at once would make a tight loop of issuing.
  fruitless_ > 0 ? wait_for_dps(0) : begin_provisioning();
}

void Core::hub_refused(const Event& event) {
  const LinkEnded& ended = std::get<LinkEnded>(event);
  const auto detail = static_cast<std::uint32_t>(ended.detail);
  const bool in_mqtt = ended.why == ports::LinkFailure::kRefused;
  remember_refusal(RefusedBy::kHub, in_mqtt ? "CONNACK refuses this identity" : "TLS says the certificate expired");
  (in_mqtt ? summary_.last_refusal.connack : summary_.last_refusal.tls_alert) = detail;
  report(Occurrence::kIdentityRefused, detail, "hub");
  give_up_in_hand();
}

void Core::hub_failed(const Event& event) {
  const LinkEnded& ended = std::get<LinkEnded>(event);
  ++hub_failures_;
  const bool own_fault = ended.why == ports::LinkFailure::kLocal;
  const bool in_tls = ended.why == ports::LinkFailure::kTlsAlert;
  const bool staged = summary_.credential->state == RecordState::kStaged;
  if (own_fault || (in_tls && staged)) ++staged_failures_;
  const auto why = static_cast<std::uint32_t>(ended.why);
  if (staged_failures_ >= kBadSlotFailures) {
    staged_failures_ = 0;
    report(Occurrence::kConnectionFailed, why, "hub");
    return give_up_in_hand();
  }
  if (hub_failures_ >= config_.failures_before_provisioning) {
    report(Occurrence::kConnectionFailed, why, "hub");
    return begin_provisioning();
  }
  wait_for_hub();
  report(Occurrence::kConnectionFailed, why, "hub", deadline_ - now_.monotonic);
}

void Core::hub_slow(const Event&) {
  ++hub_failures_;
  report(Occurrence::kConnectionFailed, 0, "hub gives no answer");
  leave(Next::kHubWait);
}

void Core::session_lost(const Event& event) {
  forget_requests();
  wait_for_hub();
  report(Occurrence::kConnectionFailed, static_cast<std::uint32_t>(std::get<LinkEnded>(event).why), "hub",
         deadline_ - now_.monotonic);
}

// The first one says that the session is of use: only then the next loss starts with a short wait again.
void Core::acknowledged(const Event&) {
  if (settle_publish()) ++summary_.telemetry_acked;
  hub_backoff_.reset();
}

void Core::devicebound(const Event& event) {
  ++summary_.devicebound;
  const ByteView payload = std::get<Message>(event).payload;
  report(Occurrence::kDevicebound, static_cast<std::uint32_t>(payload.size()), payload.text());
}

void Core::send_telemetry(const Event&) {
  telemetry_at_ = now_.monotonic + config_.telemetry_interval_ms;
  const Credential& credential = *summary_.credential;
  const auto topic = hub::write_telemetry_topic(credential.device_id.view(), hub::kContentType, room_.topic);
  const auto body = TextWriter(room_.payload)
                        .put(R"({"deviceId":")")
                        .put_json_escaped(credential.device_id.view())
                        .put(R"(","sequence":)")
                        .put_decimal(summary_.telemetry_sent + 1)
                        .put(R"(,"uptimeMs":)")
                        .put_decimal(now_.monotonic)
                        .put(R"(,"generation":)")
                        .put_decimal(credential.generation)
                        .put('}')
                        .finish();
  if (!topic || !body) return;
  publish(*topic, *body, Content::kTelemetry);
  ++summary_.telemetry_sent;
}

void Core::expired(const Event&) {
  report(Occurrence::kCertificateExpired, summary_.credential->generation);
  remember_refusal(RefusedBy::kOwnClock, "the certificate has expired");
  leave(Next::kProvision);
}

}  // namespace latchkey::agent
