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

TEST_F(Life, mark_that_could_not_be_written_is_written_at_the_next_session) {
  device.driver->start();
  device.provision();
  world.storage.fail_after(0, Status::kStorageFailed, 1);
  ASSERT_TRUE(device.hub_accepts());
  device.link.end(ports::LinkFailure::kLost);
  ASSERT_TRUE(device.pass_until(State::kHubConnecting, 2'000));
  ASSERT_TRUE(device.hub_accepts());
  EXPECT_EQ(stored(world, Item::kSlotA).state, RecordState::kProven);
  const unsigned changes = world.storage.changes();
  device.link.end(ports::LinkFailure::kLost);
  ASSERT_TRUE(device.pass_until(State::kHubConnecting, 2'500));
  ASSERT_TRUE(device.hub_accepts());
  EXPECT_EQ(world.storage.changes(), changes) << "once is enough";
}

// Flash wears out by writes: so many and no more. An erase of the pending key is one, too.
TEST_F(Life, storage_changes_are_counted_for_each_chapter_of_a_life) {
  device.become_live();
  EXPECT_EQ(world.storage.changes(), 4u) << "pending key, slot, erase, mark";
  for (int i = 0; i < 10; ++i) {
    device.link.end(ports::LinkFailure::kLost);
    ASSERT_TRUE(device.pass_until(State::kHubConnecting, 80'000));
    ASSERT_TRUE(device.hub_accepts());
  }
  EXPECT_EQ(world.storage.changes(), 4u) << "a plain reconnect writes nothing";
  for (int i = 0; i < 10; ++i) {
    Device restarted(world, test_config(), 2);
    restarted.driver->start();
    ASSERT_TRUE(restarted.hub_accepts());
  }
  EXPECT_EQ(world.storage.changes(), 4u) << "nor does a restart";
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  device.renewal_issued();
  device.link.finish_disconnect();
  ASSERT_TRUE(device.hub_accepts());
  EXPECT_EQ(world.storage.changes(), 8u) << "three writes and an erase for a renewal";
  device.link.end(ports::LinkFailure::kLost);
  ASSERT_TRUE(device.pass_until(State::kHubConnecting, 80'000));
  device.link.refuse(5);
  EXPECT_EQ(world.storage.changes(), 9u) << "a refusal costs the new pending key and touches no slot";
  EXPECT_EQ(stored(world, Item::kSlotA).state, RecordState::kProven);
  EXPECT_EQ(stored(world, Item::kSlotB).state, RecordState::kProven);
}

}  // namespace
}  // namespace latchkey::test
