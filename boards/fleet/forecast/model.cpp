// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/model.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace latchkey::boards::fleet::forecast {
namespace {

constexpr unsigned kLanes = 16;                    // threads of the hub process (hub/app/process/hub_process.cpp)
constexpr std::size_t kMostUnverified = 256;       // hub/gate/options.h
constexpr std::size_t kMostUnverifiedOfPeer = 64;  // a fleet is one peer
constexpr std::size_t kBacklog = 1024;             // of a broker's listening socket (hub/brokers/config.cpp)
constexpr TimeUs kKnockAgainUs = 1'000'000;        // a dropped SYN is sent again after 1, 3, 7 s ... (RFC 6298)
constexpr unsigned kMostKnocks = 5;
constexpr double kMostInWork = 2048;  // hub/provisioning/admission.h, and the next
constexpr double kMostWaitUs = 5e6;
constexpr std::uint32_t kMostRetryS = 600;
constexpr std::uint32_t kPollAfterS = 1;  // hub/provisioning/provisioning.h, and the next
constexpr std::uint32_t kThrottleRetryS = 10;
constexpr double kCommits = 2;  // of a registration: the grant and the certificate
constexpr TimeUs kTelemetryEveryUs = 100'000;
constexpr double kMinuteUs = 60e6;
constexpr double kGapWeight = 0.05;

// A limit of the real hub, for a sample. Below four the parts of a pipeline would wait for each other.
std::size_t scaled(std::size_t limit, double weight) {
  return std::max<std::size_t>(std::min<std::size_t>(limit, 4),
                               static_cast<std::size_t>(std::lround(static_cast<double>(limit) / weight)));
}

}  // namespace

Model::Model(Engine& engine, const Plant& plant, const Calibration& calibration, std::uint32_t devices, double weight)
    : engine_(engine),
      plant_(plant),
      calibration_(calibration),
      weight_(weight),
      most_inside_(plant.shares_machine ? scaled(plant.handshakes, weight) : 0),
      most_unverified_(scaled(plant.shares_machine ? kMostUnverifiedOfPeer : kMostUnverified, weight)),
      most_backlog_(scaled(kBacklog, weight)),
      processors_(engine, plant.cores),
      dps_broker_(processors_, 1),
      hub_process_(processors_, kLanes),
      fleet_loop_(processors_, plant.fleet_processes),
      fleet_keys_(processors_, plant.fleet_processes),
      devices_(devices),
      tokens_(plant.registrations_per_minute) {
  for (unsigned i = 0; i < plant.hub_brokers; ++i) hub_brokers_.push_back(std::make_unique<Station>(processors_, 1));
}

void Model::begin_to_charge(double messages_per_s) {
  charged_ = true;
  messages_per_s_ = messages_per_s;
  figures_ = {};
  tokens_at_ = engine_.now();
  if (messages_per_s > 0) engine_.at(engine_.now() + kTelemetryEveryUs, *this, code(Phase::kTelemetry, {}, 0));
}

// --- paying

std::uint32_t Model::code(Phase phase, Endpoint endpoint, std::uint16_t serial) {
  return static_cast<std::uint32_t>(serial) << 16 | static_cast<std::uint32_t>(endpoint) << 8 |
         static_cast<std::uint32_t>(phase);
}

Station& Model::station(Part part, std::uint32_t device) {
  switch (part) {
    case Part::kDpsBroker: return dps_broker_;
    case Part::kHubBroker: return *hub_brokers_[device % hub_brokers_.size()];
    case Part::kHubProcess: return hub_process_;
    case Part::kFleetLoop: return fleet_loop_;
    case Part::kFleetKeys: break;
  }
  return fleet_keys_;
}

void Model::pay(Step step, Part part, double share, std::uint32_t device, Phase then, Endpoint endpoint,
                Station::Kind kind) {
  const auto next = code(then, endpoint, attempt(device, endpoint).serial);
  const double work = calibration_.costs.of(step, part) * share * weight_;
  if (!charged_ || work <= 0 || (is_device_part(part) && !plant_.shares_machine)) {
    return engine_.at(engine_.now(), *this, std::uint64_t{device} << 32 | next);
  }
  station(part, device).post({this, device, next, work}, kind);
}

// Nobody waits for it, but it takes the time of others.
void Model::pay_unheard(Step step, Part part, std::uint32_t device) {
  const double work = calibration_.costs.of(step, part) * weight_;
  if (!charged_ || work <= 0 || (is_device_part(part) && !plant_.shares_machine)) return;
  station(part, device).post({nullptr, 0, 0, work});
}

bool Model::still_wants(std::uint32_t device, std::uint32_t step) const {
  const auto phase = static_cast<Phase>(step & 0xFF);
  if (phase == Phase::kIssued) return true;  // what was begun is finished
  const auto& attempt = devices_[device].at[step >> 8 & 1];
  return attempt.who != nullptr && attempt.serial == step >> 16;
}

