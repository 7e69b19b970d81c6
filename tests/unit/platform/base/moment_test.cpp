// SPDX-License-Identifier: Apache-2.0
#include "platform/base/moment.h"

#include <gtest/gtest.h>

#include <string>

namespace latchkey {
namespace {

TEST(Moment, rfc3339_is_read_in_any_zone) {
  constexpr UnixMs kMoment = 1'795'267'338'000;  // 2026-11-21T13:22:18Z
  EXPECT_EQ(parse_rfc3339("2026-11-21T13:22:18Z"), kMoment);
  EXPECT_EQ(parse_rfc3339("2026-11-21t13:22:18z"), kMoment);
  EXPECT_EQ(parse_rfc3339("2026-11-21 14:22:18+01:00"), kMoment);
  EXPECT_EQ(parse_rfc3339("2026-11-20T23:52:18-13:30"), kMoment);
  EXPECT_EQ(parse_rfc3339("2026-11-21T13:22:18.1Z"), kMoment + 100);
  EXPECT_EQ(parse_rfc3339("2026-11-21T13:22:18.1239999Z"), kMoment + 123);
}

TEST(Moment, days_are_the_calendars) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:59:59Z"), -1000);
  EXPECT_EQ(parse_rfc3339("2000-02-29T00:00:00Z"), 951'782'400'000);
  EXPECT_EQ(parse_rfc3339("2000-03-01T00:00:00Z"), 951'868'800'000);
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:59Z"), 253'402'300'799'000);
  for (const auto* none : {"2026-02-29", "2100-02-29", "2026-04-31", "2026-13-01", "2026-00-01", "2026-01-00"}) {
    EXPECT_FALSE(parse_rfc3339(std::string(none) + "T00:00:00Z")) << none;
  }
}

TEST(Moment, what_is_none_is_refused) {
  for (const auto* none : {"",
                           "now",
                           "2026-11-21",
                           "2026-11-21T13:22:18",
                           "2026-11-21T13:22Z",
                           "2026-11-21T24:00:00Z",
                           "2026-11-21T13:60:00Z",
                           "2026-11-21T13:22:60Z",
                           "2026-11-21T13:22:18.Z",
                           "2026-11-21T13:22:18.1234567890Z",
                           "2026-11-21T13:22:18+1:00",
                           "2026-11-21T13:22:18+24:00",
                           "2026-11-21T13:22:18+01:60",
                           "2026-11-21T13:22:18Z ",
                           " 2026-11-21T13:22:18Z",
                           "26-11-21T13:22:18Z",
                           "2026-11-21T13:22:18ZZ",
                           "-026-11-21T13:22:18Z",
                           "2026-11-21T13:22:-1Z",
                           "0000-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(none)) << none;
  }
}

TEST(Moment, zone_and_seconds_may_be_left_out_where_somebody_else_knows_them) {
  const auto local = parse_time("2026-11-21T14:22");
  ASSERT_TRUE(local);
  EXPECT_FALSE(local->offset);
  EXPECT_EQ(utc_of(local->time), parse_rfc3339("2026-11-21T14:22:00Z"));
  EXPECT_EQ(parse_time("2026-11-21 14:22-01:30")->offset, -90);
  EXPECT_FALSE(parse_time("2026-11-21 14"));
}

}  // namespace
}  // namespace latchkey
