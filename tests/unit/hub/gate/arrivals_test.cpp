// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace latchkey::hub::gate {
namespace {

TlsHandle connection(std::uintptr_t number) { return reinterpret_cast<TlsHandle>(number * 16); }

constexpr Arrivals::Limits kLimits{10'000, 3, 1'000, 5'000};

TEST(Arrivals, one_that_sends_no_connect_goes_at_its_deadline_and_not_before) {
  Arrivals arrivals(kLimits);
  arrivals.opened(connection(1), 1'000);
  for (std::uint64_t now = 1'500; now < 11'000; now += 500) {
    arrivals.heard(connection(1), now);  // a handshake byte by byte wins no time
    EXPECT_TRUE(arrivals.overdue(now).empty()) << now;
  }
  EXPECT_EQ(arrivals.overdue(11'000), std::vector<TlsHandle>{connection(1)});
  arrivals.closed(connection(1));
  EXPECT_TRUE(arrivals.overdue(12'000).empty());
}

TEST(Arrivals, the_one_heard_last_is_the_one_that_introduces_itself) {
  Arrivals arrivals(kLimits);
  arrivals.opened(connection(1), 0);
  arrivals.opened(connection(2), 0);
  arrivals.heard(connection(1), 1);
  arrivals.heard(connection(2), 2);
  arrivals.heard(connection(1), 3);
  EXPECT_EQ(arrivals.introduced(), connection(1));
  EXPECT_EQ(arrivals.introduced(), nullptr) << "one record introduces one connection";
  EXPECT_EQ(arrivals.overdue(20'000), std::vector<TlsHandle>{connection(2)});
}

TEST(Arrivals, one_that_was_freed_is_forgotten) {
  Arrivals arrivals(kLimits);
  arrivals.opened(connection(1), 0);
  arrivals.heard(connection(1), 1);
  arrivals.closed(connection(1));
  EXPECT_EQ(arrivals.introduced(), nullptr);
  EXPECT_TRUE(arrivals.overdue(20'000).empty());
  EXPECT_EQ(arrivals.size(), 0u);
}

TEST(Arrivals, beyond_the_number_of_silent_ones_the_longest_silent_go) {
  Arrivals arrivals(kLimits);
  for (std::uintptr_t i = 1; i <= 5; ++i) arrivals.opened(connection(i), 100 * i);
  for (const std::uintptr_t i : {2, 3, 4, 5}) arrivals.heard(connection(i), 100 * i);
  arrivals.heard(connection(1), 700);  // opened first, but heard after the others
  EXPECT_TRUE(arrivals.overdue(5'199).empty());
  auto going = arrivals.overdue(5'700);
  std::sort(going.begin(), going.end());
  EXPECT_EQ(going, (std::vector<TlsHandle>{connection(2), connection(3)}));
  EXPECT_EQ(arrivals.size(), 5u) << "nothing is forgotten before it is closed";
}

TEST(Arrivals, those_for_whom_nothing_was_done_yet_go_before_those_in_a_handshake) {
  Arrivals arrivals(kLimits);
  for (std::uintptr_t i = 1; i <= 6; ++i) arrivals.opened(connection(i), 100 * i);
  for (const std::uintptr_t i : {1, 2, 3}) arrivals.heard(connection(i), 100 * i + 1);
  EXPECT_TRUE(arrivals.overdue(2'000).empty()) << "three are silent, three stalled for a second only";
  auto going = arrivals.overdue(6'000);
  std::sort(going.begin(), going.end());
  EXPECT_EQ(going, (std::vector<TlsHandle>{connection(4), connection(5), connection(6)}));
}

TEST(Arrivals, busy_are_those_that_were_heard_or_opened_a_moment_ago) {
  Arrivals arrivals(kLimits);
  for (std::uintptr_t i = 1; i <= 5; ++i) arrivals.opened(connection(i), 0);
  EXPECT_EQ(arrivals.busy(999), 5u);
  arrivals.heard(connection(2), 999);
  EXPECT_EQ(arrivals.busy(1'000), 1u) << "silent ones shut no door";
  EXPECT_EQ(arrivals.busy(4'999), 1u) << "it may be as busy as we are";
  EXPECT_EQ(arrivals.introduced(), connection(2));
  EXPECT_EQ(arrivals.busy(4'999), 0u);
}

TEST(Arrivals, who_only_says_a_little_again_and_again_is_busy_for_a_while_and_no_more) {
  Arrivals arrivals(kLimits);
  arrivals.opened(connection(1), 0);
  for (std::uint64_t now = 500; now < 5'000; now += 500) {
    arrivals.heard(connection(1), now);
    EXPECT_EQ(arrivals.busy(now), 1u) << now;
  }
  arrivals.heard(connection(1), 5'000);
  EXPECT_EQ(arrivals.busy(5'000), 0u);
  EXPECT_EQ(arrivals.size(), 1u);
}

TEST(Arrivals, those_in_the_middle_of_a_handshake_are_not_silent) {
  Arrivals arrivals(kLimits);
  for (std::uintptr_t i = 1; i <= 500; ++i) arrivals.opened(connection(i), 0);
  EXPECT_TRUE(arrivals.overdue(999).empty());
  for (std::uintptr_t i = 1; i <= 500; ++i) arrivals.heard(connection(i), 999);
  EXPECT_TRUE(arrivals.overdue(5'998).empty());
  EXPECT_EQ(arrivals.overdue(5'999).size(), 497u);
}

}  // namespace
}  // namespace latchkey::hub::gate
