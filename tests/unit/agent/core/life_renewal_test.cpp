// SPDX-License-Identifier: Apache-2.0
// The life of a device: renewal over the live session, and what happens when none succeeds in time.
#include "tests/unit/agent/core/life.h"

namespace latchkey::test {
namespace {

using agent::Occurrence;
using agent::RecordState;
using agent::State;
using ports::Item;
using ports::LinkFailure;

TEST_F(Life, acknowledged_renewal_request_is_no_telemetry) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  const std::uint64_t sent = device.summary().telemetry_sent;
  EXPECT_LE(sent, 60u * 12u);
  while (device.link.acknowledge()) {
  }
  EXPECT_LE(device.summary().telemetry_acked, sent);
  device.pass(15'000);
  while (device.link.acknowledge()) {
  }
  EXPECT_GT(device.summary().telemetry_sent, sent);
}

// Rows: R-10-26
TEST_F(Life, renewal_over_the_live_session_in_the_window) {
  device.become_live();
  const UnixMs not_before = device.summary().credential->not_before;
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  const UnixMs not_after = device.summary().credential->not_after;
  const double point =
      static_cast<double>(world.clock.now() - not_before) / static_cast<double>(not_after - not_before);
  EXPECT_GE(point, 0.70);
  EXPECT_LE(point, 0.851);
  EXPECT_EQ(stored(world, Item::kPendingKey).state, RecordState::kPending);
  EXPECT_EQ(member(device.last_renewal().payload, "id"), kDevice);
  device.renewal_answers(202, R"({"correlationId":"c","operationExpires":"2026-01-01T00:00:00Z"})");
  EXPECT_EQ(device.state(), State::kRenewAccepted);
  device.pass(15'000);
  EXPECT_TRUE(device.summary().connected) << "telemetry goes on";
  device.renewal_issued();
  EXPECT_EQ(stored(world, Item::kSlotB).state, RecordState::kStaged);
  EXPECT_EQ(stored(world, Item::kSlotA).state, RecordState::kProven);
  device.link.finish_disconnect();
  ASSERT_TRUE(device.hub_accepts());
  EXPECT_EQ(device.summary().renewed, 1u);
  EXPECT_EQ(stored(world, Item::kSlotB).state, RecordState::kProven);
  EXPECT_EQ(device.summary().credential->generation, 2u);
  EXPECT_FALSE(world.storage.medium(Item::kPendingKey).has_value());
}

TEST_F(Life, renewal_dropped_before_202_repeats_the_same_request) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  const std::string csr = device.renewal_csr();
  const std::string rid = device.renewal_rid();
  device.link.end(LinkFailure::kLost);
  ASSERT_TRUE(device.pass_until(State::kHubConnecting, 5'000));
  ASSERT_TRUE(device.hub_accepts());
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, 2'000));
  EXPECT_EQ(device.renewal_csr(), csr);
  EXPECT_EQ(device.renewal_rid(), rid);
}

TEST_F(Life, renewal_dropped_after_202_waits_for_the_certificate) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  device.renewal_answers(202, R"({"correlationId":"c"})");
  device.link.end(LinkFailure::kLost);
  ASSERT_TRUE(device.pass_until(State::kHubConnecting, 5'000));
  ASSERT_TRUE(device.hub_accepts());
  EXPECT_EQ(device.state(), State::kRenewAccepted);
  device.renewal_issued();
  EXPECT_EQ(device.state(), State::kLeaving);
}

TEST_F(Life, renewal_interrupted_by_a_power_cut_goes_on_with_the_same_request) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  const std::string csr = device.renewal_csr();
  const std::string rid = device.renewal_rid();
  Device restarted(world, test_config(), 2);
  restarted.driver->start();
  ASSERT_TRUE(restarted.hub_accepts());
  ASSERT_TRUE(restarted.pass_until(State::kRenewAsking, 2'000));
  EXPECT_EQ(restarted.renewal_csr(), csr);
  EXPECT_EQ(restarted.renewal_rid(), rid);
}

TEST_F(Life, renewal_with_an_unlucky_csr_gets_a_new_key_four_percent_later) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  const std::string csr = device.renewal_csr();
  device.renewal_answers(400, R"({"errorCode":400037,"message":"m","info":{"credentialError":"FailedToDecodeCsr"}})");
  EXPECT_EQ(device.state(), State::kLive);
  const UnixMs from = world.clock.now();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  EXPECT_NE(device.renewal_csr(), csr);
  EXPECT_GE(world.clock.now() - from, static_cast<UnixMs>(kLifetimeMs / 25));
}

TEST_F(Life, renewal_in_the_way_is_replaced) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  device.renewal_answers(409, R"({"errorCode":409005,"message":"m","info":{"requestId":"other-1"}})");
  ASSERT_EQ(device.state(), State::kLive);
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, 90'000));
  EXPECT_EQ(member(device.last_renewal().payload, "replace"), "*");
  device.renewal_answers(412, R"({"errorCode":412001,"message":"m"})");
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, 5'000));
  EXPECT_EQ(member(device.last_renewal().payload, "replace"), "");
}

TEST_F(Life, renewal_in_the_way_that_is_our_own_is_waited_for) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  device.renewal_answers(409, R"({"errorCode":409004,"info":{"requestId":")" + device.renewal_rid() + "\"}}");
  EXPECT_EQ(device.state(), State::kRenewAccepted);
}

TEST_F(Life, renewal_that_says_no_such_device_leads_to_dps) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  device.renewal_answers(404, R"({"errorCode":404001,"message":"gone"})");
  device.link.finish_disconnect();
  EXPECT_EQ(device.state(), State::kDpsConnecting);
}

// Rows: R-10-27
TEST_F(Life, renewal_that_never_succeeds_ends_at_dps_when_the_certificate_expires) {
  device.become_live();
  int asked = 0;
  while (device.state() != State::kLeaving && asked < 100) {
    if (device.state() == State::kRenewAsking) {
      ++asked;
      device.renewal_answers(412, R"({"errorCode":412005,"message":"not set up"})");
    }
    world.clock.advance(kLifetimeMs / 500);
    device.driver->on_timer();
  }
  EXPECT_GE(asked, 4);
  EXPECT_LE(asked, 8);
  EXPECT_TRUE(device.watcher.saw(Occurrence::kCertificateExpired));
  device.link.finish_disconnect();
  EXPECT_EQ(device.state(), State::kDpsConnecting);
}

TEST_F(Life, certificate_that_expires_by_a_jump_of_the_clock_ends_the_session_within_a_second) {
  device.become_live();
  world.clock.set_wall(device.summary().credential->not_after + 2'000);
  device.pass(1'000);
  EXPECT_EQ(device.state(), State::kLeaving);
  EXPECT_EQ(device.summary().last_refusal.who, agent::RefusedBy::kOwnClock);
  device.link.finish_disconnect();
  EXPECT_EQ(device.state(), State::kDpsConnecting);
}

TEST_F(Life, expired_certificate_is_not_shown_after_a_restart) {
  device.become_live();
  world.clock.set_wall(device.summary().credential->not_after + 2'000);
  Device restarted(world);
  restarted.driver->start();
  EXPECT_EQ(restarted.state(), State::kDpsConnecting);
}

TEST_F(Life, unset_clock_judges_nothing) {
  device.become_live();
  world.clock.lose_wall(device.summary().credential->not_after + 2'000);
  device.pass(5'000);
  EXPECT_EQ(device.state(), State::kLive);
}

}  // namespace
}  // namespace latchkey::test
