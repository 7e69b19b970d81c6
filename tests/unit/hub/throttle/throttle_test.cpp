// SPDX-License-Identifier: Apache-2.0
#include "hub/throttle/throttle.h"

#include <gtest/gtest.h>

namespace latchkey::hub::throttle {
namespace {

constexpr std::uint64_t kStart = 1'000'000;
constexpr std::uint64_t kMinute = 60'000;

void drain(Throttle& throttle, int count, std::uint64_t now = kStart) {
  for (int i = 0; i < count; ++i) ASSERT_EQ(throttle.take(now), 0U) << i;
}

TEST(Throttle, admits_a_minutes_worth_and_fills_steadily) {
  Throttle throttle(60);
  drain(throttle, 60);
  EXPECT_NE(throttle.take(kStart), 0U);
  EXPECT_EQ(throttle.take(kStart + 1000), 0U);
  EXPECT_NE(throttle.take(kStart + 1000), 0U);
}

TEST(Throttle, says_how_long_it_takes_until_the_next_one) {
  Throttle throttle(60);
  drain(throttle, 60);
  EXPECT_EQ(throttle.take(kStart), 1000U);
  EXPECT_EQ(throttle.take(kStart + 400), 600U);
  EXPECT_EQ(throttle.take(kStart + 1000), 0U);
}

TEST(Throttle, wait_is_never_nothing_however_many_a_minute_there_may_be) {
  Throttle throttle(600'000);
  EXPECT_EQ(throttle.take(kStart, 600'000), 0U);
  EXPECT_EQ(throttle.take(kStart), 1U);
}

TEST(Throttle, those_that_are_turned_away_take_nothing_with_them) {
  Throttle throttle(1);
  drain(throttle, 1);
  for (int i = 0; i < 100; ++i) EXPECT_NE(throttle.take(kStart), 0U);
  EXPECT_EQ(throttle.take(kStart + kMinute), 0U);
}

TEST(Throttle, holds_no_more_than_a_minutes_worth) {
  Throttle throttle(2);
  drain(throttle, 1);
  drain(throttle, 2, kStart + 60 * kMinute);
  EXPECT_NE(throttle.take(kStart + 60 * kMinute), 0U);
}

TEST(Throttle, several_go_together_or_not_at_all) {
  Throttle throttle(10);
  EXPECT_EQ(throttle.take(kStart, 8), 0U);
  EXPECT_EQ(throttle.take(kStart, 3), 6000U);
  EXPECT_EQ(throttle.take(kStart, 2), 0U);
}

TEST(Throttle, more_than_a_minutes_worth_goes_at_once_and_is_owed) {
  Throttle throttle(10);
  EXPECT_EQ(throttle.take(kStart, 25), 0U);
  EXPECT_EQ(throttle.take(kStart), 96'000U);
  EXPECT_NE(throttle.take(kStart + kMinute), 0U);
  EXPECT_EQ(throttle.take(kStart + 96'000), 0U);
}

TEST(Throttle, more_than_a_minutes_worth_waits_for_a_full_bucket) {
  Throttle throttle(10);
  drain(throttle, 1);
  EXPECT_EQ(throttle.take(kStart, 25), 6000U);
  EXPECT_EQ(throttle.take(kStart + 6000, 25), 0U);
}

TEST(Throttle, clock_set_back_gives_nothing) {
  Throttle throttle(1);
  drain(throttle, 1);
  EXPECT_NE(throttle.take(kStart / 2), 0U);
  EXPECT_NE(throttle.take(kStart / 2 + kMinute), 0U);
  EXPECT_EQ(throttle.take(kStart + kMinute), 0U);
}

TEST(Throttle, off_admits_everything) {
  Throttle throttle(0);
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(throttle.take(1, 1000), 0U);
}

TEST(Throttle, its_clock_goes_on) { EXPECT_LE(monotonic_ms(), monotonic_ms()); }

}  // namespace
}  // namespace latchkey::hub::throttle
