// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/patience.h"

#include <gtest/gtest.h>

namespace latchkey::hub::app {
namespace {

TEST(Patience, ends_when_nothing_comes) {
  Patience patience(300);
  EXPECT_TRUE(patience.lasts(0, 100));
  EXPECT_TRUE(patience.lasts(0, 100));
  EXPECT_FALSE(patience.lasts(0, 100));
}

TEST(Patience, lasts_for_as_long_as_pieces_come_however_slowly) {
  Patience patience(300);
  for (std::uint64_t piece = 1; piece <= 1000; ++piece) {
    ASSERT_TRUE(patience.lasts(piece - 1, 100));
    ASSERT_TRUE(patience.lasts(piece, 100));
  }
  EXPECT_TRUE(patience.lasts(1000, 100));
  EXPECT_TRUE(patience.lasts(1000, 100));
  EXPECT_FALSE(patience.lasts(1000, 100));
}

TEST(Patience, ends_when_the_same_pieces_come_again_and_again) {
  Patience patience(300);
  int steps = 0;
  while (steps < 100 && patience.lasts(static_cast<std::uint64_t>(steps % 5), 100)) ++steps;
  EXPECT_EQ(steps, 7) << "the last new one came fourth, and the third step behind it is too late";
}

TEST(Patience, of_no_time_has_none) { EXPECT_FALSE(Patience(0).lasts(0, 100)); }

}  // namespace
}  // namespace latchkey::hub::app
