// SPDX-License-Identifier: Apache-2.0
#include "hub/link/feeder.h"

#include <future>
#include <map>
#include <set>
#include <thread>

#include "hub/link/enforcement.h"
#include "tests/unit/hub/link/world.h"

namespace latchkey::hub::link {
namespace {

using test::FakeGate;
using FeederTest = test::World;

TEST_F(FeederTest, new_gate_gets_a_snapshot) {
  create("dev-1");
  begin();
  const auto batches = gate_.batches();
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].number, 1U);
  EXPECT_NE(batches[0].generation, 0U);
  EXPECT_TRUE(batches[0].snapshot_end);
  EXPECT_EQ(gate_.anchors(), 1U);
  EXPECT_EQ(held("dev-1"), current("dev-1"));
  EXPECT_TRUE(feeder_->state().ready);
}

TEST_F(FeederTest, nothing_is_sent_without_a_connection) {
  feeder_->start();
  feeder_->process_started();
  create("dev-1");
  feeder_->set_clock({1000, 0, 1.0});
  EXPECT_FALSE(feeder_->wait_clock(50));
  EXPECT_TRUE(gate_.batches().empty());
  EXPECT_FALSE(feeder_->state().ready);
}

TEST_F(FeederTest, later_changes_are_increments) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  ASSERT_TRUE(applied(revoke("dev-1")));
  EXPECT_EQ(held("dev-1"), current("dev-1"));
  EXPECT_EQ(gate_.snapshots(), 1);
  EXPECT_EQ(gate_.gaps(), 0);
}

TEST_F(FeederTest, snapshot_longer_than_the_window_comes_in_pieces) {
  // 1000 changes a batch; several threads, so that they share commits
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 280; ++i) create("dev-" + std::to_string(t) + "-" + std::to_string(i));
    });
  }
  for (auto& thread : threads) thread.join();
  begin();
  ASSERT_TRUE(applied(registry_->newest_sequence()));
  EXPECT_EQ(gate_.batches().size(), 3U);
  EXPECT_EQ(gate_.devices().size(), 2240U);
  EXPECT_EQ(gate_.gaps(), 0);
}

TEST_F(FeederTest, applied_and_cut_are_told_apart) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  gate_.set_acks(FakeGate::Acks::kAppliedOnly);
  const auto sequence = revoke("dev-1");
  EXPECT_TRUE(applied(sequence));
  EXPECT_FALSE(cut(sequence, 50)) << "its session still lives";
  gate_.acknowledge(true);
  EXPECT_TRUE(cut(sequence));
}

TEST_F(FeederTest, wait_ends_without_success_when_the_gate_is_silent) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  gate_.set_acks(FakeGate::Acks::kNever);
  const auto sequence = revoke("dev-1");
  EXPECT_FALSE(feeder_->wait(sequence, Progress::kApplied, 50));
  EXPECT_FALSE(cut(sequence, 50));
}

TEST_F(FeederTest, what_the_gate_confirmed_of_another_generation_counts_for_nothing) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  gate_.set_acks(FakeGate::Acks::kNever);
  const auto sequence = revoke("dev-1");
  ASSERT_TRUE(gate_.wait([](const FakeGate& gate) { return gate.seen().size() >= 3; }));
  const auto last = gate_.batches().back();
  feeder_->acknowledged({last.generation + 1, last.number, last.number, false});
  EXPECT_FALSE(cut(sequence, 20));
  feeder_->acknowledged({last.generation, last.number - 1, last.number - 1, false});
  EXPECT_FALSE(cut(sequence, 20)) << "one batch is missing";
  feeder_->acknowledged({last.generation, last.number, last.number, false});
  EXPECT_TRUE(cut(sequence));
}

TEST_F(FeederTest, progress_never_goes_back) {
  begin();
  const auto sequence = create("dev-1");
  ASSERT_TRUE(cut(sequence));
  const auto last = gate_.batches().back();
  feeder_->acknowledged({last.generation, 0, 0, false});
  EXPECT_TRUE(cut(sequence, 0));
}

