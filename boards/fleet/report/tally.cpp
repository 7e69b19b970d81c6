// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/report/tally.h"

#include <algorithm>
#include <set>
#include <utility>

#include "boards/fleet/report/internal/act_watch.h"
#include "boards/fleet/report/internal/life.h"

namespace latchkey::boards::fleet::report {

using history::Record;
using history::Service;

namespace {

constexpr Device kMostDevices = 1'000'000;
constexpr TimeUs kLongest = TimeUs{400} * 86'400 * 1'000'000;  // beyond this a time is nonsense
constexpr auto kDps = static_cast<std::size_t>(Service::kDps);
constexpr auto kHub = static_cast<std::size_t>(Service::kHub);

}  // namespace

// A visitor of bodies; `time`, `device` and `worker` are those of the record in hand.
struct Tally::State {
  Figures figures;
  std::vector<Life> lives;
  std::vector<ActWatch> watches;
  std::vector<std::string> reasons{""};  // by Life::last_reason
  std::map<std::string, std::uint16_t> reason_numbers;
  std::map<std::uint32_t, history::Load> loads;  // by worker, as last told
  std::set<std::uint32_t> begun_workers;
  std::set<std::uint32_t> ended_workers;
  bool over = false;  // the parent said so: how devices stop is no part of the run
  TimeUs time = 0;
  Device device = history::kNoDevice;
  std::uint32_t worker = 0;

  Life& life() { return lives[device]; }
  void remember(const std::string& reason);
  void start_waiting(TimeUs since);
  void stop_session();

