// SPDX-License-Identifier: Apache-2.0
#include "agent/update/session.h"

#include <algorithm>

namespace latchkey::agent {
namespace {

using EventKind = ConversationEvent::Kind;
using ActionKind = ConversationAction::Kind;

constexpr ports::MonotonicMs kLookAtClockMs = 1'000;

}  // namespace

UpdateSession::UpdateSession(const UpdateConfig& config, const ConversationConfig& talk, const Ports& ports,
                             UpdateObserver& observer, std::uint32_t trial_limit_ms)
    : config_(config),
      talk_(talk),
      ports_(ports),
      observer_(observer),
      trial_limit_ms_(trial_limit_ms),
      updates_(config, {ports.store, ports.clock, *this, ports.room}),
      conversation_(talk_, ports.entropy) {}

void UpdateSession::start() {
  started_at_ = ports_.clock.monotonic();
  clock_was_set_ = ports_.clock.is_set();
  updates_.start();
  take(EventKind::kTimer);
}

void UpdateSession::on_timer() {
  if (!clock_was_set_ && ports_.clock.is_set()) {
    clock_was_set_ = true;
    updates_.on_clock();
  }
  const bool on_trial = updates_.updater().state() == Updater::State::kTrial;
  const bool late = trial_limit_ms_ != 0 && ports_.clock.monotonic() - started_at_ >= trial_limit_ms_;
  if (on_trial && late && !trial_given_up_) {
    trial_given_up_ = true;
    conversation_.want_restart();
  }
  take(EventKind::kTimer);
}

ports::MonotonicMs UpdateSession::wake_at() const {
  ports::MonotonicMs wake = conversation_.wake_at();
  if (!clock_was_set_) wake = std::min(wake, ports_.clock.monotonic() + kLookAtClockMs);
  const bool on_trial = updates_.updater().state() == Updater::State::kTrial;
  if (on_trial && trial_limit_ms_ != 0 && !trial_given_up_) wake = std::min(wake, started_at_ + trial_limit_ms_);
  return wake;
}

UpdateStanding UpdateSession::standing() const {
  const Updater& updater = updates_.updater();
  UpdateStanding standing;
  standing.board = config_.board;
  standing.version = updater.running().version;
  if (updater.running().origin == ImageFacts::Origin::kBundle) standing.image = updater.running().sha256;
  standing.pins = updates_.statements().version(StatementKind::kPins);
  standing.revocations = updates_.statements().version(StatementKind::kRevocations);
  standing.wanted = updater.wanted();
  standing.clock_is_set = ports_.clock.is_set();
  return standing;
}

UpdateSummary UpdateSession::summary() const {
  const Updater& updater = updates_.updater();
  const UpdateStanding now = standing();
  UpdateSummary summary;
  summary.state = updater.state();
  summary.slot = updater.boot().running;
  summary.on_trial = updater.boot().trial == ports::FirmwareTrial::kRunning;
  summary.version = now.version;
  summary.image = now.image;
  summary.progress = updater.progress();
  summary.pins = now.pins;
  summary.revocations = now.revocations;
  summary.last = last_;
  return summary;
}

void UpdateSession::on_report(const UpdateReport& report) {
  last_ = report;
  conversation_.tell(report);
  observer_.on_update(report);
}

// ---- The conversation

void UpdateSession::take(const ConversationEvent& event) {
  ConversationAction action = conversation_.step(event, standing(), ports_.clock.monotonic());
  while (action.kind != ActionKind::kWait) {
    if (action.kind == ActionKind::kRestart) return observer_.on_restart();
    const bool was_performing = performing_;
    performing_ = true;
    ConversationEvent result;
    result.kind = perform(action) ? EventKind::kDone : EventKind::kNotSent;
    performing_ = was_performing;
    action = conversation_.step(result, standing(), ports_.clock.monotonic());
  }
}

bool UpdateSession::perform(const ConversationAction& action) {
  switch (action.kind) {
    case ActionKind::kSubscribe: {
      if (core_subscribes_ > 0) return false;
      own_subscribe_ = true;
      const bool sent = ports_.link.subscribe(action.topic, 1).has_value();
      if (!sent) own_subscribe_ = false;
      return sent;
    }
    case ActionKind::kReport: return send(action, Sender::kReport);
    case ActionKind::kRequest: return send(action, Sender::kRequest);
    case ActionKind::kOffer: updates_.on_offer(action.offer.id, action.offer.size); return true;
    case ActionKind::kWithdraw: updates_.on_withdrawn(action.offer.id); return true;
    case ActionKind::kBytes: updates_.on_bytes(action.at, action.payload); return true;
    case ActionKind::kStatement: {
      const std::uint64_t before = standing().pins + standing().revocations;
      const auto taken = updates_.on_statement(action.payload);
      if (standing().pins + standing().revocations != before) conversation_.took_statement();
      observer_.on_statement(taken);
      return true;
    }
    case ActionKind::kWait:
    case ActionKind::kRestart: break;
  }
  return true;
}

bool UpdateSession::send(const ConversationAction& action, Sender sender) {
  if (!note(sender)) return false;
  if (ports_.link.publish(action.topic, action.payload, 1)) return true;
  if (open_size_ > 0) --open_size_;  // the one just noted
  return false;
}

// Before it is sent: a link may acknowledge from within.
bool UpdateSession::note(Sender sender) {
  if (open_size_ == kOpenMax || beyond_ > 0) return false;
  open_[(open_first_ + open_size_) % kOpenMax] = sender;
  ++open_size_;
  return true;
}

UpdateSession::Sender UpdateSession::settle() {
  if (open_size_ == 0) {
    if (beyond_ > 0) --beyond_;
    return Sender::kCore;
  }
  const Sender sender = open_[open_first_];
  open_first_ = (open_first_ + 1) % kOpenMax;
  --open_size_;
  return sender;
}

void UpdateSession::session_ended() {
  up_ = false;
  ready_ = false;
  core_subscribes_ = 0;
  own_subscribe_ = false;
  open_size_ = 0;
  beyond_ = 0;
  take(EventKind::kSessionDown);
}

// ---- What the core asks of the link

Result<void> UpdateSession::connect(const ports::LinkRequest& request) {
  to_hub_ = request.identity == ports::LinkIdentity::kSlotA || request.identity == ports::LinkIdentity::kSlotB;
  return ports_.link.connect(request);
}

Result<void> UpdateSession::subscribe(std::string_view filter, int qos) {
  ++core_subscribes_;
  auto sent = ports_.link.subscribe(filter, qos);
  if (!sent && core_subscribes_ > 0) --core_subscribes_;
  return sent;
}

Result<void> UpdateSession::publish(std::string_view topic, ByteView payload, int qos) {
  if (qos == 0) return ports_.link.publish(topic, payload, qos);
  const bool noted = note(Sender::kCore);
  if (!noted) ++beyond_;
  auto sent = ports_.link.publish(topic, payload, qos);
  std::size_t& count = noted ? open_size_ : beyond_;
  if (!sent && count > 0) --count;
  return sent;
}

void UpdateSession::disconnect() {
  if (up_) session_ended();
  ports_.link.disconnect();
}

// ---- What the link says

void UpdateSession::on_connected(bool session_present) {
  up_ = true;
  core_->on_connected(session_present);
}

void UpdateSession::on_ended(ports::LinkFailure why, int detail) {
  if (up_) session_ended();
  core_->on_ended(why, detail);
}

void UpdateSession::on_subscribed(bool granted) {
  if (own_subscribe_) {
    own_subscribe_ = false;
    ConversationEvent event;
    event.kind = EventKind::kGranted;
    event.ok = granted;
    return take(event);
  }
  if (core_subscribes_ > 0) --core_subscribes_;
  core_->on_subscribed(granted);
  if (!up_ || !to_hub_ || ready_ || !granted || core_subscribes_ > 0) return;
  ready_ = true;
  updates_.on_healthy();
  take(EventKind::kSessionUp);
}

void UpdateSession::on_published() {
  switch (settle()) {
    case Sender::kCore: return core_->on_published();
    case Sender::kReport: return take(EventKind::kAcknowledged);
    case Sender::kRequest: return;  // its answer is what counts
  }
}

void UpdateSession::on_message(std::string_view topic, ByteView payload) {
  if (firmware::kind_of(topic) == firmware::TopicKind::kOther) return core_->on_message(topic, payload);
  if (performing_) return;  // its views would not live long enough
  ConversationEvent event;
  event.kind = EventKind::kMessage;
  event.topic = topic;
  event.payload = payload;
  take(event);
}

}  // namespace latchkey::agent
