// SPDX-License-Identifier: Apache-2.0
// The parts of a scenario as they are read, each with the rules that are its own. What has been read before (devices,
// duration, arrival) is in `scenario` already.
#pragma once

#include "boards/fleet/scenario/internal/members.h"

namespace latchkey::boards::fleet::scenario {

void read_arrival(Members& members, Scenario& scenario);
void read_sleep(Members& members, Scenario& scenario);
void read_shelf(Members& members, Scenario& scenario);
void read_cut(Members& members, Scenario& scenario);
// The acts before it are in the scenario. `faults` is where `members` keeps its own.
void read_act(Members& members, Scenario& scenario, std::vector<Fault>& faults);

inline constexpr std::size_t kMostCuts = 1000;  // repetitions counted
inline constexpr std::size_t kMostActs = 100;
inline constexpr std::string_view kAfterTheEnd = "is after the end of the run (durationSeconds)";

}  // namespace latchkey::boards::fleet::scenario
