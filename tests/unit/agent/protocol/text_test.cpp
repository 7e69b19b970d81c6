// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/text.h"

#include <gtest/gtest.h>

#include <string>

namespace latchkey::agent {
namespace {

using Buffer = std::array<std::uint8_t, 64>;

TEST(TextWriter, writes_text_numbers_and_escapes) {
  Buffer buffer;
  const auto text =
      TextWriter(buffer).put("a=").put_decimal(0).put('&').put_decimal(7, 3).put_url_encoded("/x y").finish();
  EXPECT_EQ(*text, "a=0&007%2Fx%20y");
}

TEST(TextWriter, json_strings_cannot_be_left) {
  Buffer buffer;
  EXPECT_EQ(*TextWriter(buffer).put_json_escaped("a\"b\\c\n").finish(), "a\\\"b\\\\c\\u000A");
}

TEST(TextWriter, overflow_is_remembered_even_if_later_text_would_fit) {
  std::array<std::uint8_t, 4> small;
  EXPECT_EQ(TextWriter(small).put("abc").put("de").put("f").finish().error(), Status::kTooLarge);
}

TEST(TextWriter, largest_number_is_written_whole) {
  Buffer buffer;
  EXPECT_EQ(*TextWriter(buffer).put_decimal(UINT64_MAX).finish(), "18446744073709551615");
}

TEST(UrlDecode, reverses_the_encoder) {
  std::string all;
  for (int c = 1; c < 256; ++c) all.push_back(static_cast<char>(c));
  std::array<std::uint8_t, 1024> encoded, decoded;
  const auto text = TextWriter(encoded).put_url_encoded(all).finish();
  EXPECT_EQ(*url_decode(*text, decoded), all);
}

TEST(UrlDecode, broken_escapes_and_encoded_zero_are_refused) {
  Buffer buffer;
  for (const char* text : {"%", "%2", "%2x", "%zz", "a%00b"}) {
    EXPECT_EQ(url_decode(text, buffer).error(), Status::kMalformed) << text;
  }
}

TEST(ParseDecimal, takes_digits_only_and_notices_overflow) {
  EXPECT_EQ(*parse_decimal("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "-1", "+1", "1 ", "0x1", "18446744073709551616", "1.0"}) {
    EXPECT_FALSE(parse_decimal(text).has_value()) << text;
  }
}

TEST(ParameterReader, passes_over_empty_items_and_keeps_equal_signs_in_values) {
  ParameterReader reader("&&a=b=c&flag&&x=");
  EXPECT_EQ(reader.next()->value, "b=c");
  const auto flag = reader.next();
  EXPECT_EQ(flag->key, "flag");
  EXPECT_EQ(flag->value, "");
  EXPECT_EQ(reader.next()->key, "x");
  EXPECT_FALSE(reader.next().has_value());
}

TEST(FindParameter, takes_the_first_of_that_key) {
  EXPECT_EQ(*find_parameter("a=1&$rid=2&$rid=3", "$rid"), "2");
  EXPECT_FALSE(find_parameter("xa=1", "a").has_value());
}

TEST(EqualIgnoringCase, folds_ascii_letters_only) {
  EXPECT_TRUE(equal_ignoring_case("Dev-1", "dEV-1"));
  EXPECT_FALSE(equal_ignoring_case("dev[", "dev{"));
  EXPECT_FALSE(equal_ignoring_case("dev", "dev1"));
}

}  // namespace
}  // namespace latchkey::agent