TEST_F(FeederTest, gate_that_lost_its_place_gets_a_snapshot) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  const auto before = gate_.batches().back().generation;
  feeder_->acknowledged({before, 0, 0, true});
  ASSERT_TRUE(gate_.wait([](const FakeGate& gate) { return gate.snapshots() == 2; }));
  EXPECT_NE(gate_.batches().back().generation, before);
  ASSERT_TRUE(applied(revoke("dev-1")));
  EXPECT_EQ(held("dev-1"), current("dev-1"));
}

TEST_F(FeederTest, gate_that_could_not_read_a_batch_gets_a_snapshot) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  feeder_->acknowledged({0, 0, 0, true});
  EXPECT_TRUE(gate_.wait([](const FakeGate& gate) { return gate.snapshots() == 2; }));
}

TEST_F(FeederTest, complaint_about_an_older_generation_is_answered_already) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  const auto old = gate_.batches().back().generation;
  feeder_->acknowledged({old, 0, 0, true});
  ASSERT_TRUE(gate_.wait([](const FakeGate& gate) { return gate.snapshots() == 2; }));
  ASSERT_TRUE(applied(create("dev-2")));
  feeder_->acknowledged({old, 0, 0, true});
  ASSERT_TRUE(applied(create("dev-3")));
  EXPECT_EQ(gate_.snapshots(), 2);
}

TEST_F(FeederTest, reconnected_gate_gets_a_snapshot) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  feeder_->gate_down();
  EXPECT_FALSE(feeder_->state().ready);
  const auto sequence = revoke("dev-1");
  EXPECT_FALSE(cut(sequence, 20)) << "the broker lives and goes on with what it has";
  feeder_->gate_up();
  EXPECT_TRUE(cut(sequence));
  EXPECT_EQ(held("dev-1"), current("dev-1"));
  EXPECT_EQ(gate_.gaps(), 0);
}

TEST_F(FeederTest, batch_that_could_not_be_sent_is_not_lost) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  gate_.set_linked(false);  // the connection is gone, but nobody has said so yet
  const auto sequence = revoke("dev-1");
  EXPECT_FALSE(cut(sequence, 50));
  gate_.set_linked(true);
  EXPECT_TRUE(cut(sequence));
  EXPECT_EQ(held("dev-1"), current("dev-1"));
  EXPECT_EQ(gate_.gaps(), 0);
}

// Only the last one of a snapshot's batches fails: nothing else would make it start anew.
TEST_F(FeederTest, snapshot_that_could_not_be_sent_is_tried_again) {
  gate_.set_linked(false);
  connect();
  EXPECT_FALSE(feeder_->wait_clock(50));
  gate_.set_linked(true);
  EXPECT_TRUE(feeder_->wait_clock(test::kPatienceMs));
}

