// SPDX-License-Identifier: Apache-2.0
#include "hub/throttle/pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace latchkey::hub::throttle {
namespace {

constexpr std::uint64_t kNowMs = 5'000'000;

Pace::Options servers(std::size_t count, std::uint32_t most_s = 600) { return {count, 1, most_s, 7}; }

// So many were served, each in `ms`.
void measure(Pace& pace, std::uint64_t ms, int times = 300) {
  for (int i = 0; i < times; ++i) pace.served(ms * 1000);
}

TEST(Pace, rate_is_what_all_servers_do_together) {
  Pace pace(servers(16));
  EXPECT_EQ(pace.per_second(), 0) << "nothing was measured";
  measure(pace, 32);
  EXPECT_NEAR(pace.per_second(), 500, 1);
}

TEST(Pace, rate_follows_a_service_that_became_slow_and_fast_again) {
  Pace pace(servers(4));
  measure(pace, 10);
  measure(pace, 100, 2'000);
  EXPECT_NEAR(pace.per_second(), 40, 2);
  measure(pace, 10, 2'000);
  EXPECT_NEAR(pace.per_second(), 400, 20);
}

TEST(Pace, less_than_a_second_ahead_is_no_wait) {
  Pace pace(servers(10));
  EXPECT_EQ(pace.wait_s(1'000'000), 0U) << "nothing was measured";
  measure(pace, 100);  // 100 a second
  EXPECT_EQ(pace.wait_s(0), 0U);
  EXPECT_EQ(pace.wait_s(99), 0U);
  EXPECT_EQ(pace.wait_s(450), 4U);
  EXPECT_EQ(pace.wait_s(1'000'000), 600U);
}

TEST(Pace, first_one_turned_away_comes_back_when_those_ahead_are_served) {
  Pace pace(servers(10));
  measure(pace, 100);
  EXPECT_EQ(pace.turn_away_s(kNowMs, 0), 1U) << "at least a second";
  EXPECT_EQ(Pace(servers(1)).turn_away_s(kNowMs, 0), 1U);
  Pace other(servers(10));
  measure(other, 100);
  EXPECT_EQ(other.turn_away_s(kNowMs, 450), 5U);
}

TEST(Pace, a_wave_comes_back_evenly_and_no_faster_than_it_is_served) {
  Pace pace(servers(10));
  measure(pace, 100);  // 100 a second
  std::map<std::uint32_t, int> back;
  for (int i = 0; i < 10'000; ++i) ++back[pace.turn_away_s(kNowMs, 200)];
  // From when the 200 are served, somewhat overbooked.
  EXPECT_GE(back.begin()->first, 3U);
  EXPECT_NEAR(back.rbegin()->first, 2 + 10'000 / 125, 2);
  for (const auto& [second, count] : back) {
    if (second == back.begin()->first || second == back.rbegin()->first) continue;
    EXPECT_NEAR(count, 125, 2) << "in second " << second;
  }
}

TEST(Pace, moments_that_are_over_are_free_again) {
  Pace pace(servers(10));
  measure(pace, 100);
  for (int i = 0; i < 1'000; ++i) pace.turn_away_s(kNowMs, 0);
  EXPECT_GT(pace.told_s(kNowMs), 5U);
  EXPECT_EQ(pace.told_s(kNowMs + 60'000), 0U);
  EXPECT_EQ(pace.turn_away_s(kNowMs + 60'000, 0), 1U);
}

TEST(Pace, beyond_the_most_it_is_spread_over_the_upper_half) {
  Pace pace(servers(1, 40));
  measure(pace, 1'000);  // one a second: the plan is full soon
  std::map<std::uint32_t, int> back;
  for (int i = 0; i < 20'000; ++i) ++back[pace.turn_away_s(kNowMs, 0)];
  EXPECT_EQ(back.rbegin()->first, 40U);
  EXPECT_GE(back.begin()->first, 1U);
  for (std::uint32_t second = 20; second <= 40; ++second) EXPECT_GT(back[second], 500) << second;
}

TEST(Pace, without_a_measurement_a_wave_is_spread_all_the_same) {
  Pace pace(servers(1));
  std::map<std::uint32_t, int> back;
  for (int i = 0; i < 1'000; ++i) ++back[pace.turn_away_s(kNowMs, 0)];
  EXPECT_GE(back.size(), 4U);
}

}  // namespace
}  // namespace latchkey::hub::throttle
