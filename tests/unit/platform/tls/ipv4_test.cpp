// SPDX-License-Identifier: Apache-2.0
#include "platform/tls/ipv4.h"

#include <gtest/gtest.h>

namespace latchkey::tls {
namespace {

using Address = std::array<std::uint8_t, 4>;

TEST(Ipv4, reads_four_numbers) {
  EXPECT_EQ(parse_ipv4("127.0.0.2"), (Address{127, 0, 0, 2}));
  EXPECT_EQ(parse_ipv4("0.0.0.0"), (Address{0, 0, 0, 0}));
  EXPECT_EQ(parse_ipv4("255.255.255.255"), (Address{255, 255, 255, 255}));
}

TEST(Ipv4, takes_nothing_else) {
  for (const char* text :
       {"",         ".",         "1",         "1.2.3",      "1.2.3.",   "1.2.3.4.", "1.2.3.4.5", ".1.2.3.4",
        "1..2.3",   "256.0.0.1", "1.2.3.400", "1.2.3.0004", "01.2.3.4", "1.2.3.04", "1.2.3.4 ",  " 1.2.3.4",
        "1.2.3.-4", "1.2.3.x",   "0x1.2.3.4", "localhost",  "hub-1",    "1,2,3,4",  "::1"}) {
    EXPECT_EQ(parse_ipv4(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace latchkey::tls