TEST_F(FeederTest, dead_broker_releases_who_waits) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  gate_.set_acks(FakeGate::Acks::kNever);
  const auto sequence = revoke("dev-1");
  auto waiting = std::async(std::launch::async, [&] { return cut(sequence, 60'000); });
  feeder_->process_ended();
  EXPECT_TRUE(waiting.get()) << "nobody is served with the old state any more";
  EXPECT_FALSE(feeder_->state().process_alive);
}

TEST_F(FeederTest, new_process_has_confirmed_nothing) {
  begin();
  const auto sequence = create("dev-1");
  ASSERT_TRUE(cut(sequence));
  feeder_->gate_down();
  feeder_->process_ended();
  feeder_->process_started();
  EXPECT_EQ(feeder_->state().applied, 0U);
  EXPECT_EQ(feeder_->state().cut, 0U);
  EXPECT_FALSE(feeder_->state().ready);
  feeder_->gate_up();
  ASSERT_TRUE(feeder_->wait_clock(test::kPatienceMs));
  EXPECT_GE(feeder_->state().cut, sequence);
}

TEST_F(FeederTest, adopted_process_goes_on_with_its_state_and_is_waited_for) {
  const auto sequence = create("dev-1");
  feeder_->start();
  feeder_->process_adopted();
  EXPECT_FALSE(cut(sequence, 20));
  EXPECT_FALSE(feeder_->wait(sequence, Progress::kApplied, 20));
  feeder_->gate_up();
  EXPECT_TRUE(cut(sequence));
}

// A gate that takes what it is sent of its first snapshot, and no more than it was told to acknowledge.
class SlowSnapshotTest : public FeederTest {
 protected:
  static constexpr int kDevices = 1500;  // more than a batch
  static constexpr int kAtOnce = 100;

  ~SlowSnapshotTest() override { gate_.go_on(); }  // the feeder cannot be stopped before
  void SetUp() override {
    for (int i = 0; i < kDevices; i += kAtOnce) {
      std::vector<registry::NewDevice> some;
      for (int j = i; j < i + kAtOnce; ++j) some.push_back({"dev-" + std::to_string(j)});
      ASSERT_TRUE(registry_->create_devices(call(), "default", some));
    }
    before_ = current("dev-1");
    gate_.hold();
    connect();
    ASSERT_TRUE(gate_.wait([](const FakeGate& gate) { return gate.held(); })) << "the first batch is on its way";
  }
  bool is_whole() {
    return gate_.wait([](const FakeGate& gate) { return gate.snapshots() == 1; });
  }
  // What the gate holds from the moment on at which it serves.
  CredentialId held_first() {
    CredentialId held;
    EXPECT_TRUE(is_whole());
    for (const auto& batch : gate_.batches()) {
      for (const auto& change : batch.changes) {
        const auto* device = std::get_if<wire::DeviceRecord>(&change);
        if (device != nullptr && device->id == "dev-1") held = device->credential_id;
      }
      if (batch.snapshot_end) break;
    }
    return held;
  }

  CredentialId before_;
};

TEST_F(SlowSnapshotTest, nobody_has_to_wait_for_its_end_and_it_ends_with_what_was_answered) {
  const auto sequence = revoke("dev-1");
  EXPECT_TRUE(cut(sequence, 0)) << "the gate serves nobody";
  EXPECT_EQ(feeder_->state().cut, 0U);
  gate_.go_on();
  EXPECT_NE(held_first(), before_) << "it serves by a state that lacks what was answered";
  EXPECT_EQ(held_first(), current("dev-1"));
  EXPECT_EQ(gate_.gaps(), 0);
  EXPECT_TRUE(cut(sequence));
}

// However long it takes: else a new node with many devices on a busy machine never comes up.
TEST_F(SlowSnapshotTest, gate_is_fenced_by_nobody) {
  const auto sequence = revoke("dev-1");
  feeder_->set_clock({60'000, 0, 1.0});
  int fences = 0;
  const Enforcement impatient({{feeder_.get(), [&] { ++fences; }}}, 20);
  EXPECT_TRUE(impatient.wait(sequence, Progress::kApplied));
  EXPECT_TRUE(impatient.wait(sequence, Progress::kCut));
  EXPECT_TRUE(impatient.wait_clock({}));
  EXPECT_EQ(fences, 0);
  gate_.go_on();
  EXPECT_EQ(held_first(), current("dev-1"));
}

TEST_F(SlowSnapshotTest, device_that_is_gone_by_then_is_not_in_it) {
  const auto gone = registry_->delete_device(call(), "default", "dev-1");
  ASSERT_TRUE(gone);
  EXPECT_TRUE(cut(gone->sequence, 0));
  gate_.go_on();
  ASSERT_TRUE(is_whole());
  std::set<std::string> held;
  for (const auto& batch : gate_.batches()) {
    for (const auto& change : batch.changes) {
      if (const auto* device = std::get_if<wire::DeviceRecord>(&change)) held.insert(device->id);
      if (const auto* lost = std::get_if<wire::DeviceGone>(&change)) held.erase(lost->id);
    }
    if (batch.snapshot_end) break;
  }
  EXPECT_EQ(held.size(), kDevices - 1U);
  EXPECT_FALSE(held.contains("dev-1"));
}

TEST_F(SlowSnapshotTest, grant_waits_for_it_as_long_as_it_may_and_holds_then) {
  const auto sequence = create("new");
  EXPECT_TRUE(feeder_->wait(sequence, Progress::kApplied, 20));
  auto waiting = std::async(std::launch::async, [&] { return applied(sequence); });
  gate_.go_on();
  EXPECT_TRUE(waiting.get());
  ASSERT_TRUE(is_whole());
  const auto batches = gate_.batches();
  std::set<std::string> held;
  for (const auto& batch : batches) {
    for (const auto& change : batch.changes) {
      if (const auto* device = std::get_if<wire::DeviceRecord>(&change)) held.insert(device->id);
    }
    if (batch.snapshot_end) break;
  }
  EXPECT_TRUE(held.contains("new"));
}

TEST_F(SlowSnapshotTest, ends_by_the_clock_that_was_set_meanwhile) {
  feeder_->set_clock({86'400'000, 0, 1.0});
  EXPECT_TRUE(feeder_->wait_clock_or_end(0));
  gate_.go_on();
  ASSERT_TRUE(is_whole());
  std::int64_t offset_ms = 0;
  for (const auto& batch : gate_.batches()) {
    for (const auto& change : batch.changes) {
      if (const auto* clock = std::get_if<wire::ClockSet>(&change)) offset_ms = clock->offset_ms;
    }
    if (batch.snapshot_end) break;
  }
  EXPECT_EQ(offset_ms, 86'400'000);
}

TEST_F(SlowSnapshotTest, gate_that_may_have_it_whole_is_waited_for) {
  gate_.set_acks(FakeGate::Acks::kNever);
  gate_.go_on();
  ASSERT_TRUE(is_whole());
  const auto sequence = revoke("dev-1");
  EXPECT_FALSE(cut(sequence, 20));
  EXPECT_FALSE(feeder_->wait(sequence, Progress::kApplied, 20));
  feeder_->set_clock({1000, 0, 1.0});
  EXPECT_FALSE(feeder_->wait_clock_or_end(20));
}

TEST_F(SlowSnapshotTest, says_how_much_of_it_is_there) {
  EXPECT_EQ(feeder_->state().taken, 0U);
  gate_.go_on();
  ASSERT_TRUE(feeder_->wait_clock(test::kPatienceMs));
  EXPECT_EQ(feeder_->state().taken, 2U);
}

// The next process is another gate: what was on its way to the one before is none of its state.
TEST_F(SlowSnapshotTest, process_that_ends_takes_its_snapshot_along) {
  feeder_->process_ended();
  feeder_->process_started();
  const auto sequence = revoke("dev-1");
  EXPECT_TRUE(cut(sequence, 0));
  gate_.go_on();
  feeder_->gate_up();
  EXPECT_EQ(held_first(), current("dev-1"));
}

TEST_F(FeederTest, commits_during_a_snapshot_are_not_lost) {
  for (int i = 0; i < 50; ++i) create("dev-" + std::to_string(i));
  begin();
  for (int round = 0; round < 20; ++round) {
    feeder_->gate_up();  // a snapshot, while the registry goes on
    const auto id = "dev-" + std::to_string(round);
    const auto sequence = revoke(id);
    ASSERT_TRUE(cut(sequence));
    ASSERT_EQ(held(id), current(id)) << round;
  }
}

TEST_F(FeederTest, no_more_than_the_window_is_under_way) {
  begin();
  gate_.set_acks(FakeGate::Acks::kNever);
  const auto before = gate_.batches().size();
  registry::Sequence last = 0;
  for (int i = 0; i < 80; ++i) {
    last = create("dev-" + std::to_string(i));
    gate_.wait(
        [&](const FakeGate& gate) { return gate.seen().size() > before + static_cast<std::size_t>(i) || i >= 63; });
  }
  EXPECT_LE(gate_.batches().size() - before, 64U);
  gate_.set_acks(FakeGate::Acks::kAtOnce);
  gate_.acknowledge(true);
  EXPECT_TRUE(cut(last));
  EXPECT_EQ(gate_.gaps(), 0);
}

TEST_F(FeederTest, what_does_not_concern_the_hub_is_confirmed_without_a_word) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  const auto before = gate_.batches().size();
  ASSERT_TRUE(registry_->create_namespace(call(), "other"));
  const auto created = registry_->create_device(call(), "other", "dev-1");
  ASSERT_TRUE(created);
  EXPECT_TRUE(cut(created->sequence));
  EXPECT_EQ(gate_.batches().size(), before);
}

TEST_F(FeederTest, policy_revoke_moves_the_anchor) {
  begin();
  const auto revoked = registry_->revoke_policy(call(), "default", "standard", ca("CN=issuing-2", 3));
  ASSERT_TRUE(revoked);
  ASSERT_TRUE(cut(revoked->sequence));
  EXPECT_EQ(gate_.anchors(), 1U);
  bool gone = false;
  bool added = false;
  const auto last = gate_.batches().back();
  for (const auto& change : last.changes) {
    if (const auto* off = std::get_if<wire::AnchorGone>(&change)) gone = gone || off->ca == ca("", 2).id;
    if (const auto* on = std::get_if<wire::AnchorAdded>(&change)) added = added || on->ca == ca("", 3).id;
  }
  EXPECT_TRUE(gone);
  EXPECT_TRUE(added);
}

TEST_F(FeederTest, clock_travels_in_the_same_stream) {
  begin();
  feeder_->set_clock({86'400'000, 0, 1.0});
  ASSERT_TRUE(feeder_->wait_clock(test::kPatienceMs));
  EXPECT_EQ(gate_.clock().offset_ms, 86'400'000);
  EXPECT_EQ(gate_.gaps(), 0);
}

TEST_F(FeederTest, clock_is_waited_for_until_the_gate_has_it) {
  begin();
  gate_.set_acks(FakeGate::Acks::kNever);
  feeder_->set_clock({1000, 0, 1.0});
  EXPECT_FALSE(feeder_->wait_clock(50));
  gate_.wait([](const FakeGate& gate) { return gate.clock().offset_ms == 1000; });
  gate_.acknowledge(true);
  EXPECT_TRUE(feeder_->wait_clock(test::kPatienceMs));
}

TEST_F(FeederTest, stop_releases_who_waits_without_success) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  gate_.set_acks(FakeGate::Acks::kNever);
  const auto sequence = revoke("dev-1");
  auto waiting = std::async(std::launch::async, [&] { return cut(sequence, 60'000); });
  feeder_->stop();
  EXPECT_FALSE(waiting.get());
  EXPECT_FALSE(cut(sequence, 60'000)) << "also whoever comes later";
  feeder_->committed(sequence + 1);  // the registry may still commit
}

TEST(FeederWithoutRegistry, gate_of_the_dps_endpoint_gets_the_clock_alone) {
  FakeGate gate;
  Feeder feeder(nullptr, "", [&](const wire::Batch& batch) { return gate.take(batch); });
  gate.feeder = &feeder;
  feeder.set_clock({5000, 0, 1.0});
  feeder.start();
  feeder.process_started();
  feeder.gate_up();
  ASSERT_TRUE(feeder.wait_clock(test::kPatienceMs));
  const auto batches = gate.batches();
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_TRUE(batches[0].snapshot_end);
  ASSERT_EQ(batches[0].changes.size(), 1U);
  EXPECT_EQ(gate.clock().offset_ms, 5000);
  feeder.stop();
}

// What the gate knew when each lease came, from all batches: (newest device of the form dev-N, end).
std::vector<std::pair<int, std::uint64_t>> leases(const std::vector<wire::Batch>& batches) {
  std::vector<std::pair<int, std::uint64_t>> found;
  int newest = 0;
  for (const auto& batch : batches) {
    for (const auto& change : batch.changes) {
      if (const auto* device = std::get_if<wire::DeviceRecord>(&change)) newest = std::stoi(device->id.substr(4));
    }
    if (batch.lease_end_ms != 0) found.emplace_back(newest, batch.lease_end_ms);
  }
  return found;
}

bool has_lease(const FakeGate& gate, std::uint64_t end_ms) {
  return !gate.seen().empty() && gate.seen().back().lease_end_ms == end_ms;
}

TEST_F(FeederTest, gate_that_needs_no_lease_has_one_without_end) {
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  for (const auto& batch : gate_.batches()) EXPECT_EQ(batch.lease_end_ms, wire::kEndless);
}

TEST_F(FeederTest, gate_that_needs_a_lease_is_told_none_before_it_is_granted) {
  feeder_->need_lease();
  begin();
  ASSERT_TRUE(applied(create("dev-1")));
  for (const auto& batch : gate_.batches()) EXPECT_EQ(batch.lease_end_ms, 0U);
  feeder_->grant(registry_->newest_sequence(), 5'000);
  EXPECT_TRUE(gate_.wait([](const FakeGate& gate) { return has_lease(gate, 5'000); }));
  EXPECT_TRUE(gate_.batches().back().changes.empty());
}

TEST_F(FeederTest, grant_waits_for_the_changes_before_it) {
  feeder_->need_lease();
  begin();
  // one thread revokes and grants by what it knows, the other only makes the feeder busy
  std::thread busy([this] {
    for (int i = 0; i < 60; ++i) create("busy-" + std::to_string(i));
  });
  std::map<std::uint64_t, int> known;  // by the lease's end
  for (int i = 1; i <= 40; ++i) {
    const auto sequence = create("dev-" + std::to_string(i));
    const auto end_ms = static_cast<std::uint64_t>(1'000 + i);
    known[end_ms] = i;
    feeder_->grant(sequence, end_ms);
  }
  busy.join();
  ASSERT_TRUE(gate_.wait([](const FakeGate& gate) { return has_lease(gate, 1'040); }));
  int highest = 0;
  std::set<std::string> held;
  for (const auto& batch : gate_.batches()) {
    for (const auto& change : batch.changes) {
      if (const auto* device = std::get_if<wire::DeviceRecord>(&change)) held.insert(device->id);
    }
    if (batch.lease_end_ms == 0) continue;
    ASSERT_TRUE(known.contains(batch.lease_end_ms));
    for (int i = 1; i <= known[batch.lease_end_ms]; ++i) EXPECT_TRUE(held.contains("dev-" + std::to_string(i)));
    EXPECT_GE(known[batch.lease_end_ms], highest) << "leases go on, never back";
    highest = known[batch.lease_end_ms];
  }
}

TEST_F(FeederTest, grant_for_more_than_the_registry_has_is_held_back) {
  feeder_->need_lease();
  registry_->set_commit_listener({});  // nobody tells the feeder
  begin();
  const auto sequence = create("dev-1");
  feeder_->grant(sequence, 5'000);
  ASSERT_TRUE(gate_.wait([](const FakeGate& gate) { return has_lease(gate, 5'000); }));
  EXPECT_EQ(leases(gate_.batches()), (std::vector<std::pair<int, std::uint64_t>>{{1, 5'000}}));
}

TEST_F(FeederTest, new_gate_gets_the_lease_with_the_end_of_its_snapshot) {
  feeder_->need_lease();
  begin();
  feeder_->grant(registry_->newest_sequence(), 5'000);
  ASSERT_TRUE(gate_.wait([](const FakeGate& gate) { return has_lease(gate, 5'000); }));
  create("dev-1");
  feeder_->gate_down();
  feeder_->gate_up();
  ASSERT_TRUE(gate_.wait([](const FakeGate& gate) { return gate.snapshots() == 2; }));
  const auto last = gate_.batches().back();
  EXPECT_TRUE(last.snapshot_end);
  EXPECT_EQ(last.lease_end_ms, 5'000U);
  EXPECT_EQ(held("dev-1"), current("dev-1"));
}

TEST_F(FeederTest, grants_that_are_dropped_are_not_sent) {
  feeder_->need_lease();
  feeder_->start();
  feeder_->process_started();
  feeder_->grant(registry_->newest_sequence(), 5'000);
  feeder_->drop_grants();
  feeder_->gate_up();
  ASSERT_TRUE(feeder_->wait_clock(test::kPatienceMs));
  EXPECT_TRUE(leases(gate_.batches()).empty());
  feeder_->grant(registry_->newest_sequence(), 6'000);
  EXPECT_TRUE(gate_.wait([](const FakeGate& gate) { return has_lease(gate, 6'000); }));
}

}  // namespace
}  // namespace latchkey::hub::link
