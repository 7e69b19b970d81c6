// SPDX-License-Identifier: Apache-2.0
// Reactions around the hub: showing an identity, the live session, losing it.
#include "agent/core/core.h"
#include "agent/protocol/hub.h"

namespace latchkey::agent {
namespace {

constexpr std::uint32_t kBadSlotFailures = 3;
constexpr std::uint32_t kCertificatesSoon = 6;  // issued, and refused when they are shown
constexpr std::uint32_t kShortLives = 16;       // of fresh certificates, one soon after the other
constexpr std::uint64_t kRenewalAnswerMs = 180'000;

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
  const UnixMs chosen = summary_.renewal_at;
  if (!same || chosen <= credential->not_before || chosen > credential->not_after) choose_renewal_point();
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
  slow_try_ = false;
  session_since_ = now_.monotonic;
  slow_factor_ = 1;
  condemned_ = false;
  dps_backoff_.reset();
  summary_.connected = true;
  // This is the activation. What RAM knows is true whether or not the write succeeds: the hub has let us in.
  const bool fresh = summary_.credential->state != RecordState::kProven;
  // Who was revoked and has come back is as good as new; a hub that revokes without end is answered slowly in the end.
  if (fresh && ++short_lives_ <= kShortLives) hub_backoff_.reset();
  if (fresh || unmarked_) {
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
      if (summary_.renewal_at < not_before_that) summary_.renewal_at = not_before_that;
      return;
    }
  }
  condemned_ = true;
  // A fresh credential that is refused at once would make a tight loop of issuing.
  if (fruitless_ == 0 || slow_try_) return begin_provisioning();
  fruitless_ > kCertificatesSoon ? go_for(State::kSlowWait, next_slow_wait()) : wait_for_dps(0);
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

// A session that lasted was of use: its loss is answered soon. One that does not last, as when two devices have one
// identity, is taken up ever more slowly.
void Core::session_lost(const Event& event) {
  if (now_.monotonic - session_since_ >= config_.retry_max_ms) {
    hub_backoff_.reset();
    short_lives_ = 0;
  }
  forget_requests();
  wait_for_hub();
  report(Occurrence::kConnectionFailed, static_cast<std::uint32_t>(std::get<LinkEnded>(event).why), "hub",
         deadline_ - now_.monotonic);
}

void Core::acknowledged(const Event&) {
  if (settle_publish()) ++summary_.telemetry_acked;
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
