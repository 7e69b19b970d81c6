// SPDX-License-Identifier: Apache-2.0
#include "platform/base/percent.h"

#include <gtest/gtest.h>

namespace latchkey {
namespace {

TEST(PercentEncode, leaves_unreserved_characters_alone) {
  EXPECT_EQ(percent_encode("azAZ09-._~"), "azAZ09-._~");
  EXPECT_EQ(percent_encode(""), "");
}

TEST(PercentEncode, encodes_everything_else_byte_by_byte) {
  EXPECT_EQ(percent_encode("a/b?c=d&e%f g"), "a%2Fb%3Fc%3Dd%26e%25f%20g");
  EXPECT_EQ(percent_encode("\xc3\xbc"), "%C3%BC");
  EXPECT_EQ(percent_encode(std::string_view("\0", 1)), "%00");
  EXPECT_EQ(percent_encode("../x"), "..%2Fx");
}

}  // namespace
}  // namespace latchkey