void Model::on_event(std::uint64_t number) {
  const auto step = static_cast<std::uint32_t>(number);
  if (static_cast<Phase>(step & 0xFF) == Phase::kTelemetry) return charge_telemetry();
  go_on(static_cast<std::uint32_t>(number >> 32), step);
}

void Model::go_on(std::uint32_t device, std::uint32_t step) {
  const auto phase = static_cast<Phase>(step & 0xFF);
  const auto endpoint = static_cast<Endpoint>(step >> 8 & 1);
  if (phase == Phase::kIssued) {
    const auto commit = charged_ ? static_cast<TimeUs>(kCommits * calibration_.commit_ms * 1000) : 0;
    return engine_.at(engine_.now() + commit, *this,
                      std::uint64_t{device} << 32 | code(Phase::kCommitted, endpoint, 0));
  }
  if (phase == Phase::kCommitted) return finish_register(device);
  Attempt& now = attempt(device, endpoint);
  if (now.who == nullptr || now.serial != step >> 16) return;
  switch (phase) {
    case Phase::kHello:
    case Phase::kKnock: return queue_at_broker(device, endpoint);
    case Phase::kAtBroker: return judge(device, endpoint);
    case Phase::kVerified: return leave_door(now);
    case Phase::kRegisterAtBroker:
      return pay(Step::kRegistration, Part::kHubProcess, 0.5, device, Phase::kRegisterAtProcess, endpoint);
    case Phase::kRegisterAtProcess: return take_register(device);
    case Phase::kPollAtBroker:
      return pay(Step::kRegistration, Part::kHubProcess, 0.5, device, Phase::kPollAtProcess, endpoint);
    case Phase::kPollAtProcess: return take_poll(device);
    case Phase::kAssigned: return now.who->on_assigned(devices_[device].grant);
    case Phase::kDisabled: return now.who->on_disabled();
    case Phase::kCutAtBroker: return pay(Step::kCut, Part::kFleetLoop, 1, device, Phase::kCutAtDevice, endpoint);
    case Phase::kCutAtDevice: return now.who->on_cut();
    default: return;
  }
}

// --- connections

void Model::connect(std::uint32_t device, Endpoint endpoint, const Grant* shown, bool proven, Caller& who) {
  Attempt& now = attempt(device, endpoint);
  const auto serial = static_cast<std::uint16_t>(now.serial + 1);
  now = {};
  now.who = &who;
  now.serial = serial;
  now.has_grant = shown != nullptr;
  if (shown != nullptr) now.shown = *shown;
  now.proven = proven;
  const auto side = static_cast<std::size_t>(endpoint);
  if (most_inside_ != 0 && inside_[side] >= most_inside_ && charged_) {
    outside_[side].push_back({device, serial});
    return;
  }
  enter(device, endpoint);
}

void Model::enter(std::uint32_t device, Endpoint endpoint) {
  Attempt& now = attempt(device, endpoint);
  now.in_turnstile = true;
  ++inside_[static_cast<std::size_t>(endpoint)];
  const bool refused = endpoint == Endpoint::kHub && !good(devices_[device], now);
  const Step step = endpoint == Endpoint::kDps ? Step::kProvisioningConnect
                    : refused                  ? Step::kRefusedConnect
                                               : Step::kHubConnect;
  pay(step, Part::kFleetLoop, 1, device, Phase::kHello, endpoint);
}

void Model::leave_turnstile(Attempt& attempt, Endpoint endpoint) {
  if (!std::exchange(attempt.in_turnstile, false)) return;
  const auto side = static_cast<std::size_t>(endpoint);
  --inside_[side];
  auto& outside = outside_[side];
  while (!outside.empty() && inside_[side] < most_inside_) {
    const auto [device, serial] = outside.front();
    outside.pop_front();
    const Attempt& next = this->attempt(device, endpoint);
    if (next.who != nullptr && next.serial == serial) enter(device, endpoint);
  }
}

// New connections wait at the DPS endpoint's door while too many have not been judged.
void Model::queue_at_broker(std::uint32_t device, Endpoint endpoint) {
  Attempt& now = attempt(device, endpoint);
  if (!enter_backlog(device, endpoint)) return;
  if (endpoint == Endpoint::kHub) {
    const Step step = good(devices_[device], now) ? Step::kHubConnect : Step::kRefusedConnect;
    return pay(step, Part::kHubBroker, 1, device, Phase::kAtBroker, endpoint, Station::Kind::kNewcomer);
  }
  if (charged_ && unverified_ >= most_unverified_) return door_.push_back({device, now.serial});
  now.unverified = true;
  ++unverified_;
  pay(Step::kProvisioningConnect, Part::kDpsBroker, 1, device, Phase::kAtBroker, endpoint, Station::Kind::kNewcomer);
}

