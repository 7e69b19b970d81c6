// SPDX-License-Identifier: Apache-2.0
// Devices without a clock, or with a wrong one: they come to life all the same, ask for no certificate more than
// others, and know an expired one when they can.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/sweep/rig.h"

namespace latchkey::sweep {
namespace {

constexpr std::uint64_t kLifetimeMs = 2 * kDayMs;
constexpr UnixMs kHour = static_cast<UnixMs>(kHourMs);
constexpr UnixMs kDay = static_cast<UnixMs>(kDayMs);

// How far the hub is ahead of the device's clock.
class Skew : public testing::TestWithParam<UnixMs> {};

// Tokens of 1, 2, 4 ... hours: how many of them are over when DPS is ahead by so much.
std::uint64_t tokens_over_by(UnixMs ahead) {
  std::uint64_t count = 0;
  for (UnixMs reach = kHour; reach <= ahead; reach *= 2) ++count;
  return count;
}

// Of 2 days; renewed after 70 to 85 %: in 10 days six or seven certificates.
TEST_P(Skew, a_set_clock_that_is_wrong_costs_no_certificate_and_no_expiry) {
  Rig rig;
  rig.hub.lifetime_ms = kLifetimeMs;
  rig.hub.set_ahead_ms(GetParam());
  rig.config.telemetry_interval_ms = 0;
  rig.start();
  // Slowly: a clock that is set is not off by much, as a rule, and other reasons for a refusal stay
  ASSERT_TRUE(rig.run_until_live(12 * kHourMs));
  const std::uint64_t refused_at_first = rig.board().link.traffic.refusals;
  EXPECT_LE(refused_at_first, tokens_over_by(GetParam()));
  EXPECT_LE(rig.hub.longest_token_ms(), std::abs(GetParam()) + kHour);
  rig.run_for(10 * kDayMs);
  EXPECT_TRUE(rig.live());
  // A clock that is ahead by less than a fresh certificate may be old is believed: it renews early, a fifth of the
  // lifetime after the last time at the earliest in this row.
  EXPECT_LE(rig.hub.issued(), GetParam() == -kDay ? 26u : 11u);
  EXPECT_GE(rig.hub.issued(), 5u);
  EXPECT_EQ(rig.board().link.traffic.refusals, refused_at_first) << "renewed in time, always";
  EXPECT_EQ(rig.board().link.traffic.dps_connects, 1 + refused_at_first);
}

INSTANTIATE_TEST_SUITE_P(BehindAndAhead, Skew,
                         testing::Values(0, 4 * 60'000, 6 * 60'000, kHour, kDay, 10 * kDay, -6 * 60'000, -kHour, -kDay,
                                         -3 * kDay / 2, -10 * kDay),
                         [](const auto& row) {
                           const UnixMs minutes = row.param / 60'000;
                           return (minutes < 0 ? "ahead_by_" : "behind_by_") + std::to_string(std::abs(minutes)) +
                                  "_minutes";
                         });

struct Time : testing::Test {
  Time() {
    rig.hub.lifetime_ms = kLifetimeMs;
    rig.config.telemetry_interval_ms = 0;
  }
  void live() {
    rig.start();
    ASSERT_TRUE(rig.run_until_live());
  }
  unsigned seen(agent::Occurrence what) { return rig.board().watcher.count(what); }
  Rig rig;
};

TEST_F(Time, clock_that_was_never_set_is_enough_to_live_and_to_renew) {
  rig.clock.lose_wall(0);
  rig.hub.set_ahead_ms(1'700'000'000'000);
  rig.config.no_time_before_s = 1'690'000'000;  // built four months before
  rig.start();
  constexpr UnixMs kBehind = 10'000'000'000;
  ASSERT_TRUE(rig.run_until_live(kHourMs)) << "tokens that reach further and further are tried soon";
  const std::uint64_t refused_at_first = rig.board().link.traffic.refusals;
  EXPECT_EQ(refused_at_first, tokens_over_by(kBehind));
  EXPECT_LE(rig.hub.longest_token_ms(), kBehind) << "the one that was taken outlives the error by no more than that";
  rig.run_for(6 * kDayMs);
  EXPECT_GE(rig.summary().renewed, 2u);
  EXPECT_EQ(rig.board().link.traffic.refusals, refused_at_first);
}

// What it knows of the time is three years old: it has to wait for a clock, and comes as rarely as other devices that
// are refused. As soon as there is one it is in.
TEST_F(Time, no_token_is_good_for_more_than_two_years) {
  const UnixMs right = rig.clock.now();
  rig.clock.lose_wall(0);
  rig.hub.set_ahead_ms(right);
  rig.config.no_time_before_s = static_cast<std::uint32_t>((right - 1000 * kDay) / 1000);
  rig.start();
  rig.run_for(3 * kDayMs);
  EXPECT_FALSE(rig.live());
  EXPECT_EQ(rig.hub.longest_token_ms(), 0);
  EXPECT_GE(rig.board().link.traffic.refusals, 15u);
  EXPECT_LE(rig.board().link.traffic.dps_connects, 15u + 3 * 31u);
  rig.clock.set_wall(right + 3 * kDay);
  rig.hub.set_ahead_ms(0);
  EXPECT_TRUE(rig.run_until_live(kDayMs));
  EXPECT_LE(rig.hub.longest_token_ms(), 16'384 * kHour);
}

TEST_F(Time, after_a_restart_without_a_clock_the_certificate_is_shown_and_renewed) {
  live();
  rig.hub.set_ahead_ms(rig.clock.now());
  rig.clock.lose_wall(0);
  rig.start();
  ASSERT_TRUE(rig.run_until_live());
  EXPECT_EQ(rig.board().link.traffic.dps_connects, 0u);
  rig.run_for(2 * kDayMs);
  EXPECT_GE(rig.summary().renewed, 1u);
}

TEST_F(Time, certificate_that_expired_while_there_is_no_clock_is_shown_and_its_refusal_leads_to_dps) {
  live();
  rig.stop();
  rig.clock.advance(10 * kDayMs);
  rig.hub.set_ahead_ms(rig.clock.now());
  rig.clock.lose_wall(0);
  rig.start();
  ASSERT_TRUE(rig.run_until_live());
  const std::uint64_t tokens = tokens_over_by(10 * kDay);
  EXPECT_EQ(rig.board().link.traffic.refusals, 1 + tokens) << "by the hub once";
  EXPECT_EQ(rig.board().link.traffic.dps_connects, tokens + 1);
}

TEST_F(Time, certificate_that_expired_by_a_sure_clock_is_not_even_shown) {
  live();
  rig.stop();
  rig.clock.advance(10 * kDayMs);
  rig.start();
  ASSERT_TRUE(rig.run_until_live());
  EXPECT_EQ(rig.board().link.traffic.refusals, 0u);
  EXPECT_EQ(rig.board().link.traffic.dps_connects, 1u);
}

TEST_F(Time, certificate_that_is_not_valid_yet_by_the_clock_is_shown_all_the_same) {
  live();
  rig.clock.set_wall(rig.clock.now() - 30 * kDay);
  rig.hub.set_ahead_ms(30 * kDay);
  rig.start();
  ASSERT_TRUE(rig.run_until_live());
  EXPECT_EQ(rig.board().link.traffic.dps_connects, 0u);
  rig.run_for(2 * kDayMs);
  EXPECT_GE(rig.summary().renewed, 1u) << "its start is a lower bound of the time";
}

TEST_F(Time, hub_says_not_yet_valid_and_the_device_comes_back_without_losing_its_way) {
  live();
  rig.hub.set_ahead_ms(-kDay);  // an operator's mistake
  rig.board().link.cut();
  ASSERT_TRUE(rig.run_until_live());
  EXPECT_EQ(rig.board().link.traffic.refusals, 1u);
  rig.hub.set_ahead_ms(0);  // and its correction
  rig.board().link.cut();
  EXPECT_TRUE(rig.run_until_live());
}

TEST_F(Time, clock_that_is_doubted_is_trusted_again_once_it_was_set) {
  rig.hub.set_ahead_ms(kDay);
  rig.start();
  ASSERT_TRUE(rig.run_until_live(12 * kHourMs));
  EXPECT_EQ(seen(agent::Occurrence::kClockDoubted), 1u);
  // Set right, by SNTP say; then far beyond the end of the certificate.
  rig.clock.set_wall(rig.clock.now() + kDay);
  rig.hub.set_ahead_ms(0);
  rig.run_for(5'000);
  EXPECT_EQ(seen(agent::Occurrence::kCertificateExpired), 0u);
  rig.clock.advance(kLifetimeMs + kDayMs);
  rig.run_for(5'000);
  EXPECT_EQ(seen(agent::Occurrence::kCertificateExpired), 1u);
}

TEST_F(Time, clock_that_comes_late_is_trusted_from_then_on) {
  const UnixMs right = rig.clock.now();
  rig.clock.lose_wall(0);
  rig.hub.set_ahead_ms(right);
  rig.config.no_time_before_s = static_cast<std::uint32_t>((right - 100 * kDay) / 1000);
  rig.start();
  ASSERT_TRUE(rig.run_until_live(kHourMs));
  const std::uint64_t refused_at_first = rig.board().link.traffic.refusals;
  rig.clock.set_wall(right + kDay);
  rig.hub.set_ahead_ms(0);
  rig.run_for(kLifetimeMs);
  EXPECT_GE(rig.summary().renewed, 1u);
  EXPECT_EQ(rig.board().link.traffic.refusals, refused_at_first);
}

// A hub that issued with a clock of next year, and was set right: what it said then does not bind for ever.
TEST_F(Time, hub_that_was_far_ahead_once_is_believed_when_it_is_right_again) {
  rig.hub.set_ahead_ms(365 * kDay);
  rig.start();
  ASSERT_TRUE(rig.run_until_live(kDayMs));
  rig.hub.set_ahead_ms(0);
  rig.hub.revoke();
  rig.start();
  ASSERT_TRUE(rig.run_until_live(2 * kHourMs));
  const unsigned issued = rig.hub.issued();
  rig.run_for(kDayMs);
  EXPECT_TRUE(rig.live());
  EXPECT_LE(rig.hub.issued(), issued + 1);
}

TEST_F(Time, certificate_for_a_past_long_over_does_not_loop) {
  rig.hub.manners.registration = [](SimHub& hub, const std::string& csr) {
    test::LeafOptions options;
    options.not_before = hub.now() - 100 * kDay;
    options.not_after = hub.now() - 90 * kDay;
    return Answer{200, test::assigned_body("hub.example:8883", kDevice, hub.issue(csr, options))};
  };
  rig.start();
  rig.run_for(kDayMs);
  EXPECT_LE(rig.hub.issued(), 40u);
  rig.hub.behave();
  EXPECT_TRUE(rig.run_until_live(2 * kHourMs));
}

}  // namespace
}  // namespace latchkey::sweep
