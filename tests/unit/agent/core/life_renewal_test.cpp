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

// The session goes on, so what comes late is for a request that nobody waits for: the same one is sent again.
TEST_F(Life, renewal_answered_late_is_asked_for_again_and_succeeds) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  const std::string rid = device.renewal_rid();
  ASSERT_TRUE(device.pass_until(State::kLive, 70'000)) << "no answer within a minute";
  device.renewal_issued();
  EXPECT_EQ(device.state(), State::kLive);
  EXPECT_EQ(device.summary().strays, 1u);
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, 3'000));
  EXPECT_EQ(device.renewal_rid(), rid);
  device.renewal_issued();
  device.link.finish_disconnect();
  EXPECT_TRUE(device.hub_accepts());
  EXPECT_EQ(device.summary().renewed, 1u);
}

TEST_F(Life, renewal_answered_twice_is_taken_once) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  device.renewal_issued();
  const unsigned changes = world.storage.changes();
  device.renewal_issued();
  EXPECT_EQ(world.storage.changes(), changes);
  device.link.finish_disconnect();
  ASSERT_TRUE(device.hub_accepts());
  EXPECT_EQ(device.summary().renewed, 1u);
}

TEST_F(Life, renewal_with_a_certificate_that_is_not_ours_keeps_what_we_have) {
  const Pkey other = make_ec_key();
  const auto refused = [&](auto&& change) {
    World its_world;
    Device one(its_world);
    one.become_live();
    EXPECT_TRUE(one.pass_until(State::kRenewAsking, kLifetimeMs));
    LeafOptions options = one.leaf_options();
    change(options);
    one.renewal_answers(200, certificates_body(its_world.authority.issue(one.renewal_csr(), options)));
    return one.state() == State::kLive && one.watcher.saw(Occurrence::kChainRefused) &&
           !its_world.storage.medium(Item::kSlotB).has_value();
  };
  EXPECT_TRUE(refused([](LeafOptions& o) { o.common_name = "dev-2"; }));
  EXPECT_TRUE(refused([&](LeafOptions& o) { o.key = other.get(); }));
  EXPECT_FALSE(refused([](LeafOptions&) {}));
}

// Another issuing CA, and a shorter life: the schedule is that of the new certificate.
TEST_F(Life, renewal_under_a_changed_policy_goes_by_the_new_certificate) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  TestAuthority changed;
  LeafOptions options = device.leaf_options();
  options.not_after = world.clock.now() + static_cast<UnixMs>(kLifetimeMs / 2);
  device.renewal_answers(200, certificates_body(changed.issue(device.renewal_csr(), options)));
  device.link.finish_disconnect();
  ASSERT_TRUE(device.hub_accepts());
  EXPECT_EQ(device.summary().credential->not_after, options.not_after / 1000 * 1000);
  EXPECT_LT(device.summary().renewal_at, options.not_after);
  EXPECT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs / 2));
}

TEST_F(Life, revoked_during_a_renewal_it_provisions_with_another_key) {
  device.become_live();
  ASSERT_TRUE(device.pass_until(State::kRenewAsking, kLifetimeMs));
  device.renewal_answers(202, "{}");
  const std::string asked = device.renewal_csr();
  device.link.end(LinkFailure::kLost);
  ASSERT_TRUE(device.pass_until(State::kHubConnecting, 3'000));
  device.link.refuse(5);
  ASSERT_EQ(device.state(), State::kDpsConnecting);
  device.provision();
  EXPECT_NE(device.csr(), asked) << "a renewal's key is for another asker";
  EXPECT_TRUE(device.hub_accepts());
  EXPECT_EQ(device.state(), State::kLive) << "and nobody waits for that renewal";
}

TEST_F(Life, throttled_renewal_waits_at_least_as_long_as_it_is_told) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    World its_world;
    Device one(its_world, test_config(), seed);
    one.become_live();
    ASSERT_TRUE(one.pass_until(State::kRenewAsking, kLifetimeMs));
    one.renewal_answers(429, R"({"errorCode":429002,"retryAfter":120})");
    one.pass(119'000);
    EXPECT_EQ(one.state(), State::kLive) << seed;
    EXPECT_TRUE(one.pass_until(State::kRenewAsking, 30'000)) << seed;
  }
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
