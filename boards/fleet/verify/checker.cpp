// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/verify/checker.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "boards/fleet/history/text.h"
#include "boards/fleet/history/writer.h"
#include "boards/fleet/verify/internal/acts.h"
#include "boards/fleet/verify/internal/memory.h"

namespace latchkey::boards::fleet::verify {

using history::Device;
using history::Record;
using history::Service;

namespace {

constexpr Device kMostDevices = 1'000'000;
constexpr std::size_t kMostKept = 1'000;
constexpr auto kHub = static_cast<std::size_t>(Service::kHub);

std::string line_of(const Record& record) {
  std::string line;
  history::append_line(line, record.time, record.device, record.body);
  line.pop_back();
  return line;
}

std::string generation_text(std::uint32_t generation) { return "generation " + std::to_string(generation); }

}  // namespace

// A visitor of bodies; `record_` is the one in hand.
class Checker::State {
 public:
  explicit State(std::optional<Flat> flat) : flat_(flat) {}
  void take(const Record& record);
  Verdict finish();

  void operator()(const history::RunBegun& run);
  void operator()(const history::Due& due);
  void operator()(const history::Asleep&);
  void operator()(const history::Connecting& connecting);
  void operator()(const history::Connected& connected);
  void operator()(const history::Refused& refused);
  void operator()(const history::Ended& ended);
  void operator()(const history::Stored& stored);
  void operator()(const history::Telemetry&) {}
  void operator()(const history::Load&) {}
  void operator()(const history::Process& process) { memory_.take(record_->time, process); }
  void operator()(const history::ActBegun& act) { acts_.begin(record_->time, act, lives_); }
  void operator()(const history::ActAnswered& answer) { acts_.answer(record_->time, answer, lives_); }
  void operator()(const history::Fault& fault);
  void operator()(const history::RunEnded& end);

 private:
  Life& life() { return lives_[record_->device]; }
  Connection& connection(Service service) { return life().connections[static_cast<std::size_t>(service)]; }
  Violation violation(Rule rule, std::string text) const;
  void keep(Violation violation);
  void violated(Rule rule, std::string text) { keep(violation(rule, std::move(text))); }
  void check_session(const history::Connected& connected, TimeUs opened);
  void check_loss(const history::Ended& ended, TimeUs opened);
  void check_missing();
  bool is_locked_out(const Life& life) const;

