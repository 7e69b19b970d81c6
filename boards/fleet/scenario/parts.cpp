// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/scenario/internal/parts.h"

#include <algorithm>

namespace latchkey::boards::fleet::scenario {
namespace {

constexpr TimeUs kSecond = 1'000'000;

}  // namespace

void read_arrival(Members& members, Scenario& scenario) {
  members.require("curve");
  const auto curve = members.word("curve", {"at-once", "even", "ramp", "bell"});
  scenario.arrival.curve = static_cast<Curve>(curve.value_or(0));
  scenario.arrival.over = members.seconds("overSeconds").value_or(0);
  if (scenario.arrival.over > scenario.duration) members.fault("overSeconds", std::string(kAfterTheEnd));
  if (curve && scenario.arrival.curve == Curve::kAtOnce && members.has("overSeconds")) {
    members.fault("overSeconds", "does not go with \"at-once\"");
  } else if (curve && scenario.arrival.curve != Curve::kAtOnce) {
    members.require("overSeconds");
  }
}

void read_sleep(Members& members, Scenario& scenario) {
  for (const char* name : {"share", "awakeSeconds", "asleepSeconds"}) members.require(name);
  auto& sleep = scenario.sleep;
  sleep.share = members.share("share").value_or(0);
  sleep.awake = members.seconds("awakeSeconds", kSecond).value_or(kSecond);
  sleep.asleep = members.seconds("asleepSeconds", kSecond).value_or(kSecond);
  sleep.jitter = members.number("jitter", 0, 0.9).value_or(0);
  sleep.together = members.flag("together").value_or(false);
  if (sleep.awake > scenario.duration) members.fault("awakeSeconds", "is longer than the run (durationSeconds)");
  if (sleep.asleep > scenario.duration) members.fault("asleepSeconds", "is longer than the run (durationSeconds)");
}

void read_shelf(Members& members, Scenario& scenario) {
  for (const char* name : {"share", "fromSeconds", "untilSeconds"}) members.require(name);
  auto& shelf = scenario.shelf;
  shelf.share = members.share("share").value_or(0);
  const auto from = members.seconds("fromSeconds");
  const auto until = members.seconds("untilSeconds");
  shelf.from = from.value_or(0);
  shelf.until = until.value_or(0);
  shelf.over = members.seconds("overSeconds").value_or(0);
  if (from && shelf.from <= scenario.arrival.over) {
    members.fault("fromSeconds", "is not after the last arrival (/arrival/overSeconds)");
  }
  if (from && until && shelf.until <= shelf.from) members.fault("untilSeconds", "is not after fromSeconds");
  if (until && shelf.until >= scenario.duration)
    members.fault("untilSeconds", std::string(kAfterTheEnd));
  else if (until && shelf.until + shelf.over > scenario.duration)
    members.fault("overSeconds", std::string(kAfterTheEnd));
}

void read_cut(Members& members, Scenario& scenario) {
  members.require("atSeconds");
  members.require("forSeconds");
  NetworkCut cut;
  cut.from = members.seconds("atSeconds").value_or(0);
  const TimeUs length = members.seconds("forSeconds", 1).value_or(1);
  cut.share = members.share("share").value_or(1);
  const auto times = members.whole("times", 1, kMostCuts).value_or(1);
  const TimeUs every = members.seconds("everySeconds", 1).value_or(length + 1);
  if (members.has("everySeconds") && every <= length) members.fault("everySeconds", "is not longer than forSeconds");
  if (members.has("times") != members.has("everySeconds")) members.fault("times and everySeconds go together");
  const TimeUs last = cut.from + static_cast<TimeUs>(times - 1) * every;
  if (cut.from >= scenario.duration)
    members.fault("atSeconds", std::string(kAfterTheEnd));
  else if (last >= scenario.duration)
    members.fault("times", "the last of them " + std::string(kAfterTheEnd));
  else if (last + length > scenario.duration)
    members.fault("forSeconds", "ends after the run (durationSeconds)");
  for (std::uint64_t i = 0; i < times && scenario.cuts.size() <= kMostCuts; ++i) {
    cut.until = cut.from + length;
    scenario.cuts.push_back(cut);
    cut.from += every;
  }
}

}  // namespace latchkey::boards::fleet::scenario
