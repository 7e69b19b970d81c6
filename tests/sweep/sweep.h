// SPDX-License-Identifier: Apache-2.0
// Runs a scenario again and again, each time with one misfortune of storage somewhere in it, restarts the device and
// looks whether it found its way. What has to hold after each:
//
//   1. An identity that had worked, that lay whole in storage before the misfortune touched it, and that the hub would
//      let in, is used again: DPS is not asked.
//   2. Without such an identity the device provisions. Either way it is live within kWayBackMs.
//   3. It settles on one credential: a lost session is taken up with the same one, and costs no write.
//   4. The two slots are never of one generation, and nothing that a core calls impossible came up.
//   5. The next restart is a plain one: the same identity, no DPS, no write.
#pragma once

#include <string>
#include <vector>

#include "tests/sweep/scenario.h"

namespace latchkey::sweep {

inline constexpr std::uint64_t kWayBackMs = 600'000;

// What a sweep did and found.
struct Outcome {
  unsigned changes = 0;  // of storage in the undisturbed scenario
  unsigned runs = 0;     // with a misfortune each
  std::vector<std::string> faults;
};

struct Setting {
  SimHub::Ids ids = SimHub::Ids::kUntilRevoked;
  Wrap wrap;
};

// The power fails at every change, in every way that a medium can fail (sim::kCuts).
Outcome sweep_power_cuts(const Scenario& scenario, const Setting& setting = {});
// Every call of storage fails once, and nothing else happens; then the device is restarted.
Outcome sweep_failing_calls(const Scenario& scenario, const Setting& setting = {});
// The medium is full from change 1, 2, 3 ... on; after an hour there is room again; then the device is restarted.
Outcome sweep_full_medium(const Scenario& scenario, const Setting& setting = {});
// After the scenario one bit of one item is wrong.
Outcome sweep_bit_rot(const Scenario& scenario, const Setting& setting = {});

}  // namespace latchkey::sweep