  const std::optional<Flat> flat_;
  Verdict verdict_;
  std::vector<Life> lives_;
  Acts acts_;
  Memory memory_;
  std::unordered_map<std::string, Device> serials_;
  std::vector<Violation> cuts_;           // ends that are laid to a network cut
  std::set<std::uint32_t> workers_;       // without an end yet
  std::optional<history::RunEnded> end_;  // the parent's
  TimeUs time_ = 0;
  const Record* record_ = nullptr;
};

Violation Checker::State::violation(Rule rule, std::string text) const {
  return {rule,
          record_->device,
          record_->time,
          std::move(text),
          history::file_of({}, record_->worker).string() + ":" + std::to_string(record_->line),
          line_of(*record_)};
}

void Checker::State::keep(Violation violation) {
  ++verdict_.counts[static_cast<std::size_t>(violation.rule)];
  if (verdict_.violations.size() < kMostKept) verdict_.violations.push_back(std::move(violation));
}

void Checker::State::take(const Record& record) {
  const bool is_end = std::holds_alternative<history::RunEnded>(record.body);
  if (end_ && !is_end) return;  // how devices stop is no part of the run
  record_ = &record;
  if (record.device != history::kNoDevice && record.device >= kMostDevices) {
    return violated(Rule::kHistory, "there are no devices with such numbers");
  }
  ++verdict_.records;
  if (!end_) time_ = record.time;
  if (record.device != history::kNoDevice && record.device >= lives_.size()) lives_.resize(record.device + 1);
  std::visit(*this, record.body);
}

void Checker::State::operator()(const history::RunBegun& run) {
  if (workers_.empty() || run.worker == 0) verdict_.run = run;
  lives_.resize(std::max<std::size_t>(lives_.size(), std::min(run.devices, kMostDevices)));
  workers_.insert(run.worker);
}

void Checker::State::operator()(const history::Due&) {
  life().asleep = false;
  life().missing_since = record_->time;
}

void Checker::State::operator()(const history::Asleep&) {
  life().asleep = true;
  life().missing_since = kNever;
}

void Checker::State::operator()(const history::Connecting& connecting) {
  Connection& connection = this->connection(connecting.service);
  if (connection.since != kNever) violated(Rule::kPairing, "a connection is opened, and the one before has no end");
  connection = {record_->time, false};
}

void Checker::State::operator()(const history::Connected& connected) {
  Connection& connection = this->connection(connected.service);
  if (connection.since == kNever) {
    violated(Rule::kPairing, "a connection is accepted that nobody has opened");
    connection.since = record_->time;
  }
  connection.accepted = true;
  if (connected.service == Service::kHub) check_session(connected, connection.since);
}

void Checker::State::check_session(const history::Connected& connected, TimeUs opened) {
  Life& life = this->life();
  const auto generation = connected.generation;
  if (life.condemned_at != kNever && generation <= life.condemned && opened > life.condemned_at) {
    violated(Rule::kLetIn, "accepted with a certificate of " + generation_text(generation) + ", which was condemned");
  } else if (life.barred_at != kNever && opened > life.barred_at) {
    violated(Rule::kLetIn, "accepted while it was disabled");
  }
  if (generation < life.proven) {
    violated(Rule::kGeneration,
             "accepted with " + generation_text(generation) + " after " + generation_text(life.proven));
  }
  life.proven = std::max(life.proven, generation);
  life.session = generation;
  life.missing_since = kNever;
  life.hub_said_no = life.network_gone = false;
}

void Checker::State::operator()(const history::Refused& refused) {
  if (refused.service == Service::kHub && refused.by != history::RefusedBy::kRenewal) life().hub_said_no = true;
}

void Checker::State::operator()(const history::Ended& ended) {
  const Connection was = std::exchange(connection(ended.service), {});
  if (was.since == kNever) {
    violated(Rule::kPairing, "a connection ends that nobody has opened");
  } else if (was.accepted != ended.was_connected) {
    violated(Rule::kPairing, was.accepted ? "a session's end says that there was none"
                                          : "the end of a session that was never accepted");
  }
  life().network_gone = ended.why == history::Why::kCut;
  if (ended.service != Service::kHub || !was.accepted) return;
  check_loss(ended, was.since);
  if (!life().asleep) life().missing_since = record_->time;
}

void Checker::State::check_loss(const history::Ended& ended, TimeUs opened) {
  if (ended.why == history::Why::kOwn) return;
  if (ended.why == history::Why::kCut) {
    return cuts_.push_back(violation(Rule::kLost, "its session was cut off, and the network was never gone"));
  }
  if (acts_.explains(record_->time, opened, life())) return;
  violated(Rule::kLost, "its session was lost, and nobody had asked for it");
}

void Checker::State::operator()(const history::Stored& stored) {
  Life& life = this->life();
  if (stored.generation <= life.stored) {
    violated(Rule::kGeneration,
             "stored " + generation_text(stored.generation) + " after " + generation_text(life.stored));
  }
  life.stored = std::max(life.stored, stored.generation);
  const auto [other, is_new] = serials_.emplace(stored.serial, record_->device);
  if (!is_new) {
    violated(Rule::kSerial, "serial number " + stored.serial + " is that of a certificate of " +
                                history::device_name(verdict_.run.prefix, other->second) + ", too");
  }
}

void Checker::State::operator()(const history::Fault& fault) {
  if (record_->device == history::kNoDevice) {
    if (fault.kind == history::FaultKind::kNetworkCut) acts_.network_cut(record_->time, fault);
  } else if (fault.kind == history::FaultKind::kCredentialLost) {
    life().credential_lost = fault.begins;
  } else if (fault.kind == history::FaultKind::kClockSkew) {
    life().clock_behind = fault.begins && fault.number < 0;
  }
}

void Checker::State::operator()(const history::RunEnded& end) {
  workers_.erase(record_->worker);
  if (record_->worker == 0) end_ = end;
}

// It needs a new certificate, and can prove itself to DPS no more or takes what it gets for not yet valid.
bool Checker::State::is_locked_out(const Life& life) const {
  const bool holds_none = life.stored <= life.asked_for;
  return (life.credential_lost && (holds_none || life.hub_said_no)) || (life.clock_behind && holds_none);
}

void Checker::State::check_missing() {
  for (Device device = 0; device < lives_.size(); ++device) {
    const Life& life = lives_[device];
    if (life.connections[kHub].accepted || life.missing_since == kNever) continue;
    if (life.asleep || life.disabled || is_locked_out(life)) continue;
    if (life.network_gone && acts_.network_was_gone(time_)) continue;
    if (time_ - life.missing_since < kLate) continue;  // still on its way
    const auto seconds = std::to_string((time_ - life.missing_since) / 1'000'000);
    keep({Rule::kNotBack, device, time_, "has been without a session for " + seconds + " seconds when the run ends", "",
          ""});
  }
}

Verdict Checker::State::finish() {
  for (auto& cut : cuts_) {
    const bool is_told = acts_.network_was_gone(cut.time) || cut.time > time_ - kLate;
    if (!is_told) keep(std::move(cut));
  }
  const bool came_to_its_end =
      end_ && (end_->why == history::Ending::kAllBack || end_->why == history::Ending::kTimeUp);
  if (!came_to_its_end) {
    verdict_.notes.emplace_back("the run did not come to its end: who is missing is not judged");
  } else if (acts_.hub_is_faulty()) {
    verdict_.notes.emplace_back("the hub's faults were not cleared: who is missing is not judged");
  } else {
    check_missing();
  }
  if (flat_) {
    for (auto& text : memory_.grown(*flat_, time_)) {
      keep({Rule::kMemory, history::kNoDevice, time_, std::move(text), "", ""});
    }
  }
  for (const auto worker : workers_) {
    verdict_.notes.push_back(history::file_of({}, worker).string() + " breaks off");
  }
  return std::move(verdict_);
}

Checker::Checker(std::optional<Flat> flat) : state_(std::make_unique<State>(flat)) {}
Checker::~Checker() = default;
void Checker::take(const Record& record) { state_->take(record); }
Verdict Checker::finish() { return state_->finish(); }

Verdict verdict_of(history::Reader& reader, std::optional<Flat> flat) {
  Checker checker(flat);
  while (const auto record = reader.next()) checker.take(*record);
  Verdict verdict = checker.finish();
  for (const auto& damage : reader.damages()) {
    if (damage.is_torn) {  // the last word of a writer that was killed
      verdict.notes.push_back(damage.file + ":" + std::to_string(damage.line) + ": " + damage.why);
      continue;
    }
    ++verdict.counts[static_cast<std::size_t>(Rule::kHistory)];
    verdict.violations.push_back({Rule::kHistory, history::kNoDevice, 0, "a line cannot be read: " + damage.why,
                                  damage.file + ":" + std::to_string(damage.line), ""});
  }
  return verdict;
}

}  // namespace latchkey::boards::fleet::verify
