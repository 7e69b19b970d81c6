// SPDX-License-Identifier: Apache-2.0
#include "hub/throttle/renewal_windows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace latchkey::hub::throttle {
namespace {

constexpr UnixMs kDay = 86'400'000;
constexpr UnixMs kNow = 1'790'000'000'123;
constexpr UnixMs kSlot = RenewalWindows::kSlotMs;

using Given = std::map<UnixMs, int>;  // how often each window, by its start

// So many certificates, one a millisecond.
Given give(RenewalWindows& windows, int certificates, UnixMs from, UnixMs lifetime) {
  Given given;
  for (int i = 0; i < certificates; ++i) {
    const auto window = windows.give(from + i, from + i + lifetime);
    if (window) ++given[window->start];
  }
  return given;
}

int most(const Given& given) {
  int most = 0;
  for (const auto& [start, times] : given) most = std::max(most, times);
  return most;
}
int least(const Given& given) {
  int least = given.empty() ? 0 : given.begin()->second;
  for (const auto& [start, times] : given) least = std::min(least, times);
  return least;
}

TEST(RenewalWindows, lie_within_70_to_85_percent_of_the_lifetime_and_are_whole_slots) {
  for (const int days : {1, 7, 30, 90, 100}) {
    RenewalWindows windows(1);
    for (int i = 0; i < 2'000; ++i) {
      const UnixMs end = kNow + days * kDay;
      const auto window = windows.give(kNow, end);
      ASSERT_TRUE(window) << days;
      EXPECT_GE(window->start, kNow + days * kDay / 100 * 70) << days;
      EXPECT_LE(window->end, kNow + days * kDay / 100 * 85) << days;
      EXPECT_EQ(window->end - window->start, kSlot);
      EXPECT_EQ(window->start % kSlot, 0);
    }
  }
}

TEST(RenewalWindows, ten_thousand_of_one_minute_are_spread_evenly_over_the_whole_stretch) {
  RenewalWindows windows(2);
  const auto given = give(windows, 10'000, kNow, 30 * kDay);
  EXPECT_GE(given.size(), 431u) << "4.5 days have 432 quarters of an hour, the first or last of them cut";
  EXPECT_LE(most(given) - least(given), 1);
}

// Its stretch begins in the middle of the first one's, and ends half a stretch later.
TEST(RenewalWindows, another_wave_goes_where_the_first_one_is_not) {
  constexpr UnixMs kLifetime = 10 * kDay;
  constexpr UnixMs kLater = kDay * 3 / 4;
  RenewalWindows windows(3);
  const auto first = give(windows, 3'000, kNow, kLifetime);
  const auto second = give(windows, 1'400, kNow + kLater, kLifetime);
  const UnixMs end_of_first = first.rbegin()->first;
  int where_the_first_is = 0;
  for (const auto& [start, times] : second) {
    if (start <= end_of_first) where_the_first_is += times;
  }
  EXPECT_LE(where_the_first_is, 21) << "but for one window at the border, all lie behind it";
  Given all = first;
  for (const auto& [start, times] : second) all[start] += times;
  EXPECT_LE(most(all), most(first) + 1);
}

TEST(RenewalWindows, few_devices_do_not_all_get_the_first_window) {
  Given starts;
  for (std::uint64_t seed = 1; seed <= 64; ++seed) ++starts[RenewalWindows(seed).give(kNow, kNow + 30 * kDay)->start];
  EXPECT_GT(starts.size(), 32u);
}

TEST(RenewalWindows, lifetimes_without_room_for_a_window_or_beyond_what_is_counted_get_none) {
  RenewalWindows windows(4);
  EXPECT_FALSE(windows.give(kNow, kNow + 3'600'000)) << "15 % of an hour are nine minutes";
  EXPECT_TRUE(windows.give(kNow, kNow + 4 * 3'600'000));
  EXPECT_FALSE(windows.give(kNow, kNow + 101 * kDay));
  EXPECT_FALSE(windows.give(kNow, kNow + 3'650 * kDay));
}

TEST(RenewalWindows, impossible_validities_get_none) {
  RenewalWindows windows(5);
  EXPECT_FALSE(windows.give(kNow, kNow));
  EXPECT_FALSE(windows.give(kNow, kNow - kDay));
  EXPECT_FALSE(windows.give(-kDay, kDay));
  EXPECT_FALSE(windows.give(INT64_MAX - kDay, INT64_MAX));
  EXPECT_FALSE(windows.give(0, INT64_MAX));
}

// What a rehearsal's clock does: what is counted for one time is not counted for another, and nothing lasts.
TEST(RenewalWindows, clock_that_jumps_ahead_and_back_gets_an_even_spread_each_time) {
  RenewalWindows windows(6);
  for (const UnixMs at : {kNow, kNow + 85 * kDay, kNow + 400 * kDay, kNow, kNow + kDay / 3}) {
    const auto given = give(windows, 500, at, 7 * kDay);
    EXPECT_GE(given.size(), 60u) << (at - kNow) / kDay;
  }
}

}  // namespace
}  // namespace latchkey::hub::throttle
