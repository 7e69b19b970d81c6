// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/member.h"

#include <algorithm>
#include <array>

#include "agent/core/onboarding.h"
#include "boards/fleet/swarm/identity.h"

namespace latchkey::boards::fleet::swarm {
namespace {

constexpr unsigned kWriteOfTheCertificate = 2;  // of a fresh device's storage; the first is the key's
constexpr ports::MonotonicMs kRestartMs = 2'000;

}  // namespace

Member::Links::Links(const Household& household, history::Device device, Member& member)
    : watched(device, household.chronicle, member),
      link({household.loop, household.tls, household.turnstiles, member.storage_}, watched) {}

Member::Member(const Household& household, history::Device device)
    : household_(household),
      device_(device),
      name_(history::device_name(household.prefix, device)),
      plan_(household.plan.device(device)),
      comes_back_(household.plan.comes_back(device)),
      clock_(household.clock, plan_.skew_ms),
      dice_(plan_.random),
      core_timer_(household.loop, [this] { on_timer(); }),
      plan_timer_(household.loop, [this] { (this->*planned_)(); }) {
  if (plan_.crashes) storage_.cut_power_at(kWriteOfTheCertificate, sim::Cut::kBefore);
}

Member::~Member() = default;

ports::MonotonicMs Member::at(scenario::TimeUs planned) const {
  return household_.started + static_cast<ports::MonotonicMs>(planned > 0 ? planned / 1000 : 0);
}

void Member::begin() {
  if (plan_.skew_ms != 0) {
    household_.chronicle.tell(device_, history::Fault{history::FaultKind::kClockSkew, true, plan_.skew_ms});
  }
  follow_plan();
}

// Sets the timer for what comes next.
void Member::follow_plan() {
  if (ended_) return;
  const auto nap = arrived_ ? household_.plan.nap(device_, nap_) : std::nullopt;
  scenario::TimeUs next = 0;
  if (!arrived_) {
    planned_ = &Member::arrive;
    next = plan_.arrival;
  } else if (nap) {
    planned_ = asleep_ ? &Member::wake : &Member::go_to_sleep;
    next = asleep_ ? nap->until : nap->from;
  } else {
    planned_ = nullptr;
  }
  const auto loses = credential_lost_ ? std::nullopt : plan_.loses_credential_at;
  if (loses && (planned_ == nullptr || *loses < next)) {
    planned_ = &Member::lose_credential;
    next = *loses;
  }
  if (planned_ != nullptr) plan_timer_.set(at(next));
}

void Member::arrive() {
  arrived_ = true;
  household_.chronicle.tell(device_, history::Due{history::Cause::kArrival, plan_.arrival});
  switch_on();
  follow_plan();
}

void Member::go_to_sleep() {
  asleep_ = true;
  rests_ = connected() && connected_at_ >= household_.plan.last_act();
  const auto nap = household_.plan.nap(device_, nap_);
  switch_off();
  household_.chronicle.tell(device_, history::Asleep{nap ? nap->until : history::kNever});
  follow_plan();
}

void Member::wake() {
  asleep_ = false;
  const auto nap = household_.plan.nap(device_, nap_++);
  if (nap) household_.chronicle.tell(device_, history::Due{history::Cause::kWake, nap->until});
  switch_on();
  follow_plan();
}

void Member::lose_credential() {
  credential_lost_ = true;
  if (link_) link_->watched.lose_credential();
  household_.chronicle.tell(device_, history::Fault{history::FaultKind::kCredentialLost, true, 0});
  follow_plan();
}

void Member::switch_on() {
  if (ended_ || driver_ || crashing_) return;
  agent::Config config = household_.config;
  config.registration_id = name_;
  if (!agent::derive_device_key(household_.group_key, config)) return;  // out of memory
  link_ = std::make_unique<Links>(household_, device_, *this);
  const agent::Driver::Ports ports{link_->watched, storage_, clock_, dice_, household_.keys, household_.room};
  driver_ = std::make_unique<agent::Driver>(config, ports, static_cast<agent::Observer&>(*this));
  wipe(config.symmetric_key);
  link_->watched.join(link_->link, *driver_);
  link_->watched.pad_telemetry(household_.plan.scenario().telemetry.bytes);
  if (credential_lost_) link_->watched.lose_credential();
  cut(cut_);
  driver_->start();
  note();
}

// In order. The driver's stop is done when it returns, because our link ends within the call.
void Member::switch_off() {
  core_timer_.cancel();
  if (!driver_) return;
  driver_->stop();
  household_.chronicle.counters.broken += static_cast<std::uint32_t>(driver_->summary().broken_promises);
  link_->watched.died();
  note();
  driver_.reset();
  link_.reset();
}

void Member::crash() {
  if (ended_) return;
  core_timer_.cancel();
  household_.chronicle.tell(device_, history::Fault{history::FaultKind::kCrashBeforeCertificate, true, 0});
  if (link_) link_->watched.died();
  note();
  driver_.reset();
  link_.reset();
  planned_ = &Member::restart;
  plan_timer_.set(household_.loop.now() + kRestartMs);
}

void Member::restart() {
  household_.chronicle.tell(device_, history::Fault{history::FaultKind::kCrashBeforeCertificate, false, 0});
  storage_.restore_power();
  crashing_ = false;
  if (!asleep_) switch_on();
  follow_plan();
}

void Member::end() {
  ended_ = true;
  plan_timer_.cancel();
  switch_off();
}

void Member::cut(bool gone) {
  cut_ = gone;
  if (!link_) return;
  if (gone) {
    link_->watched.blame(history::Why::kCut);
  } else {
    link_->watched.blame_nobody();
  }
  link_->link.cut(gone);
}

void Member::on_timer() {
  if (!driver_) return;
  const auto late = household_.loop.now() - core_timer_.due();
  due_ = household_.chronicle.now() - static_cast<history::TimeUs>(late) * 1000;
  driver_->on_timer();
  note();
}

// A device that is to hold a certificate of a later generation renews at once, as if most of its lifetime had passed;
// all else is the core's business.
void Member::hurry() {
  const auto* credential = driver_ ? driver_->summary().credential : nullptr;
  const bool wanted =
      credential != nullptr && credential->generation < plan_.generation && agent::is_live(driver_->state());
  if (!wanted) return clock_.run_ahead(0);
  const auto late = credential->not_before + (credential->not_after - credential->not_before) / 10 * 9;
  clock_.run_ahead(std::max<std::int64_t>(0, late - clock_.unhurried()));
}

// After whatever the core has done.
void Member::note() {
  count();
  if (plan_.generation > 1) hurry();
  if (!storage_.has_power()) {
    if (!crashing_) household_.loop.post([this] { crash(); });
    crashing_ = true;
    core_timer_.cancel();
  } else if (driver_ && driver_->state() != agent::State::kStopped) {
    core_timer_.set(driver_->wake_at());
  }
}

void Member::count() {
  auto& counters = household_.chronicle.counters;
  const auto tally = [](bool is, bool& counted, std::uint32_t& count) {
    if (is != counted) count += is ? 1U : ~0U;  // wraps: one less
    counted = is;
  };
  const bool is_connected = connected();
  if (is_connected && !counted_) connected_at_ = household_.chronicle.now();
  tally(is_connected, counted_, counters.connected);
  tally(comes_back_ && (is_connected || rests_), counted_back_, counters.back);
}

std::uint32_t Member::generation_in_hand() const {
  const auto* credential = driver_ ? driver_->summary().credential : nullptr;
  return credential != nullptr ? credential->generation : 0;
}

// Whoever has to try again, or needs another certificate, is not back.
void Member::on_state(agent::State, agent::State to) {
  using agent::State;
  rests_ = rests_ && (to == State::kOff || to == State::kStopped || to == State::kLeaving ||
                      to == State::kHubConnecting || to == State::kHubSubscribing || agent::is_live(to));
}

void Member::on_report(const agent::Report& report) {
  using agent::Occurrence;
  using history::RefusedBy;
  auto& chronicle = household_.chronicle;
  const auto refused = [&](history::Service service, RefusedBy by) {
    chronicle.tell(device_, history::Refused{service, by, report.number, std::string(report.text)});
    ++chronicle.counters.refused;
  };
  switch (report.what) {
    case Occurrence::kAssigned: return tell_stored(report.number, false);
    case Occurrence::kRenewed: return tell_stored(report.number, true);
    case Occurrence::kDpsRefused:
    case Occurrence::kDpsBusy:
    case Occurrence::kDpsDisabled: return refused(history::Service::kDps, RefusedBy::kDps);
    case Occurrence::kRenewalFailed:
      if (report.number != 0) refused(history::Service::kHub, RefusedBy::kRenewal);
      return;
    default: return;
  }
}

void Member::tell_stored(std::uint32_t generation, bool renewed) {
  ++(renewed ? household_.chronicle.counters.renewed : household_.chronicle.counters.provisioned);
  std::array<std::uint8_t, agent::kMaxRecord> text;
  for (const auto item : {ports::Item::kSlotA, ports::Item::kSlotB}) {
    const auto size = storage_.read(item, text);
    const auto record = size ? agent::parse_record(ByteView(text.data(), *size)) : fail(Status::kNotFound);
    if (!record || record->generation != generation) continue;
    const auto read = read_certificate(ByteView(text.data(), *size));
    if (read) {
      household_.chronicle.tell(device_,
                                history::Stored{generation, read->serial, read->issuer, read->not_after, renewed});
    }
    break;
  }
  wipe(text);
}

}  // namespace latchkey::boards::fleet::swarm
