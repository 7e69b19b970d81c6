// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/device.h"

#include <algorithm>

#include "agent/protocol/dps.h"

namespace latchkey::boards::fleet::forecast {
namespace {

constexpr std::string_view kHub = "hub.forecast:8883";
constexpr int kNotAuthorized = 5;  // MQTT 3.1.1 table 3.1
// A connected core asks to be woken every second because a wall clock may jump. This one does not.
constexpr TimeUs kLookAfterUs = TimeUs{3600} * 1'000'000;

}  // namespace

Device::Device(const Surroundings& around, std::uint32_t number)
    : around_(around), number_(number), name_(Papers::name_of(number)), dice_(around.plan.device(number).random) {
  const auto plan = around.plan.device(number);
  skew_ms_ = plan.skew_ms;
  loses_credential_at_ = plan.loses_credential_at;
}

Device::~Device() = default;

UnixMs Device::now() const { return around_.started + around_.engine.now() / 1000 + skew_ms_; }

// --- the plan

void Device::follow_plan() {
  if (!arrived_) {
    planned_at_ = around_.plan.device(number_).arrival;
  } else {
    const auto nap = around_.plan.nap(number_, nap_);
    if (!nap) return;
    planned_at_ = asleep_ ? nap->until : nap->from;
  }
  around_.engine.at(planned_at_, *this, kPlan);
}

void Device::do_plan() {
  if (!arrived_) {
    arrived_ = true;
    switch_on();
  } else if (asleep_) {
    asleep_ = false;
    ++nap_;
    switch_on();
  } else {
    asleep_ = true;
    switch_off();
  }
  follow_plan();
}

void Device::switch_on() {
  agent::Config config = around_.config;
  config.registration_id = name_;
  request_ = 0;
  const agent::Driver::Ports ports{*this, *this, *this, dice_, around_.papers, around_.room};
  driver_ = std::make_unique<agent::Driver>(config, ports, static_cast<agent::Observer&>(*this));
  driver_->start();
  note();
}

void Device::switch_off() {
  timer_at_ = -1;
  if (link_ != Link::kDown) around_.model.close(number_, side_);
  link_ = Link::kDown;
  driver_.reset();
}

void Device::on_event(std::uint64_t number) {
  if (number == kPlan) return do_plan();
  if (!driver_ || around_.engine.now() != timer_at_) return;
  timer_at_ = -1;
  driver_->on_timer();
  note();
}

// After whatever the core has done.
void Device::note() {
  if (!driver_) return;
  TimeUs due = static_cast<TimeUs>(driver_->wake_at()) * 1000;
  if (driver_->state() == agent::State::kLive) due = std::max(due, around_.engine.now() + kLookAfterUs);
  if (due == timer_at_) return;
  timer_at_ = std::max(due, around_.engine.now());
  around_.engine.at(timer_at_, *this, kTimer);
}

// --- the link

Result<void> Device::connect(const ports::LinkRequest& request) {
  if (link_ != Link::kDown) return fail(Status::kBusy);
  const bool to_hub =
      request.identity == ports::LinkIdentity::kSlotA || request.identity == ports::LinkIdentity::kSlotB;
  side_ = to_hub ? Endpoint::kHub : Endpoint::kDps;
  link_ = Link::kConnecting;
  const auto& grant = grants_[request.identity == ports::LinkIdentity::kSlotB ? 1 : 0];
  const bool proven = !loses_credential_at_ || around_.engine.now() < *loses_credential_at_;
  around_.model.connect(number_, side_, to_hub && grant ? &*grant : nullptr, proven, *this);
  return {};
}

Result<void> Device::subscribe(std::string_view, int) {
  if (link_ != Link::kUp) return fail(Status::kNotReady);
  driver_->on_subscribed(true);  // what it costs is part of the connection's costs
  return {};
}

Result<void> Device::publish(std::string_view topic, ByteView, int) {
  if (link_ != Link::kUp) return fail(Status::kNotReady);
  const auto request = agent::dps::parse_request_topic(topic);
  if (!request || side_ != Endpoint::kDps) return fail(Status::kUnsupported);
  ++request_;
  if (request->kind == agent::dps::RequestKind::kPoll) {
    around_.model.send_poll(number_);
  } else {
    around_.model.send_register(number_);
  }
  return {};
}

void Device::disconnect() {
  if (link_ == Link::kConnecting) around_.watcher.on_failure();  // it has waited long enough
  end(ports::LinkFailure::kLost, 0);
}

void Device::end(ports::LinkFailure why, int detail) {
  if (link_ == Link::kDown) return;
  link_ = Link::kDown;
  around_.model.close(number_, side_);
  driver_->on_ended(why, detail);
}

Result<void> Device::write(ports::Item item, ByteView bytes) {
  auto written = storage_.write(item, bytes);
  const auto slot = static_cast<std::size_t>(item);
  if (written && slot < 2 && brought_) {
    grants_[slot] = *brought_;
    brought_.reset();
  }
  return written;
}

// --- what the hub says

void Device::on_accepted() {
  link_ = Link::kUp;
  driver_->on_connected(false);
  if (side_ == Endpoint::kHub) around_.watcher.on_hub(number_);
  note();
}

void Device::on_refused() {
  end(ports::LinkFailure::kRefused, kNotAuthorized);
  note();
}

void Device::tell(std::uint16_t status, std::uint32_t after_s, bool with_wait, std::string_view body) {
  std::array<std::uint8_t, 16> digits;
  std::array<std::uint8_t, agent::dps::kMaxRequestId + 64> buffer;
  const auto rid = agent::TextWriter(digits).put_decimal(request_).finish();
  const auto topic = agent::dps::write_response_topic(status, rid.value_or(""),
                                                      with_wait ? std::optional<std::uint32_t>(after_s) : std::nullopt,
                                                      MutableBytes(buffer.data(), buffer.size()));
  if (topic) driver_->on_message(*topic, ByteView(body));
  note();
}

void Device::on_told_to_wait(std::uint16_t status, std::uint32_t after_s) {
  tell(status, after_s, true,
       status == 202 ? R"({"operationId":"5.forecast","status":"assigning"})"
                     : R"({"errorCode":429001,"trackingId":"forecast","message":"too many requests"})");
}

void Device::on_assigned(const Grant& grant) {
  brought_ = grant;
  tell(200, 0, false, around_.papers.assigned(number_, kHub));
}

void Device::on_disabled() {
  tell(200, 0, false, R"({"operationId":"5.forecast","status":"disabled","registrationState":{"status":"disabled"}})");
}

void Device::on_cut() {
  around_.watcher.on_failure();
  end(ports::LinkFailure::kLost, 0);
  note();
}

}  // namespace latchkey::boards::fleet::forecast
