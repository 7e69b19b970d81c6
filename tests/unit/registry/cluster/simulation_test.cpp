// SPDX-License-Identifier: Apache-2.0
// The promise of docs/consistency.md under everything that may go wrong, on paper; and that each of its conditions is
// needed: without it, some run breaks the promise.
#include "tests/unit/registry/cluster/simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace latchkey::registry::cluster {
namespace {

using test::Bug;
using test::Simulation;

constexpr std::int64_t kMinute = 60'000'000;

// More of them by LATCHKEY_SEEDS.
std::uint64_t seeds() {
  const char* wished = std::getenv("LATCHKEY_SEEDS");
  return wished == nullptr ? 40 : std::strtoull(wished, nullptr, 10);
}

TEST(ClusterSimulation, nobody_is_let_in_by_a_state_that_lacks_what_was_acknowledged) {
  test::Tally all;
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    const auto one = Simulation(seed, Bug::kNone).run(kMinute);
    ASSERT_EQ(one.violations, 0) << "seed " << seed;
    all.accepts += one.accepts;
    all.refusals += one.refusals;
    all.acknowledged += one.acknowledged;
    all.lost += one.lost;
    all.joins += one.joins;
    all.failovers += one.failovers;
  }
  // It was no quiet run, and no dead one.
  EXPECT_GT(all.accepts, 50'000);
  EXPECT_GT(all.refusals, 5'000);
  EXPECT_GT(all.acknowledged, 300);
  EXPECT_GT(all.lost, 10);
  EXPECT_GT(all.joins, 100);
  EXPECT_GT(all.failovers, 20);
}

struct Plant {
  Bug bug;
  const char* name;
  std::uint64_t first_seed = 1;  // where the search begins: near one that breaks it, for the rare ones
};
class PlantedBug : public ::testing::TestWithParam<Plant> {};

TEST_P(PlantedBug, is_found) {
  constexpr std::uint64_t kSeeds = 2'000;  // the rarest takes a tenth of them
  for (std::uint64_t seed = GetParam().first_seed; seed <= kSeeds; ++seed) {
    if (Simulation(seed, GetParam().bug).run(kMinute).violations > 0) {
      RecordProperty("seed", static_cast<int>(seed));

      return;
    }
  }
  FAIL() << "no run breaks the promise without this condition";
}

INSTANTIATE_TEST_SUITE_P(ClusterSimulation, PlantedBug,
                         ::testing::Values(Plant{Bug::kLeaseFromAnswer, "lease_from_answer"},
                                           Plant{Bug::kLeaseFromReceipt, "lease_from_receipt"},
                                           Plant{Bug::kGrantOvertakes, "grant_overtakes"},
                                           Plant{Bug::kLostWithoutWaiting, "lost_without_waiting"},
                                           Plant{Bug::kLostUnconditionally, "lost_unconditionally", 17},
                                           Plant{Bug::kNoDrift, "no_drift", 194},
                                           Plant{Bug::kBeatsNotDurable, "beats_not_durable"},
                                           Plant{Bug::kNameTakenAtOnce, "name_taken_at_once"},
                                           Plant{Bug::kNodesReadBefore, "nodes_read_before", 85},
                                           Plant{Bug::kConfirmsWhatItRead, "confirms_what_it_read"}),
                         [](const auto& plant) { return std::string(plant.param.name); });

}  // namespace
}  // namespace latchkey::registry::cluster
