// SPDX-License-Identifier: Apache-2.0
// The gate in a real Mosquitto, hub endpoint: the feed changes, and who has lost his ground is cut and refused.
#include <gtest/gtest.h>

#include <ctime>
#include <memory>
#include <optional>
#include <vector>

#include "tests/integration/gate_hub_world.h"

namespace latchkey::tests {
namespace {

using hub::wire::AnchorAdded;
using hub::wire::AnchorGone;
using hub::wire::Batch;
using hub::wire::Check;
using hub::wire::ClockSet;
using hub::wire::DeviceGone;
using registry::Reason;

constexpr std::int64_t kDayMs = 86'400'000;

TEST_P(HubGateLive, a_gap_asks_for_a_snapshot_and_refuses_until_it_is_whole) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  hub.send(Batch{hub.generation(), 3, false, hub::wire::kEndless, {}});
  EXPECT_TRUE(hub.next_ack().need_snapshot);
  EXPECT_EQ(try_connect(dev1, device("dev-1")), Probe::kNoConnack);
  hub.send_raw(hub::wire::kFeedTopic, {1, 2, 3});
  EXPECT_TRUE(hub.next_ack().need_snapshot);
  feed();
  EXPECT_EQ(try_connect(dev1, device("dev-1")), 0);
}

TEST_P(HubGateLive, a_batch_delivered_twice_is_acknowledged_again) {
  feed();
  hub.change({record("dev-1", 1, 11)});
  hub.send(Batch{hub.generation(), 2, false, hub::wire::kEndless, {record("dev-1", 1, 99)}});
  const auto ack = hub.next_ack();
  EXPECT_FALSE(ack.need_snapshot);
  EXPECT_EQ(ack.applied, 2u);
  EXPECT_EQ(try_connect(leaf("dev-1", 1, 11), device("dev-1")), 0);
}

// Rows: R-7-40
TEST_P(HubGateLive, a_rotated_device_is_cut_and_its_old_certificate_refused) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev2 = leaf("dev-2", 2, 20);
  Probe first(broker.port(), &dev1);
  Probe second(broker.port(), &dev2);
  ASSERT_EQ(first.connect(device("dev-1")), 0);
  ASSERT_EQ(second.connect(device("dev-2")), 0);
  const auto opened = hub.next_opened();
  const auto ack = hub.change({record("dev-1", 1, 11)});
  EXPECT_EQ(ack.applied, 2u);
  EXPECT_EQ(ack.cut, 2u);  // a small cut is over when the first acknowledgement comes
  EXPECT_TRUE(first.closed());
  EXPECT_EQ(hub.next_closed(), opened.connection);
  EXPECT_TRUE(second.alive());
  EXPECT_EQ(try_connect(dev1, device("dev-1")), 5);
  EXPECT_EQ(try_connect(leaf("dev-1", 1, 11), device("dev-1")), 0);
}

// Rows: R-7-40
TEST_P(HubGateLive, a_disabled_or_deleted_device_is_cut) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev2 = leaf("dev-2", 2, 20);
  Probe first(broker.port(), &dev1);
  Probe second(broker.port(), &dev2);
  ASSERT_EQ(first.connect(device("dev-1")), 0);
  ASSERT_EQ(second.connect(device("dev-2")), 0);
  hub.change_and_cut({record("dev-1", 1, 10, false), DeviceGone{"dev-2"}});
  EXPECT_TRUE(first.closed());
  EXPECT_TRUE(second.closed());
  hub.change({record("dev-1", 1, 10)});
  EXPECT_EQ(try_connect(dev1, device("dev-1")), 0);
}

TEST_P(HubGateLive, an_unrelated_change_cuts_nobody) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  Probe probe(broker.port(), &dev1);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);
  hub.change_and_cut({record("dev-1", 1, 10), record("dev-2", 2, 21), AnchorGone{kOther}, DeviceGone{"nobody"}});
  EXPECT_TRUE(probe.alive());
}

// Rows: R-7-40
TEST_P(HubGateLive, a_removed_anchor_cuts_its_sessions_and_no_others) {
  feed();
  hub.change({record("dev-2", 2, 20)});
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev2 = make_leaf(device_leaf("dev-2", identifier(2, 20)), other);
  Probe first(broker.port(), &dev1);
  Probe second(broker.port(), &dev2);
  ASSERT_EQ(first.connect(device("dev-1")), 0);
  ASSERT_EQ(second.connect(device("dev-2")), 0);
  hub.change_and_cut({AnchorGone{kOther}});
  EXPECT_TRUE(second.closed());
  EXPECT_TRUE(first.alive());
  EXPECT_EQ(try_connect(dev2, device("dev-2")), 5);
  hub.change({AnchorAdded{kOther, other.der()}});
  EXPECT_EQ(try_connect(dev2, device("dev-2")), 0);
}

