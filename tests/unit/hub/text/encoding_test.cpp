// SPDX-License-Identifier: Apache-2.0
#include "hub/text/encoding.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace latchkey::hub::text {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(Encoding, bytes_become_lower_case_hex) {
  EXPECT_EQ(hex(ByteView(Bytes{0x00, 0xAB, 0xff})), "00abff");
  EXPECT_EQ(hex({}), "");
}

// RFC 4648 section 10.
TEST(Encoding, base64_is_padded_and_of_the_standard_alphabet) {
  EXPECT_EQ(base64({}), "");
  EXPECT_EQ(base64(ByteView(std::string_view("f"))), "Zg==");
  EXPECT_EQ(base64(ByteView(std::string_view("fo"))), "Zm8=");
  EXPECT_EQ(base64(ByteView(std::string_view("foobar"))), "Zm9vYmFy");
  EXPECT_EQ(base64(ByteView(Bytes{0xfb, 0xff})), "+/8=");
}

TEST(Encoding, random_uuids_are_of_version_4_and_different) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string uuid = random_uuid();
    ASSERT_TRUE(parse_uuid(uuid)) << uuid;
    EXPECT_EQ(uuid[14], '4') << uuid;
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos) << uuid;
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(Encoding, random_hex_has_two_characters_a_byte) {
  EXPECT_EQ(random_hex(0), "");
  EXPECT_EQ(random_hex(8).size(), 16u);
  EXPECT_EQ(random_hex(8).find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(random_hex(8), random_hex(8));
}

}  // namespace
}  // namespace latchkey::hub::text
