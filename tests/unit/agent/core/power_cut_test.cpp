// SPDX-License-Identifier: Apache-2.0
// The power fails during change 1, 2, 3 ... of storage, in each way a medium can fail, until the run completes. After
// the restart the device is alive again, and an identity that had worked is never lost to a cut.
#include <gtest/gtest.h>

#include "tests/unit/agent/core/device.h"

namespace latchkey::test {
namespace {

using agent::State;
using sim::Cut;

// Plays both services well until the device lives or the power is gone.
void play_until_live(Device& device, World& world) {
  for (int i = 0; i < 10'000 && world.storage.has_power() && !agent::is_live(device.state()); ++i) {
    if (device.link.disconnecting()) {
      device.link.finish_disconnect();
    } else if (device.link.connecting()) {
      device.link.accept();
    } else if (device.link.grant()) {
    } else if (device.state() == State::kDpsRegistering) {
      device.dps_assigned();
    } else {
      device.pass(500);
    }
  }
}

void play_renewal(Device& device, World& world) {
  for (std::uint64_t ms = 0; ms < kLifetimeMs && device.state() != State::kRenewAsking; ms += 1'000) {
    if (!world.storage.has_power()) return;
    device.pass(1'000);
  }
  if (!world.storage.has_power() || device.state() != State::kRenewAsking) return;
  device.renewal_answers(202, "{}");
  device.renewal_issued();
  play_until_live(device, world);
}

bool asked_dps(const Device& device) {
  for (const auto& connect : device.link.connects) {
    if (connect.host == "dps.example") return true;
  }
  return false;
}

class PowerCut : public testing::TestWithParam<Cut> {};

TEST_P(PowerCut, during_provisioning_the_device_comes_to_life_afterwards) {
  for (unsigned change = 1;; ++change) {
    SCOPED_TRACE("cut at change " + std::to_string(change));
    World world;
    world.storage.cut_power_at(change, GetParam());
    {
      Device device(world);
      device.driver->start();
      play_until_live(device, world);
    }
    if (world.storage.has_power()) {
      EXPECT_GT(change, 4u) << "pending key, slot, erase, mark";
      return;
    }
    world.storage.restore_power();
    Device restarted(world, test_config(), 2);
    restarted.driver->start();
    play_until_live(restarted, world);
    ASSERT_EQ(restarted.state(), State::kLive);
    EXPECT_EQ(restarted.summary().broken_promises, 0u);
  }
}

TEST_P(PowerCut, during_renewal_the_identity_that_worked_is_not_lost) {
  for (unsigned change = 1;; ++change) {
    SCOPED_TRACE("cut at change " + std::to_string(change));
    World world;
    {
      Device device(world);
      device.become_live();
      world.storage.cut_power_at(world.storage.changes() + change, GetParam());
      play_renewal(device, world);
    }
    if (world.storage.has_power()) {
      EXPECT_GT(change, 4u);
      return;
    }
    world.storage.restore_power();
    Device restarted(world, test_config(), 2);
    restarted.driver->start();
    play_until_live(restarted, world);
    ASSERT_TRUE(restarted.summary().connected);
    EXPECT_FALSE(asked_dps(restarted)) << "a proven credential was lost";
    EXPECT_EQ(restarted.summary().broken_promises, 0u);
  }
}

TEST_P(PowerCut, during_provisioning_after_a_revocation_the_device_comes_back) {
  for (unsigned change = 1;; ++change) {
    SCOPED_TRACE("cut at change " + std::to_string(change));
    World world;
    {
      Device device(world);
      device.become_live();
      world.storage.cut_power_at(world.storage.changes() + change, GetParam());
      device.link.end(ports::LinkFailure::kLost);
      ASSERT_TRUE(device.pass_until(State::kHubConnecting, 5'000));
      device.link.refuse(5);
      play_until_live(device, world);
    }
    if (world.storage.has_power()) {
      EXPECT_GT(change, 4u);
      return;
    }
    world.storage.restore_power();
    Device restarted(world, test_config(), 2);
    restarted.driver->start();
    // The hub refuses generation 1, whatever the device shows first.
    ASSERT_EQ(restarted.state(), State::kHubConnecting) << "the old identity is still there to be shown";
    if (restarted.summary().credential->generation == 1) restarted.link.refuse(5);
    play_until_live(restarted, world);
    ASSERT_EQ(restarted.state(), State::kLive);
    EXPECT_GE(restarted.summary().credential->generation, 2u);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryWay, PowerCut, testing::Values(Cut::kBefore, Cut::kTorn, Cut::kAfter));

}  // namespace
}  // namespace latchkey::test
