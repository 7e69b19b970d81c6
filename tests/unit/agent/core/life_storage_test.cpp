// SPDX-License-Identifier: Apache-2.0
// The life of a device: restarts, damaged records and storage that fails.
#include "tests/unit/agent/core/life.h"

namespace latchkey::test {
namespace {

using agent::Occurrence;
using agent::RecordState;
using agent::State;
using ports::Item;

TEST_F(Life, restart_shows_the_newest_credential_and_needs_no_dps) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  device.renewal_issued();
  device.link.finish_disconnect();
  ASSERT_TRUE(device.hub_accepts());
  Device restarted(world);
  restarted.driver->start();
  ASSERT_EQ(restarted.link.connects.size(), 1u);
  EXPECT_EQ(restarted.link.connects[0].identity, ports::LinkIdentity::kSlotB);
}

TEST_F(Life, damaged_slot_is_empty_and_the_older_one_is_used) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  device.renewal_issued();
  device.link.finish_disconnect();
  ASSERT_TRUE(device.hub_accepts());
  (*world.storage.medium(Item::kSlotB))[400] ^= 1;
  Device restarted(world);
  restarted.driver->start();
  EXPECT_TRUE(restarted.watcher.saw(Occurrence::kRecordUnusable));
  EXPECT_EQ(restarted.link.connects.at(0).identity, ports::LinkIdentity::kSlotA);
}

TEST_F(Life, failing_storage_keeps_the_csr_at_home) {
  world.storage.fail_after(3, Status::kStorageFull, 2);
  device.driver->start();
  EXPECT_EQ(device.state(), State::kDpsWait);
  EXPECT_TRUE(device.link.connects.empty());
  EXPECT_TRUE(device.watcher.saw(Occurrence::kStorageFailed));
  EXPECT_TRUE(device.pass_until(State::kDpsWait, 2'000));
  EXPECT_TRUE(device.pass_until(State::kDpsConnecting, 10'000)) << "and tries again";
}

TEST_F(Life, chain_that_cannot_be_stored_is_asked_for_again) {
  device.driver->start();
  ASSERT_TRUE(device.dps_accepts());
  world.storage.fail_after(0, Status::kStorageFailed, 1);
  device.dps_assigned();
  device.link.finish_disconnect();
  ASSERT_EQ(device.state(), State::kDpsWait);
  ASSERT_TRUE(device.pass_until(State::kDpsConnecting, 10'000));
  device.provision();
  EXPECT_TRUE(device.hub_accepts());
}

TEST_F(Life, mark_that_cannot_be_written_does_not_end_the_session) {
  device.driver->start();
  device.provision();
  world.storage.fail_after(0, Status::kStorageFailed, 1);
  EXPECT_TRUE(device.hub_accepts());
  EXPECT_EQ(stored(world, Item::kSlotA).state, RecordState::kStaged);
  EXPECT_EQ(device.state(), State::kLive);
}

}  // namespace
}  // namespace latchkey::test