// A full backlog drops the first packet, and the device's system sends it again later and later.
bool Model::enter_backlog(std::uint32_t device, Endpoint endpoint) {
  Attempt& now = attempt(device, endpoint);
  if (!charged_ || now.in_backlog) return true;
  auto& waiting = backlog_[static_cast<std::size_t>(endpoint)];
  const std::size_t brokers = endpoint == Endpoint::kHub ? hub_brokers_.size() : 1;
  if (waiting >= most_backlog_ * brokers) {
    const TimeUs wait = kKnockAgainUs << std::min<unsigned>(now.knocks++, kMostKnocks);
    engine_.at(engine_.now() + wait, *this, std::uint64_t{device} << 32 | code(Phase::kKnock, endpoint, now.serial));
    return false;
  }
  now.in_backlog = true;
  ++waiting;
  return true;
}

void Model::leave_backlog(Attempt& attempt, Endpoint endpoint) {
  if (std::exchange(attempt.in_backlog, false)) --backlog_[static_cast<std::size_t>(endpoint)];
}

void Model::leave_door(Attempt& attempt) {
  if (!std::exchange(attempt.unverified, false)) return;
  --unverified_;
  while (!door_.empty() && unverified_ < most_unverified_) {
    const auto [device, serial] = door_.front();
    door_.pop_front();
    const Attempt& next = this->attempt(device, Endpoint::kDps);
    if (next.who != nullptr && next.serial == serial) queue_at_broker(device, Endpoint::kDps);
  }
}

bool Model::good(const Known& device, const Attempt& attempt) const {
  return device.enabled && attempt.has_grant && attempt.shown.device_epoch == device.epoch &&
         attempt.shown.policy_epoch == policy_epoch_;
}

void Model::judge(std::uint32_t device, Endpoint endpoint) {
  Attempt& now = attempt(device, endpoint);
  leave_backlog(now, endpoint);
  leave_turnstile(now, endpoint);
  const bool accepted = endpoint == Endpoint::kDps ? now.proven : good(devices_[device], now);
  if (endpoint == Endpoint::kDps) {
    // Only the hub process can tell who proves itself; the broker lets everybody wait for its verdict.
    pay(Step::kProvisioningConnect, Part::kHubProcess, 1, device, Phase::kVerified, endpoint);
  } else {
    pay_unheard(accepted ? Step::kHubConnect : Step::kRefusedConnect, Part::kHubProcess, device);
  }
  if (!accepted) {
    ++figures_.refusals;
    return now.who->on_refused();
  }
  now.accepted = true;
  if (endpoint == Endpoint::kHub) {
    ++figures_.connects;
    ++live_;
  }
  now.who->on_accepted();
}

void Model::close(std::uint32_t device, Endpoint endpoint) {
  Attempt& now = attempt(device, endpoint);
  if (now.who == nullptr) return;
  now.who = nullptr;
  if (endpoint == Endpoint::kHub && now.accepted) --live_;
  leave_backlog(now, endpoint);
  leave_door(now);
  leave_turnstile(now, endpoint);
}

// --- registrations

void Model::send(std::uint32_t device, Phase phase) {
  if (phase == Phase::kRegisterAtBroker) pay_unheard(Step::kIssuance, Part::kFleetKeys, device);
  pay_unheard(Step::kRegistration, Part::kFleetLoop, device);
  pay(Step::kRegistration, Part::kDpsBroker, 0.5, device, phase, Endpoint::kDps);
}

bool Model::throttled() {
  if (plant_.registrations_per_minute == 0) return false;
  const double most = plant_.registrations_per_minute;
  tokens_ = std::min(most, tokens_ + static_cast<double>(engine_.now() - tokens_at_) * most / kMinuteUs);
  tokens_at_ = engine_.now();
  if (!charged_) return false;
  if (tokens_ < std::min(weight_, most)) return true;
  tokens_ -= weight_;
  return false;
}

