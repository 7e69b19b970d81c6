// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/ear.h"

#include <gtest/gtest.h>

#include "registry/cluster/pace.h"

namespace latchkey::registry::cluster {
namespace {

constexpr std::int64_t kLong = 60'000;

TEST(Ear, ring_ends_the_rest_that_comes_and_that_one_alone) {
  Ear ear;
  ear.ring();
  ear.ring();
  ear.rest(nullptr, kLong);  // or this test would take a minute
  ear.rest(nullptr, 1);      // rung no more
}

TEST(Ear, is_deaf_when_news_were_found_and_none_heard) {
  Ear ear;
  ear.looked(true, 0);
  EXPECT_FALSE(ear.deaf()) << "they may come";
  ear.looked(false, Ear::kDoubtMs - 1);
  EXPECT_FALSE(ear.deaf());
  ear.looked(false, Ear::kDoubtMs);
  EXPECT_TRUE(ear.deaf());
}

TEST(Ear, is_believed_when_it_heard_in_time_or_there_was_nothing_to_hear) {
  Ear ear;
  for (std::int64_t at = 0; at < 10 * Ear::kDoubtMs; at += Ear::kDoubtMs) {
    ear.looked(true, at);  // the commit was seen before it was told
    ear.heard();
    ear.looked(false, at + Ear::kDoubtMs - 1);
  }
  ear.looked(false, kLong);
  EXPECT_FALSE(ear.deaf());
}

TEST(Ear, is_believed_again_when_it_hears) {
  Ear ear;
  ear.looked(true, 0);
  ear.looked(true, Ear::kDoubtMs);
  ASSERT_TRUE(ear.deaf());
  ear.looked(true, 2 * Ear::kDoubtMs);
  EXPECT_TRUE(ear.deaf());
  ear.heard();
  ear.looked(true, 3 * Ear::kDoubtMs);
  EXPECT_FALSE(ear.deaf());
  ear.looked(true, 3 * Ear::kDoubtMs + 1);
  EXPECT_FALSE(ear.deaf()) << "a doubt of its own";
}

TEST(Pace, lets_a_few_begin_at_once_and_then_one_in_each_while) {
  Pace pace;
  for (std::int64_t i = 0; i < Pace::kAtOnce; ++i) {
    EXPECT_EQ(pace.wait_ms(1'000), 0) << i;
    pace.began(1'000);
  }
  EXPECT_EQ(pace.wait_ms(1'000), Pace::kEachMs);
  EXPECT_EQ(pace.wait_ms(1'000 + Pace::kEachMs), 0);
  pace.began(1'000 + Pace::kEachMs);
  EXPECT_EQ(pace.wait_ms(1'000 + Pace::kEachMs), Pace::kEachMs);
}

TEST(Pace, is_no_more_than_so_many_a_second_whatever_calls) {
  Pace pace;
  std::int64_t rounds = 0;
  for (std::int64_t now = 0; now < 10'000; ++now) {
    while (pace.wait_ms(now) == 0) {
      pace.began(now);
      ++rounds;
    }
  }
  EXPECT_EQ(rounds, 10'000 / Pace::kEachMs + Pace::kAtOnce - 1);
}

TEST(Pace, forgives_in_time_and_saves_up_no_more_than_it_had) {
  Pace pace;
  for (std::int64_t i = 0; i < Pace::kAtOnce; ++i) pace.began(0);
  for (std::int64_t i = 0; i < Pace::kAtOnce; ++i) {
    EXPECT_EQ(pace.wait_ms(3'600'000), 0) << i;
    pace.began(3'600'000);
  }
  EXPECT_GT(pace.wait_ms(3'600'000), 0);
}

}  // namespace
}  // namespace latchkey::registry::cluster