TEST_P(HubGateLive, trust_withdrawn_between_handshake_and_connect_counts) {
  feed();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Identity dev1 = leaf("dev-1", 1, 10);
    Probe probe(broker.port(), &dev1, version);
    hub.change({AnchorGone{kIssuing}});
    EXPECT_EQ(probe.connect(device("dev-1")), 5);
    EXPECT_EQ(hub.next_decision().reason, Reason::kIssuerNotTrusted);
    hub.change({AnchorAdded{kIssuing, issuing.der()}});
  }
}

TEST_P(HubGateLive, a_snapshot_cuts_who_has_lost_his_ground) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev2 = leaf("dev-2", 2, 20);
  Probe first(broker.port(), &dev1);
  Probe second(broker.port(), &dev2);
  ASSERT_EQ(first.connect(device("dev-1")), 0);
  ASSERT_EQ(second.connect(device("dev-2")), 0);
  const auto ack = hub.snapshot({AnchorAdded{kIssuing, issuing.der()}, record("dev-1", 1, 10), record("dev-2", 2, 21)});
  EXPECT_EQ(ack.cut, 1u);
  EXPECT_TRUE(second.closed());
  EXPECT_TRUE(first.alive());
}

TEST_P(HubGateLive, a_rehearsal_clock_expires_a_certificate) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);  // 30 days
  hub.change({ClockSet{29 * kDayMs, 0, 1.0}});
  EXPECT_EQ(try_connect(dev1, device("dev-1")), 0);
  EXPECT_EQ(hub.next_decision().reason, Reason::kNone);
  hub.change({ClockSet{31 * kDayMs, 0, 1.0}});
  expect_refused(dev1, device("dev-1"), Reason::kExpired, Check::kValidity);
}

std::uint64_t boot_ms() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1000 + static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
}

TEST_P(HubGateLive, a_lease_that_ends_cuts_and_refuses) {
  const Identity dev1 = leaf("dev-1", 1, 10);
  std::optional<Probe> probe;
  int connack = Probe::kNoConnack;
  // The device has to come before the lease ends; on a machine that is too slow for one, the next is longer.
  for (std::uint64_t lease_ms = 3'000; connack != 0 && lease_ms < 40'000; lease_ms *= 3) {
    hub.snapshot({AnchorAdded{kIssuing, issuing.der()}, record("dev-1", 1, 10)}, boot_ms() + lease_ms);
    probe.emplace(broker.port(), &dev1);
    connack = probe->connect(device("dev-1"));
  }
  ASSERT_EQ(connack, 0);
  EXPECT_TRUE(probe->closed());  // as soon as it ends
  EXPECT_EQ(try_connect(dev1, device("dev-1")), Probe::kNoConnack);
  hub.change({});  // endless again
  EXPECT_EQ(try_connect(dev1, device("dev-1")), 0);
}

// How many goes it takes depends on the machine; tests/unit/hub/gate has the pieces.
TEST_P(HubGateLive, many_sessions_are_cut_and_cut_is_said_at_the_end) {
  constexpr int kSessions = 600;
  std::vector<hub::wire::FeedChange> changes = {AnchorAdded{kIssuing, issuing.der()}};
  for (int i = 0; i < kSessions; ++i) changes.emplace_back(record("m" + std::to_string(i), 7, 70));
  hub.snapshot(changes);
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < kSessions; ++i) {
    const std::string id = "m" + std::to_string(i);
    const Identity identity = make_leaf(device_leaf(id, identifier(7, 70)), issuing);
    probes.push_back(std::make_unique<Probe>(broker.port(), &identity));
    ASSERT_EQ(probes.back()->connect(device(id)), 0);
  }
  const auto first = hub.change({AnchorGone{kIssuing}});
  EXPECT_EQ(first.applied, 2u);
  auto last = first;
  while (last.cut < 2) last = hub.next_ack();
  for (auto& probe : probes) EXPECT_TRUE(probe->closed());
  for (int i = 0; i < kSessions; ++i) hub.next_closed();
}

}  // namespace
}  // namespace latchkey::tests
