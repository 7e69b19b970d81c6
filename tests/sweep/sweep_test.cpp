// SPDX-License-Identifier: Apache-2.0
// Every scenario under every misfortune of storage; what it did stands in one line for each scenario.
#include "tests/sweep/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

namespace latchkey::sweep {
namespace {

class Sweep : public testing::TestWithParam<Scenario> {
 protected:
  // A few are enough to see what is wrong.
  static void expect_none(const Outcome& outcome) {
    for (std::size_t i = 0; i < outcome.faults.size() && i < 5; ++i) ADD_FAILURE() << outcome.faults[i];
    EXPECT_LE(outcome.faults.size(), 5u) << "faults in all";
  }
};

TEST_P(Sweep, power_cuts_lose_no_identity) {
  const Outcome lasting = sweep_power_cuts(GetParam());
  expect_none(lasting);
  const Outcome newest = sweep_power_cuts(GetParam(), {SimHub::Ids::kNewestOnly, {}});
  expect_none(newest);
  EXPECT_GE(lasting.runs, 8u);
  std::printf("sweep: %s: %u changes of storage, %u power cuts, %zu lost\n", GetParam().name, lasting.changes,
              lasting.runs + newest.runs, lasting.faults.size() + newest.faults.size());
}

TEST_P(Sweep, failing_and_full_storage_loses_no_identity) {
  const Outcome failing = sweep_failing_calls(GetParam());
  expect_none(failing);
  const Outcome full = sweep_full_medium(GetParam());
  expect_none(full);
  EXPECT_GE(failing.runs, 1u);
  EXPECT_GE(full.runs, 1u);
  std::printf("sweep: %s: %u calls failed, %u times full\n", GetParam().name, failing.runs, full.runs);
}

TEST_P(Sweep, bit_rot_in_one_item_loses_nothing_else) {
  const Outcome rot = sweep_bit_rot(GetParam());
  expect_none(rot);
  EXPECT_GE(rot.runs, 8u);
}

INSTANTIATE_TEST_SUITE_P(Scenarios, Sweep, testing::ValuesIn(scenarios()), [](const auto& row) {
  std::string name(row.param.name);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

}  // namespace
}  // namespace latchkey::sweep