  void operator()(const history::RunBegun& run);
  void operator()(const history::Due& due);
  void operator()(const history::Asleep& asleep);
  void operator()(const history::Connecting& connecting);
  void operator()(const history::Connected& connected);
  void operator()(const history::Refused& refused);
  void operator()(const history::Ended& ended);
  void operator()(const history::Stored& stored);
  void operator()(const history::Telemetry& telemetry);
  void operator()(const history::Load& load);
  void operator()(const history::Process&) {}
  void operator()(const history::ActBegun& act);
  void operator()(const history::ActAnswered& answer);
  void operator()(const history::Fault& fault);
  void operator()(const history::RunEnded& end);
};

// Numbers stand for reasons, of which there are few; what comes beyond all measure has none.
void Tally::State::remember(const std::string& reason) {
  auto found = reason_numbers.find(reason);
  if (found == reason_numbers.end() && reasons.size() < 0xFFFF) {
    found = reason_numbers.emplace(reason, static_cast<std::uint16_t>(reasons.size())).first;
    reasons.push_back(reason);
  }
  life().last_reason = found == reason_numbers.end() ? 0 : found->second;
}

void Tally::State::start_waiting(TimeUs since) {
  if (life().wanted_since == kNever) life().wanted_since = since;
}

void Tally::State::stop_session() {
  if (!life().connected) return;
  life().connected = false;
  figures.timeline.session(life().session, -1);
}

void Tally::State::operator()(const history::RunBegun& run) {
  if (begun_workers.empty() || run.worker == 0) figures.run = run;  // the parent's, or the first one that there is
  const Device devices = std::min(run.devices, kMostDevices);
  if (devices > lives.size()) lives.resize(devices);
  begun_workers.insert(run.worker);
}

void Tally::State::operator()(const history::Due& due) {
  if (life().asleep) {
    life().asleep = false;
    figures.timeline.sleeper(-1);
  }
  if (!life().connected) life().wanted_since = due.at;
}

void Tally::State::operator()(const history::Asleep& asleep) {
  life().asleep_until = asleep.until;
  life().wanted_since = kNever;
  life().provisioning = false;
  if (!std::exchange(life().asleep, true)) figures.timeline.sleeper(+1);
}

void Tally::State::operator()(const history::Connecting& connecting) {
  life().connecting_since[static_cast<std::size_t>(connecting.service)] = time;
  if (!life().asleep) start_waiting(time);
  if (connecting.service == Service::kDps) life().provisioning = true;
}

void Tally::State::operator()(const history::Connected& connected) {
  if (connected.service != Service::kHub || life().connected) return;
  const TimeUs begun = life().connecting_since[kHub];
  if (begun != kNever) figures.connect.from_begun.ended.add(time - begun);
  if (life().wanted_since != kNever) figures.connect.from_due.ended.add(time - life().wanted_since);
  for (auto& watch : watches) watch.connected(time, device, life(), connected.generation);
  life().wanted_since = kNever;
  life().connected = true;
  life().provisioning = false;
  life().last_reason = 0;
  life().session = connected.generation;
  figures.timeline.session(connected.generation, +1);
  ++figures.timeline.now().connects;
  ++figures.connects;
}

void Tally::State::operator()(const history::Refused& refused) {
  const std::string reason = reason_of(refused);
  ++figures.refusals[reason];
  ++figures.timeline.now().refusals[reason];
  remember(reason);
  if (refused.service == Service::kHub && refused.by != history::RefusedBy::kRenewal) {
    for (auto& watch : watches) watch.refused(time, device);
  }
}

void Tally::State::operator()(const history::Ended& ended) {
  life().connecting_since[static_cast<std::size_t>(ended.service)] = kNever;
  const bool is_failure = ended.why != history::Why::kOwn && ended.why != history::Why::kRefused;
  if (is_failure) {
    ++figures.failures[reason_of(ended)];
    remember(reason_of(ended));
  }
  if (ended.service != Service::kHub || !life().connected) return;
  stop_session();
  for (auto& watch : watches) watch.ended(time, device);
  if (!life().asleep) start_waiting(time);
}

void Tally::State::operator()(const history::Stored& stored) {
  life().certificate = std::max(life().certificate, stored.generation);
  ++figures.certificates;
  ++figures.timeline.now().certificates;
  if (stored.renewed) {
    ++figures.renewals;
    return;
  }
  life().provisioning = false;
  const TimeUs begun = life().connecting_since[kDps];
  if (begun != kNever) figures.provisioning.from_begun.ended.add(time - begun);
  if (life().wanted_since != kNever) figures.provisioning.from_due.ended.add(time - life().wanted_since);
}

void Tally::State::operator()(const history::Telemetry& telemetry) {
  figures.telemetry_sent += telemetry.sent;
  figures.telemetry_acknowledged += telemetry.acknowledged;
  figures.timeline.now().acknowledged += telemetry.acknowledged;
  figures.telemetry.from_begun.ended.add(telemetry.from_sent);
  figures.telemetry.from_due.ended.add(telemetry.from_due);
}

void Tally::State::operator()(const history::Load& load) {
  loads[worker] = load;
  std::uint64_t memory_kib = 0;
  figures.cpu_ms = 0;
  for (const auto& [number, one] : loads) {
    memory_kib += one.memory_kib;
    figures.cpu_ms += one.cpu_ms;
  }
  figures.most_memory_kib = std::max(figures.most_memory_kib, memory_kib);
}

void Tally::State::operator()(const history::ActBegun& act) {
  if (auto watch = ActWatch::begin(time, act, lives)) watches.push_back(std::move(*watch));
  const bool disables = act.kind == history::ActKind::kDisableDevices || act.disable;
  const bool enables = act.kind == history::ActKind::kEnableDevices || act.kind == history::ActKind::kDeleteDevices;
  for (const Device one : act.devices) {
    if (one < lives.size() && (disables || enables)) lives[one].disabled = disables;
  }
}

void Tally::State::operator()(const history::ActAnswered& answer) {
  for (auto& watch : watches) {
    if (watch.act() == answer.act) watch.answered(time, answer);
  }
}

void Tally::State::operator()(const history::Fault& fault) {
  if (fault.kind == history::FaultKind::kCrashBeforeCertificate) ++figures.crashes;
  if (device < lives.size() && fault.kind == history::FaultKind::kCredentialLost) life().credential_lost = fault.begins;
  if (fault.kind != history::FaultKind::kNetworkCut || device != history::kNoDevice) return;
  const auto number = static_cast<std::size_t>(std::clamp<std::int64_t>(fault.number, 0, 9999));
  if (number >= figures.cuts.size()) figures.cuts.resize(number + 1, {time, time});
  if (fault.begins)
    figures.cuts[number] = {time, std::nullopt};
  else
    figures.cuts[number].until = time;
}

void Tally::State::operator()(const history::RunEnded& end) {
  ended_workers.insert(worker);
  if (worker == 0) over = true;
  if (worker == 0 || !figures.end) figures.end = end;
}

Tally::Tally() : state_(std::make_unique<State>()) {}
Tally::~Tally() = default;

void Tally::take(const Record& record) {
  State& s = *state_;
  const bool is_end = std::holds_alternative<history::RunEnded>(record.body);
  if ((s.over && !is_end) || record.time > kLongest) return;
  if (record.device != history::kNoDevice && record.device >= kMostDevices) return;
  ++s.figures.records;
  if (!s.over) s.time = std::max(s.time, record.time);
  s.figures.timeline.advance(s.time);
  s.device = record.device;
  s.worker = record.worker;
  if (s.device != history::kNoDevice) {
    if (s.device >= s.lives.size()) s.lives.resize(s.device + 1);
    s.life().known = true;
  }
  std::visit(s, record.body);
}

Figures Tally::figures() const {
  State s = *state_;
  Figures& f = s.figures;
  f.length = s.time;
  f.timeline.finish(f.length);
  if (s.begun_workers.contains(0) && !s.over) f.end.reset();  // a worker's word does not end the run
  for (const auto worker : s.begun_workers) f.files_without_end += !s.ended_workers.contains(worker);
  const auto why = [&](Device device) { return why_absent(s.lives[device], s.reasons[s.lives[device].last_reason]); };
  for (Device device = 0; device < s.lives.size(); ++device) {
    const Life& life = s.lives[device];
    f.connected += life.connected;
    f.asleep += life.asleep;
    f.disabled += life.disabled;
    f.not_begun += !life.known;
    if (!life.known || life.connected || life.asleep || life.disabled) continue;
    f.absent.push_back({device, why(device)});
    if (life.wanted_since == kNever) continue;
    ++f.connect.from_due.waiting;
    f.provisioning.from_due.waiting += life.provisioning;
  }
  if (f.telemetry_sent > f.telemetry_acknowledged) {
    f.telemetry.from_begun.waiting = f.telemetry_sent - f.telemetry_acknowledged;
    if (!f.telemetry.from_due.ended.empty()) f.telemetry.from_due.waiting = f.telemetry.from_begun.waiting;
  }
  for (auto& watch : s.watches) f.acts.push_back(watch.finish(s.lives, why));
  return std::move(s.figures);
}

Figures figures_of(history::Reader& reader) {
  Tally tally;
  while (const auto record = reader.next()) tally.take(*record);
  Figures figures = tally.figures();
  figures.files = static_cast<std::uint32_t>(reader.files());
  figures.damages = reader.damages();
  return figures;
}

}  // namespace latchkey::boards::fleet::report
