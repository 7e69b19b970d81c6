// SPDX-License-Identifier: Apache-2.0
#include "platform/base/ids.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace latchkey {
namespace {

constexpr std::string_view kText = "7ab3c1f4-5d0e-4c52-9b1e-2f6a8d90c417";

TEST(UuidText, goes_there_and_back_in_lower_case) {
  const auto parsed = parse_uuid(kText);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->bytes[0], 0x7a);
  EXPECT_EQ(parsed->bytes[15], 0x17);
  EXPECT_EQ(view(to_text(*parsed)), kText);
  const auto upper = parse_uuid("7AB3C1F4-5D0E-4C52-9B1E-2F6A8D90C417");
  ASSERT_TRUE(upper);
  EXPECT_TRUE(*upper == *parsed);
}

TEST(UuidText, refuses_every_other_form) {
  for (const std::string text : {"", "7ab3c1f45d0e4c529b1e2f6a8d90c417", "{7ab3c1f4-5d0e-4c52-9b1e-2f6a8d90c417}",
                                 "7ab3c1f4-5d0e-4c52-9b1e-2f6a8d90c41", "7ab3c1f4-5d0e-4c52-9b1e-2f6a8d90c4177",
                                 "7ab3c1f4-5d0e-4c52-9b1e-2f6a8d90c41g", "7ab3c1f45-d0e-4c52-9b1e-2f6a8d90c417",
                                 "7ab3c1f4-5d0e-4c52-9b1e-2f6a8d90c4-7", "7ab3c1f4-5d0e-4c52-9b1e 2f6a8d90c417",
                                 "7ab3c1f4-5d0e-4c52-9b1e-2f6a8d90c41\n"}) {
    EXPECT_EQ(parse_uuid(text).error(), Status::kMalformed) << text;
  }
}

TEST(Id128Order, is_by_bytes) {
  Uuid low, high;
  low.bytes[15] = 9;
  high.bytes[0] = 1;
  EXPECT_TRUE(low < high);
  EXPECT_FALSE(high < low);
  EXPECT_FALSE(low < low);
  EXPECT_TRUE(Uuid().is_zero());
  EXPECT_FALSE(low.is_zero());
}

TEST(DeviceIdentifierBytes, are_device_then_credential) {
  DeviceIdentifier identifier;
  identifier.device.bytes.fill(0x11);
  identifier.credential.bytes.fill(0x22);
  const auto bytes = identifier.encode();
  EXPECT_EQ(bytes[0], 0x11);
  EXPECT_EQ(bytes[15], 0x11);
  EXPECT_EQ(bytes[16], 0x22);
  EXPECT_EQ(bytes[31], 0x22);
  const auto decoded = DeviceIdentifier::decode(ByteView(bytes));
  ASSERT_TRUE(decoded);
  EXPECT_TRUE(*decoded == identifier);
}

TEST(DeviceIdentifierBytes, of_another_length_are_malformed) {
  const std::vector<std::uint8_t> bytes(64, 7);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    if (size == DeviceIdentifier::kSize) continue;
    EXPECT_EQ(DeviceIdentifier::decode(ByteView(bytes).subview(0, size)).error(), Status::kMalformed) << size;
  }
}

// The object identifier is 2.25. and the decimal of this UUID; counted here digit by digit.
TEST(IdentifierOid, is_the_projects_uuid_in_decimal) {
  const auto uuid = parse_uuid(kText);
  ASSERT_TRUE(uuid);
  std::string decimal = "0";
  for (const std::uint8_t byte : uuid->bytes) {
    int carry = byte;
    for (auto digit = decimal.rbegin(); digit != decimal.rend(); ++digit) {
      carry += (*digit - '0') * 256;
      *digit = static_cast<char>('0' + carry % 10);
      carry /= 10;
    }
    for (; carry > 0; carry /= 10) decimal.insert(decimal.begin(), static_cast<char>('0' + carry % 10));
  }
  EXPECT_EQ("2.25." + decimal, kIdentifierOid);
}

// Rows: R-10-08
TEST(RegistrationId, may_have_letters_digits_and_four_marks) {
  for (const std::string id : {"a", "0", "A9", "pump-17", "a.b_c-d:e", "a--..::__b", "00:11:22"}) {
    EXPECT_TRUE(valid_registration_id(id)) << id;
  }
  EXPECT_TRUE(valid_registration_id(std::string(128, 'x')));
}

// Rows: R-10-08
TEST(RegistrationId, may_not_have_anything_else) {
  for (const std::string id :
       {"",    "-a",  "a-",  ".a",  "a.",  "_a",  "a_",  ":a",   "a:",   "-",        "a b", "a/b",
        "a+b", "a#b", "a$b", "a%b", "a@b", "a,b", "a=b", "a\\b", "a\"b", "\xc3\xa4", "a\n", "a\tb"}) {
    EXPECT_FALSE(valid_registration_id(id)) << id;
  }
  EXPECT_FALSE(valid_registration_id(std::string("a\0b", 3)));
  EXPECT_FALSE(valid_registration_id(std::string(129, 'x')));
}

TEST(StatusText, is_there_for_all_and_bands_are_hundreds) {
  EXPECT_EQ(band(Status::kMismatch), Status::kRefused);
  EXPECT_EQ(band(Status::kCorrupt), Status::kStorageFailed);
  std::set<std::string_view> texts;
  for (const Status status : {Status::kOk, Status::kMalformed, Status::kRefused, Status::kNotFound, Status::kBusy,
                              Status::kConnectionLost, Status::kStorageFull, Status::kInternal}) {
    EXPECT_TRUE(texts.insert(to_string(status)).second);
  }
  EXPECT_FALSE(to_string(static_cast<Status>(999)).empty());
}

}  // namespace
}  // namespace latchkey
