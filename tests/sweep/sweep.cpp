// SPDX-License-Identifier: Apache-2.0
#include "tests/sweep/sweep.h"

#include <algorithm>

#include "agent/core/record.h"

namespace latchkey::sweep {
namespace {

constexpr ports::Item kSlots[] = {ports::Item::kSlotA, ports::Item::kSlotB};
constexpr unsigned kMostChanges = 200;  // a scenario that never ends is a fault

std::string text_of(const sim::SimStorage::Content& content) {
  return content ? std::string(content->begin(), content->end()) : std::string();
}

// The slots of that medium whose credential has worked.
std::vector<std::string> proven_in(const sim::SimStorage::Medium& medium) {
  std::vector<std::string> found;
  for (const auto item : kSlots) {
    const std::string text = text_of(medium[static_cast<std::size_t>(item)]);
    const auto record = agent::parse_record(ByteView(text));
    if (record && record->state == agent::RecordState::kProven) found.push_back(text);
  }
  return found;
}

sim::SimStorage::Medium medium_of(sim::SimStorage& storage) {
  return {storage.medium(ports::Item::kSlotA), storage.medium(ports::Item::kSlotB),
          storage.medium(ports::Item::kPendingKey)};
}

// One run's verdict, with what it takes to repeat it.
class Judge {
 public:
  Judge(Rig& rig, std::string where, Outcome& outcome) : rig_(rig), where_(std::move(where)), outcome_(outcome) {}

  // `before`: storage before the misfortune touched it.
  void restart_and_judge(const sim::SimStorage::Medium& before) {
    const auto worked = proven_in(before);
    const bool keeps =
        std::any_of(worked.begin(), worked.end(), [&](const auto& text) { return rig_.hub.accepts(text); });
    rig_.start();
    expect(rig_.run_until_live(kWayBackMs), "it does not come to life");
    if (keeps) expect(rig_.board().link.traffic.dps_connects == 0, "an identity that had worked was lost");
    if (!rig_.live()) return;
    judge_slots();
    judge_plain_reconnect();
    judge_plain_restart();
  }

 private:
  void expect(bool good, const char* fault) {
    if (!good) outcome_.faults.push_back(where_ + ": " + fault);
  }

  void judge_slots() {
    const auto medium = medium_of(rig_.storage);
    const std::string a = text_of(medium[0]), b = text_of(medium[1]);
    const auto record_a = agent::parse_record(ByteView(a));
    const auto record_b = agent::parse_record(ByteView(b));
    if (record_a && record_b) expect(record_a->generation != record_b->generation, "two slots of one generation");
    expect(rig_.summary().broken_promises == 0, "something impossible came up");
  }

  void judge_plain_reconnect() {
    if (rig_.state() != agent::State::kLive) rig_.run_until([&] { return rig_.state() == agent::State::kLive; });
    const unsigned changes = rig_.storage.changes();
    const auto shown = rig_.board().link.shown();
    rig_.board().link.cut();
    expect(rig_.run_until_live(kWayBackMs) && rig_.board().link.shown() == shown,
           "it does not stay with one credential");
    expect(rig_.storage.changes() == changes, "a plain reconnect wrote to storage");
  }

  void judge_plain_restart() {
    const unsigned changes = rig_.storage.changes();
    const auto shown = rig_.board().link.shown();
    rig_.start();
    expect(rig_.run_until_live(kWayBackMs), "the second restart does not come to life");
    expect(rig_.board().link.traffic.dps_connects == 0, "the second restart asks DPS");
    expect(rig_.board().link.shown() == shown, "the second restart shows another credential");
    expect(rig_.storage.changes() == changes, "a plain restart wrote to storage");
  }

