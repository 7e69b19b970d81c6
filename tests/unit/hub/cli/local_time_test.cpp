// SPDX-License-Identifier: Apache-2.0
// Times as an operator types them, in zones that the test brings along (POSIX.1 section 8.3: no file is needed).
#include "hub/cli/internal/local_time.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

namespace latchkey::hub::cli {
namespace {

class LocalTime : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* before = std::getenv("TZ")) before_ = before;
    zone("CET-1CEST,M3.5.0,M10.5.0/3");
  }
  void TearDown() override {
    before_ ? ::setenv("TZ", before_->c_str(), 1) : ::unsetenv("TZ");
    ::tzset();
  }
  static void zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  static std::string utc(const std::string& text) {
    const auto at = read_moment(text);
    return at ? utc_text(*at) : at.error();
  }

 private:
  std::optional<std::string> before_;
};

// Rows: S-6-119
TEST_F(LocalTime, time_is_the_zones_unless_an_offset_is_given) {
  EXPECT_EQ(utc("2026-11-21T14:22"), "2026-11-21T13:22:00Z");
  EXPECT_EQ(utc("2026-07-21 14:22:18"), "2026-07-21T12:22:18Z");
  EXPECT_EQ(utc("2026-07-21T14:22:18Z"), "2026-07-21T14:22:18Z");
  EXPECT_EQ(utc("2026-07-21T14:22:18-05:30"), "2026-07-21T19:52:18Z");
  zone("NST3:30NDT,M3.2.0,M11.1.0");
  EXPECT_EQ(utc("2026-11-21T14:22"), "2026-11-21T17:52:00Z");
}

TEST_F(LocalTime, both_are_shown) {
  const auto at = *read_moment("2026-07-21T14:22");
  EXPECT_EQ(local_text(at), "2026-07-21 14:22:00 +0200 (CEST)");
  EXPECT_EQ(utc_text(at), "2026-07-21T12:22:00Z");
}

TEST_F(LocalTime, hour_that_comes_twice_or_never_is_refused) {
  EXPECT_NE(utc("2026-10-25T02:30").find("comes twice"), std::string::npos);
  EXPECT_NE(utc("2026-03-29T02:30").find("is skipped"), std::string::npos);
  EXPECT_EQ(utc("2026-10-25T02:30+02:00"), "2026-10-25T00:30:00Z");
  EXPECT_EQ(utc("2026-10-25T02:30+01:00"), "2026-10-25T01:30:00Z");
  EXPECT_EQ(utc("2026-10-25T01:59"), "2026-10-24T23:59:00Z");
  EXPECT_EQ(utc("2026-10-25T03:00"), "2026-10-25T02:00:00Z");
  EXPECT_EQ(utc("2026-03-29T01:59:59"), "2026-03-29T00:59:59Z");
  EXPECT_EQ(utc("2026-03-29T03:00"), "2026-03-29T01:00:00Z");
}

TEST_F(LocalTime, what_is_no_time_is_refused) {
  for (const auto* none :
       {"", "yesterday", "2026-11-21", "2026-02-30T12:00", "2026-11-21T25:00", "2026-11-21T12:00 CET"}) {
    EXPECT_FALSE(read_moment(none)) << none;
  }
}

}  // namespace
}  // namespace latchkey::hub::cli
