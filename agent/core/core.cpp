// SPDX-License-Identifier: Apache-2.0
// Steering: what an event means, which rule applies, and what all reactions use.
#include "agent/core/core.h"

#include "agent/protocol/dps.h"
#include "agent/protocol/hub.h"
#include "platform/crypto/csr.h"
#include "platform/crypto/pem.h"

namespace latchkey::agent {
namespace {

constexpr std::uint64_t kLeaveAgainMs = 10'000;
constexpr ports::MonotonicMs kLookAtWallClockMs = 1'000;
constexpr int kTlsAlertCertificateExpired = 45;  // RFC 8446 section 6

// What the service says about the identity, not about the weather (MQTT 3.1.1 table 3.1).
bool refuses_identity(const LinkEnded& ended) {
  if (ended.why == ports::LinkFailure::kTlsAlert) return ended.detail == kTlsAlertCertificateExpired;
  return ended.why == ports::LinkFailure::kRefused && (ended.detail == 2 || ended.detail == 4 || ended.detail == 5);
}

}  // namespace

Core::Core(const Config& config, ports::Entropy& entropy, Workspace& room)
    : config_(config),
      entropy_(entropy),
      room_(room),
      time_(config.no_time_before_s),
      dps_backoff_(config.retry_initial_ms, config.retry_max_ms),
      hub_backoff_(config.retry_initial_ms, config.retry_max_ms),
      renewal_backoff_(config.retry_initial_ms, config.slow_retry_ms) {}

Core::~Core() {
  room_.clear();
  wipe(config_.symmetric_key);
}

const Actions& Core::step(const Event& event, const Now& now) {
  now_ = time_.judge(now);
  room_.actions.clear();
  last_trigger_ = classify(event);
  if (last_trigger_) dispatch(*last_trigger_, event);
  return room_.actions;
}

void Core::dispatch(Trigger trigger, const Event& event) {
  const Rule& chosen = rule(state(), trigger);
  if (is_impossible(chosen.why)) ++summary_.broken_promises;
  if (chosen.why == Why::kStrayByNature) ++summary_.strays;
  if (chosen.reaction == nullptr) return;
  (this->*chosen.reaction)(event);
  const bool foreseen = (chosen.to >> static_cast<unsigned>(state()) & 1) != 0;
  if (!foreseen || room_.actions.overflow()) ++summary_.broken_promises;
}

ports::MonotonicMs Core::wake_at() const {
  ports::MonotonicMs wake = now_.monotonic + kLookAtWallClockMs;
  if (!is_live(state())) return deadline_ != 0 ? deadline_ : wake;
  if (deadline_ != 0 && deadline_ < wake) wake = deadline_;
  if (telemetry_at_ != 0 && telemetry_at_ < wake) wake = telemetry_at_;
  return wake;
}

std::optional<Trigger> Core::classify(const Event& event) {
  struct Sorter {
    Core& core;
    std::optional<Trigger> operator()(const Loaded&) { return Trigger::kLoaded; }
    std::optional<Trigger> operator()(const Start&) { return Trigger::kStart; }
    std::optional<Trigger> operator()(const Stop&) { return Trigger::kStop; }
    std::optional<Trigger> operator()(const KeyMade& key) { return core.classify_key(key.ticket, Trigger::kKeyMade); }
    std::optional<Trigger> operator()(const KeyFailed& key) {
      return core.classify_key(key.ticket, Trigger::kKeyFailed);
    }
    std::optional<Trigger> operator()(const Stored& stored) { return core.settle_write(stored); }
    std::optional<Trigger> operator()(const LinkUp&) { return core.classify_link_up(); }
    std::optional<Trigger> operator()(const LinkEnded& ended) { return core.classify_end(ended); }
    std::optional<Trigger> operator()(const Subscribed& subscribed) {
      if (core.link_ != Link::kUp) return Trigger::kStray;
      return subscribed.granted ? Trigger::kSubscribed : Trigger::kSubscriptionRefused;
    }
    std::optional<Trigger> operator()(const Published&) {
      return core.link_ == Link::kUp ? Trigger::kPublished : Trigger::kStray;
    }
    std::optional<Trigger> operator()(const Message& message) { return core.classify_message(message); }
    std::optional<Trigger> operator()(const Timer&) { return core.classify_timer(); }
  };
  return std::visit(Sorter{*this}, event);
}

// One at a time: the caller comes again as long as wake_at() is not in the future.
std::optional<Trigger> Core::classify_timer() const {
  const bool live = is_live(state());
  if (live && summary_.credential != nullptr) {
    const auto now = judging_time();
    if (now && *now > summary_.credential->not_after) return Trigger::kCertificateExpired;
  }
  if (deadline_ != 0 && now_.monotonic >= deadline_) return Trigger::kDeadline;
  if (state() == State::kLive && now_.monotonic >= renewal_held_until_) {
    const bool resumes = pending_.ready && pending_.purpose == Purpose::kRenewal;
    const auto now = judging_time();
    if (resumes || (now && *now >= summary_.renewal_at)) return Trigger::kRenewalDue;
  }
  if (live && telemetry_at_ != 0 && now_.monotonic >= telemetry_at_) return Trigger::kTelemetryDue;
  return std::nullopt;
}

Trigger Core::classify_key(std::uint32_t ticket, Trigger trigger) {
  if (ticket == 0 || ticket != key_ticket_) return Trigger::kStray;
  key_ticket_ = 0;
  return trigger;
}

// The slots learn what storage holds now, whoever still waits for it.
Trigger Core::settle_write(const Stored& stored) {
  if (stored.ticket == 0) return Trigger::kStray;
  const bool good = stored.status == Status::kOk;
  if (stored.ticket == mark_ticket_) {
    mark_ticket_ = 0;
    if (!good) report(Occurrence::kStorageFailed, static_cast<std::uint32_t>(stored.status), "mark");
    unmarked_ = !good && summary_.connected;  // the next session marks it again
    return Trigger::kWriteSettled;
  }
  if (stored.ticket != writing_.ticket) return Trigger::kStray;
  writing_.ticket = 0;
  if (!good) report(Occurrence::kStorageFailed, static_cast<std::uint32_t>(stored.status), "record");
  if (writing_.slot) {
    // A failed write may have left anything: what was there does not count any more.
    good ? slots_.set(*writing_.slot, writing_.credential) : slots_.clear(*writing_.slot);
  }
  if (!writing_.awaited) return Trigger::kWriteSettled;
  return good ? Trigger::kStored : Trigger::kStoreFailed;
}

Trigger Core::classify_link_up() {
  if (link_ != Link::kConnecting) return Trigger::kStray;
  link_ = Link::kUp;
  return Trigger::kLinkUp;
}

Trigger Core::classify_end(const LinkEnded& ended) {
  if (link_ == Link::kDown) return Trigger::kStray;
  const bool was_up = link_ == Link::kUp;
  link_ = Link::kDown;
  summary_.connected = false;
  return !was_up && refuses_identity(ended) ? Trigger::kLinkRefused : Trigger::kLinkEnded;
}

Trigger Core::classify_message(const Message& message) {
  if (link_ != Link::kUp || state() == State::kLeaving || state() == State::kStopped) return Trigger::kStray;
  if (service_ == Service::kDps) return classify_dps(message);
  if (summary_.credential != nullptr &&
      hub::parse_devicebound_topic(message.topic, summary_.credential->device_id.view())) {
    return Trigger::kDevicebound;
  }
  const auto topic = hub::parse_credential_response_topic(message.topic);
  const bool asked = state() == State::kRenewAsking || state() == State::kRenewAccepted;
  if (!topic || !asked || topic->request_id != pending_.request_id.view()) return Trigger::kStray;
  return classify_renewal(message, *topic);
}

Trigger Core::classify_dps(const Message& message) {
  const auto topic = dps::parse_response_topic(message.topic);
  if (!topic || !request_open_) return Trigger::kStray;
  const auto number = parse_decimal(topic->request_id);
  if (!number || *number != request_number_) return Trigger::kStray;
  request_open_ = false;
  dps_topic_ = *topic;
  dps_answer_ = {};
  const auto answer = dps::parse_answer(message.payload.text());
  if (answer) dps_answer_ = *answer;
  if (topic->status == 429 || topic->status >= 500) return Trigger::kDpsBusy;
  if (topic->status >= 300) return Trigger::kDpsFailed;
  // An unreadable success is a fault of the service: come again.
  if (!answer) return Trigger::kDpsBusy;
  switch (dps_answer_.status) {
    case dps::RegistrationStatus::kAssigned: return Trigger::kDpsAssigned;
    case dps::RegistrationStatus::kFailed: return Trigger::kDpsFailed;
    case dps::RegistrationStatus::kDisabled: return Trigger::kDpsDisabled;
    case dps::RegistrationStatus::kUnassigned:
    case dps::RegistrationStatus::kAssigning: return Trigger::kDpsAccepted;
    case dps::RegistrationStatus::kAbsent:
    case dps::RegistrationStatus::kUnknown: break;
  }
  return topic->status == 202 ? Trigger::kDpsAccepted : Trigger::kDpsBusy;
}

Trigger Core::classify_renewal(const Message& message, const hub::CredentialResponseTopic& topic) {
  renewal_topic_ = topic;
  renewal_answer_ = {};
  if (const auto answer = hub::parse_renewal_answer(message.payload.text())) renewal_answer_ = *answer;
  if (topic.status == 202) return Trigger::kRenewalAccepted;
  if (topic.status == 200) return Trigger::kRenewalIssued;  // without readable certificates: refused as a chain
  return Trigger::kRenewalRefused;
}

std::optional<UnixMs> Core::judging_time() const {
  return now_.wall_is_set ? std::optional<UnixMs>(now_.wall) : std::nullopt;
}

// A certificate that was made for us just now says what time it is where it will be judged.
void Core::learn_time(const crypto::LeafInfo& issued) {
  const bool was_sure = time_.sure();
  const Now shown = now_;
  now_ = time_.issued(issued.not_before, issued.not_after, shown);
  if (!was_sure || time_.sure()) return;
  const UnixMs ahead = shown.wall - now_.wall;
  report(Occurrence::kClockDoubted, static_cast<std::uint32_t>((ahead < 0 ? -ahead : ahead) / 60'000),
         ahead < 0 ? "behind" : "ahead");
}

void Core::go_for(State state, std::uint64_t timeout_ms) {
  go(state);
  deadline_ = now_.monotonic + timeout_ms;
  if (deadline_ == 0) deadline_ = 1;
}

void Core::report(Occurrence what, std::uint32_t number, std::string_view text, std::uint64_t wait_ms) {
  room_.actions.add(Report{what, number, text, wait_ms});
}

void Core::remember_refusal(RefusedBy who, std::string_view message) {
  summary_.last_refusal = {};
  summary_.last_refusal.who = who;
  summary_.last_refusal.message.assign(message.substr(0, 160));
}

void Core::connect(Service service, const ports::LinkRequest& request) {
  service_ = service;
  link_ = Link::kConnecting;
  telemetry_bits_ = 0;
  open_publishes_ = 0;
  room_.actions.add(Connect{request});
  go_for(service == Service::kDps ? State::kDpsConnecting : State::kHubConnecting, config_.connect_timeout_ms);
}

// PUBACK comes in the order of the publishes (MQTT 3.1.1 section 4.6). Beyond 64 open ones nobody counts.
void Core::publish(std::string_view topic, std::string_view payload, Content content) {
  room_.actions.add(Publish{topic, payload});
  if (open_publishes_ == 64) return;
  if (content == Content::kTelemetry) telemetry_bits_ |= std::uint64_t{1} << open_publishes_;
  ++open_publishes_;
}

// Whether the oldest open publish was telemetry.
bool Core::settle_publish() {
  if (open_publishes_ == 0) return false;
  const bool telemetry = (telemetry_bits_ & 1) != 0;
  telemetry_bits_ >>= 1;
  --open_publishes_;
  return telemetry;
}

void Core::leave(Next next) {
  forget_requests();
  summary_.connected = false;
  if (link_ == Link::kDown) return follow(next);
  room_.actions.add(Disconnect{});
  next_ = next;
  go_for(State::kLeaving, kLeaveAgainMs);
}

void Core::follow(Next next) {
  switch (next) {
    case Next::kHub: return show_identity_or_provision();
    case Next::kHubWait:
      if (hub_failures_ >= config_.failures_before_provisioning) return begin_provisioning();
      return wait_for_hub();
    case Next::kDpsWait: return wait_for_dps(wait_ms_);
    case Next::kSlowWait: return go_for(State::kSlowWait, wait_ms_);
    case Next::kProvision: return begin_provisioning();
    case Next::kStopped: break;
  }
  go(State::kStopped);
  report(Occurrence::kStopped);
}

void Core::stop(const Event&) { leave(Next::kStopped); }

void Core::stop_while_leaving(const Event&) { next_ = Next::kStopped; }

void Core::left(const Event&) { follow(next_); }

void Core::leave_again(const Event& event) {
  if (std::holds_alternative<Timer>(event) && next_ == Next::kStopped) return follow(next_);
  room_.actions.add(Disconnect{});
  go_for(State::kLeaving, kLeaveAgainMs);
}

// Answers that are still on their way belong to nobody from here on.
void Core::forget_requests() {
  request_open_ = false;
  key_ticket_ = 0;
  writing_.awaited = false;
  deadline_ = 0;
}

void Core::make_key(std::string_view common_name) {
  key_ticket_ = ++last_ticket_;
  room_.actions.add(MakeKey{key_ticket_, config_.curve, common_name});
}

bool Core::take_key(const Event& event, Purpose purpose) {
  MadeKey& made = *std::get<KeyMade>(event).made;
  if (made.key.empty() || made.csr_size == 0 || made.csr_size > made.csr.size()) return false;
  pending_.made.key = std::move(made.key);
  pending_.made.csr = made.csr;
  pending_.made.csr_size = made.csr_size;
  pending_.purpose = purpose;
  pending_.generation = slots_.highest_generation() + 1;
  return true;
}

bool Core::store_pending() {
  Record header;
  header.generation = pending_.generation;
  header.state = RecordState::kPending;
  header.request_id = pending_.request_id.view();
  const ByteView csr(pending_.made.csr.data(), pending_.made.csr_size);
  const auto size = write_record(header, pending_.made.key, crypto::kPemCsr, &csr, 1, room_.record);
  if (!size) return false;
  writing_ = {++last_ticket_, true, std::nullopt, {}};
  room_.actions.add(Store{writing_.ticket, ports::Item::kPendingKey, ByteView(room_.record.data(), *size)});
  return true;
}

bool Core::store_credential(const crypto::LeafInfo& leaf, std::string_view hub, std::string_view device_id) {
  Record header;
  header.generation = slots_.highest_generation() + 1;
  header.state = RecordState::kStaged;
  header.hub = hub;
  header.device_id = device_id;
  const auto size = write_record(header, pending_.made.key, crypto::kPemCertificate, room_.issued.ders(),
                                 room_.issued.count_to_show(), room_.record);
  if (!size) return false;
  Credential credential;
  credential.generation = header.generation;
  credential.not_before = leaf.not_before;
  credential.not_after = leaf.not_after;
  std::array<std::uint8_t, hex_size(crypto::kMaxSerialSize)> serial;
  const auto digits = hex_encode(leaf.serial(), serial);
  if (!digits || !credential.serial.assign(ByteView(serial.data(), *digits).text()) || !credential.hub.assign(hub) ||
      !credential.device_id.assign(device_id)) {
    return false;
  }
  const bool in_use = summary_.credential != nullptr;
  const Slot slot = slots_.slot_for_next(in_use ? std::optional<Slot>(summary_.slot) : std::nullopt);
  writing_ = {++last_ticket_, true, slot, credential};
  room_.actions.add(Store{writing_.ticket, item_of(slot), ByteView(room_.record.data(), *size)});
  return true;
}

std::uint32_t Core::mark(Slot slot, RecordState state) {
  slots_.mark(slot, state);
  mark_ticket_ = ++last_ticket_;
  room_.actions.add(MarkRecord{mark_ticket_, item_of(slot), state});
  return mark_ticket_;
}

void Core::drop_pending() {
  if (pending_.ready) room_.actions.add(Erase{ports::Item::kPendingKey});
  pending_ = {};
}

}  // namespace latchkey::agent