  Rig& rig_;
  const std::string where_;
  Outcome& outcome_;
};

std::string at(const Scenario& scenario, const char* what, unsigned number, unsigned way) {
  return std::string(scenario.name) + ", " + what + ' ' + std::to_string(number) + ", way " + std::to_string(way);
}

}  // namespace

Outcome sweep_power_cuts(const Scenario& scenario, const Setting& setting) {
  Outcome outcome;
  for (const sim::Cut how : sim::kCuts) {
    for (unsigned change = 1;; ++change) {
      Rig rig(setting.ids, setting.wrap);
      scenario.prepare(rig);
      rig.storage.cut_power_at(rig.storage.changes() + change, how);
      const bool ended = scenario.play(rig);
      const std::string where = at(scenario, "cut at change", change, static_cast<unsigned>(how));
      if (rig.storage.has_power()) {
        if (!ended) outcome.faults.push_back(where + ": the scenario does not end");
        outcome.changes = change - 1;
        break;
      }
      ++outcome.runs;
      rig.stop();
      rig.hub.behave();
      rig.storage.restore_power();
      Judge(rig, where, outcome).restart_and_judge(rig.storage.before_cut());
      if (change == kMostChanges) return outcome;
    }
  }
  return outcome;
}

Outcome sweep_failing_calls(const Scenario& scenario, const Setting& setting) {
  Outcome outcome;
  for (unsigned call = 0; call < kMostChanges; ++call) {
    Rig rig(setting.ids, setting.wrap);
    scenario.prepare(rig);
    const auto before = medium_of(rig.storage);
    const unsigned changes = rig.storage.changes();
    rig.storage.fail_after(call, Status::kStorageFailed);
    const std::string where = at(scenario, "call fails:", call + 1, 0);
    const bool ended = scenario.play(rig);
    rig.hub.behave();
    if (!ended) {
      // Perhaps a renewal that could not be stored: the device is well, the scenario is not what it was.
      if (!rig.run_until_live()) outcome.faults.push_back(where + ": it is not live in the end");
    }
    outcome.changes = rig.storage.changes() - changes;
    if (rig.storage.failures_left() > 0) break;
    ++outcome.runs;
    Judge(rig, where, outcome).restart_and_judge(before);
  }
  return outcome;
}

Outcome sweep_full_medium(const Scenario& scenario, const Setting& setting) {
  Outcome outcome;
  for (unsigned change = 1; change < kMostChanges; ++change) {
    Rig rig(setting.ids, setting.wrap);
    scenario.prepare(rig);
    const auto before = medium_of(rig.storage);
    const unsigned from = rig.storage.changes();
    rig.storage.fill_at(from + change);
    scenario.play(rig);
    rig.hub.behave();
    outcome.changes = std::max(outcome.changes, change - 1);
    if (rig.storage.changes() < from + change) break;
    ++outcome.runs;
    rig.run_for(kHourMs);
    rig.storage.fill_at(0);
    const std::string where = at(scenario, "full from change", change, 0);
    if (!rig.run_until_live(2 * kHourMs)) outcome.faults.push_back(where + ": it is not live once there is room");
    Judge(rig, where, outcome).restart_and_judge(before);
  }
  return outcome;
}

Outcome sweep_bit_rot(const Scenario& scenario, const Setting& setting) {
  Outcome outcome;
  Rig rig(setting.ids, setting.wrap);
  scenario.prepare(rig);
  if (!scenario.play(rig)) outcome.faults.push_back(std::string(scenario.name) + ": the scenario does not end");
  rig.stop();
  const auto whole = medium_of(rig.storage);
  for (std::size_t item = 0; item < whole.size(); ++item) {
    if (!whole[item] || whole[item]->empty()) continue;
    const std::size_t size = whole[item]->size();
    // Version, checksum, generation, state, address, key, chain, end.
    for (const std::size_t place : {std::size_t{3}, std::size_t{40}, std::size_t{112}, std::size_t{127},
                                    std::size_t{140}, size / 4, size / 2, size - 2}) {
      auto rotten = whole;
      (*rotten[item])[place] ^= 0x04;
      for (std::size_t i = 0; i < rotten.size(); ++i) rig.storage.medium(static_cast<ports::Item>(i)) = rotten[i];
      auto sound = whole;
      sound[item].reset();
      ++outcome.runs;
      const std::string where = at(scenario, "rot in item", static_cast<unsigned>(item), static_cast<unsigned>(place));
      Judge(rig, where, outcome).restart_and_judge(sound);
    }
  }
  return outcome;
}

}  // namespace latchkey::sweep