// Behind all who were given a moment before.
std::uint32_t Model::moment_for_later(std::uint32_t device) {
  const auto behind = static_cast<TimeUs>(gap_us_ * static_cast<double>(in_work_));
  moments_until_ = std::max(moments_until_, engine_.now() + behind) + static_cast<TimeUs>(gap_us_);
  const auto wait_s = static_cast<std::uint64_t>((moments_until_ - engine_.now()) / 1'000'000 + 1);
  if (wait_s <= kMostRetryS) return static_cast<std::uint32_t>(wait_s);
  return kMostRetryS / 2 + (device * 2'654'435'761U >> 8) % (kMostRetryS / 2);
}

void Model::take_register(std::uint32_t device) {
  Known& known = devices_[device];
  Caller& who = *attempt(device, Endpoint::kDps).who;
  const double waiting = static_cast<double>(in_work_);
  const bool crowded = charged_ && (waiting * weight_ > kMostInWork || waiting * gap_us_ > kMostWaitUs);
  if (throttled()) {
    ++figures_.turned_away;
    return who.on_told_to_wait(429, kThrottleRetryS);
  }
  if (crowded) {
    ++figures_.turned_away;
    return who.on_told_to_wait(429, moment_for_later(device));
  }
  if (known.work != Work::kRunning) {
    known.work = Work::kRunning;
    if (in_work_++ == 0) last_done_ = engine_.now();
    const bool refused = !known.enabled;
    pay(Step::kIssuance, Part::kHubProcess, refused ? 0 : 1, device, Phase::kIssued, Endpoint::kDps);
  }
  who.on_told_to_wait(202, kPollAfterS);
}

void Model::finish_register(std::uint32_t device) {
  Known& known = devices_[device];
  --in_work_;
  ++figures_.registrations;
  const auto gap = static_cast<double>(engine_.now() - last_done_);
  if (charged_) gap_us_ = gap_us_ == 0 ? gap : gap_us_ + kGapWeight * (gap - gap_us_);
  last_done_ = engine_.now();
  known.work = known.enabled ? Work::kGranted : Work::kDisabled;
  known.grant = {known.epoch, policy_epoch_};
}

void Model::take_poll(std::uint32_t device) {
  const auto work = devices_[device].work;
  if (work == Work::kRunning) return attempt(device, Endpoint::kDps).who->on_told_to_wait(202, kPollAfterS);
  const bool granted = work == Work::kGranted;
  pay(Step::kIssuance, Part::kFleetLoop, granted ? 1 : 0, device, granted ? Phase::kAssigned : Phase::kDisabled,
      Endpoint::kDps);
}

// --- an operator's acts

void Model::cut(std::uint32_t device) {
  if (!attempt(device, Endpoint::kHub).accepted || attempt(device, Endpoint::kHub).who == nullptr) return;
  pay_unheard(Step::kCut, Part::kHubProcess, device);
  pay(Step::kCut, Part::kHubBroker, 1, device, Phase::kCutAtBroker, Endpoint::kHub);
}

void Model::revoke_policy() {
  ++policy_epoch_;
  for (std::uint32_t device = 0; device < devices_.size(); ++device) cut(device);
}

void Model::revoke(std::uint32_t device) {
  ++devices_[device].epoch;
  cut(device);
}

void Model::forget(std::uint32_t device) {
  devices_[device].enabled = true;
  revoke(device);
}

void Model::enable(std::uint32_t device, bool enabled) {
  devices_[device].enabled = enabled;
  if (!enabled) cut(device);
}

// --- what goes on beside

// Telemetry waits its turn like everybody; what a part cannot take within its time is lost, as a broker drops it.
void Model::charge_telemetry() {
  const double messages = live_ * weight_ * messages_per_s_ * (static_cast<double>(kTelemetryEveryUs) / 1e6);
  const auto post = [&](Station& station, Part part, double share) {
    const double wanted = messages * share * calibration_.costs.of(Step::kMessage, part);
    const double whole = static_cast<double>(kTelemetryEveryUs) * std::min<double>(station.threads(), plant_.cores);
    if (wanted > 0 && station.idle_work() < 1) {
      station.post({nullptr, 0, 0, std::min(wanted, kMostTelemetry * whole)}, Station::Kind::kNewcomer);
    }
    return wanted / whole;
  };
  for (auto& broker : hub_brokers_) {
    const double share = 1.0 / static_cast<double>(hub_brokers_.size());
    telemetry_load_ = std::max(telemetry_load_, post(*broker, Part::kHubBroker, share));
  }
  post(hub_process_, Part::kHubProcess, 1);
  if (plant_.shares_machine) post(fleet_loop_, Part::kFleetLoop, 1);
  engine_.at(engine_.now() + kTelemetryEveryUs, *this, code(Phase::kTelemetry, {}, 0));
}

double Model::worked_us(Part part) const {
  if (part == Part::kDpsBroker) return dps_broker_.worked_us();
  if (part == Part::kHubProcess) return hub_process_.worked_us();
  if (part == Part::kFleetLoop) return fleet_loop_.worked_us();
  if (part == Part::kFleetKeys) return fleet_keys_.worked_us();
  double all = 0;
  for (const auto& broker : hub_brokers_) all += broker->worked_us();
  return all;
}

unsigned Model::threads(Part part) const {
  switch (part) {
    case Part::kDpsBroker: return 1;
    case Part::kHubBroker: return plant_.hub_brokers;
    case Part::kHubProcess: return kLanes;
    default: return plant_.fleet_processes;
  }
}

}  // namespace latchkey::boards::fleet::forecast
