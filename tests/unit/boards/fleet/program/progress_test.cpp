// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchkey::boards::fleet::program {
namespace {

using testing::HasSubstr;

constexpr scenario::TimeUs kSecond = 1'000'000;

TEST(ProgressTest, numbers_are_grouped_by_thousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
}

TEST(ProgressTest, rates_are_those_of_the_last_seconds) {
  scenario::Scenario scenario;
  scenario.devices = 5'000;
  scenario.duration = 100 * kSecond;
  scenario.ends_when_all_back = true;
  Progress progress(scenario, 4'000, false);
  swarm::Counters counters;
  for (int second = 1; second <= 20; ++second) {
    const std::uint32_t rate = second <= 10 ? 300 : 100;
    counters.hub_connects += rate;
    counters.connected += rate;
    counters.back += rate;
    (void)progress.line(second * kSecond, counters);
  }
  const auto line = progress.line(21 * kSecond, counters);
  EXPECT_THAT(line, HasSubstr("4,000 of 5,000 connected"));
  EXPECT_THAT(line, HasSubstr("80 connects/s"));  // 400 in the five seconds before
}

TEST(ProgressTest, estimate_follows_the_rate_of_return) {
  scenario::Scenario scenario;
  scenario.devices = 1'000;
  scenario.duration = 500 * kSecond;
  scenario.ends_when_all_back = true;
  Progress progress(scenario, 1'000, false);
  swarm::Counters counters;
  EXPECT_THAT(progress.line(kSecond, counters), HasSubstr("at most 499 s"));
  counters.back = 100;
  EXPECT_THAT(progress.line(2 * kSecond, counters), HasSubstr("about 9 s until all are back"));
  counters.back = 1'000;
  EXPECT_THAT(progress.line(3 * kSecond, counters), HasSubstr("497 s at most"));
}

}  // namespace
}  // namespace latchkey::boards::fleet::program
