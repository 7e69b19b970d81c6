// SPDX-License-Identifier: Apache-2.0
#include "hub/text/time.h"

#include <gtest/gtest.h>

namespace latchkey::hub::text {
namespace {

TEST(Time, operators_read_milliseconds) {
  EXPECT_EQ(iso8601(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso8601(1'709'251'199'999), "2024-02-29T23:59:59.999Z");
  EXPECT_EQ(iso8601(-1), "1969-12-31T23:59:59.999Z");
}

TEST(Time, devices_read_seven_decimals) {
  EXPECT_EQ(iso8601_ticks(1'768'730'400'123), "2026-01-18T10:00:00.1230000Z");
  EXPECT_EQ(iso8601_ticks(0), "1970-01-01T00:00:00.0000000Z");
  EXPECT_EQ(iso8601_ticks(-1), "1969-12-31T23:59:59.9990000Z");
}

TEST(Time, hub_certificates_have_the_form_of_http) {
  EXPECT_EQ(rfc7231(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(rfc7231(1'709'251'199'999), "Thu, 29 Feb 2024 23:59:59 GMT");
}

}  // namespace
}  // namespace latchkey::hub::text
