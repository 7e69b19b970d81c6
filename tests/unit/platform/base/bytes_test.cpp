// SPDX-License-Identifier: Apache-2.0
#include "platform/base/bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace latchkey {
namespace {

std::string hex_of(const std::string& bytes) {
  std::vector<std::uint8_t> out(hex_size(bytes.size()));
  const auto size = hex_encode(ByteView(bytes), MutableBytes(out.data(), out.size()));
  return size ? std::string(out.begin(), out.end()) : "<error>";
}

std::string base64_of(const std::string& bytes) {
  std::vector<std::uint8_t> out(base64_size(bytes.size()));
  const auto size = base64_encode(ByteView(bytes), MutableBytes(out.data(), out.size()));
  return size && *size == out.size() ? std::string(out.begin(), out.end()) : "<error>";
}

// The decoded text, or "<status>".
template <class Decode>
std::string decoded(Decode decode, std::string_view text, std::size_t room = 64) {
  std::vector<std::uint8_t> out(room);
  const auto size = decode(text, MutableBytes(out.data(), out.size()));
  if (!size) return "<" + std::string(to_string(size.error())) + ">";
  return std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size));
}

TEST(Hex, goes_there_and_back) {
  EXPECT_EQ(hex_of(std::string("\x00\xff\x0a\xb0", 4)), "00ff0ab0");
  EXPECT_EQ(hex_of(""), "");
  EXPECT_EQ(decoded(hex_decode, "00fF0Ab0"), std::string("\x00\xff\x0a\xb0", 4));
  EXPECT_EQ(decoded(hex_decode, ""), "");
}

TEST(Hex, refuses_what_is_none) {
  for (const char* text : {"0", "0g", "0 ", " 0", "0x", "00-0", "00\n0", "/0", ":0", "@0", "`0"}) {
    EXPECT_EQ(decoded(hex_decode, text), "<malformed>") << text;
  }
}

TEST(Hex, needs_room) {
  std::array<std::uint8_t, 3> out;
  EXPECT_EQ(hex_encode(ByteView(std::string("ab")), out).error(), Status::kTooLarge);
  EXPECT_EQ(decoded(hex_decode, "00112233", 3), "<too large>");
}

// RFC 4648 section 10.
TEST(Base64, gives_the_published_values_both_ways) {
  const std::pair<const char*, const char*> kVectors[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : kVectors) {
    EXPECT_EQ(base64_of(plain), text);
    EXPECT_EQ(decoded(base64_decode, text), plain);
  }
  EXPECT_EQ(base64_of("\xfb\xff\xfe"), "+//+");
}

TEST(Base64, goes_there_and_back_at_every_size) {
  std::string bytes;
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(decoded(base64_decode, base64_of(bytes)), bytes);
    bytes.push_back(static_cast<char>(i * 71 + 200));
  }
}

TEST(Base64, is_strict) {
  for (const char* text :
       {"Zg",     "Zg=",   "Z",    "Zg===", "====", "=",    "Z===", "Zg==Zg==", "Zm=v", "=m9v",
        "Zm9v\n", " Zm9v", "Zm 9", "Zm-_",  "Zm9*", "Zh==", "Zm9=", "Zg=a",     "Zg=A", "Zm9vZ=9v"}) {
    EXPECT_EQ(decoded(base64_decode, text), "<malformed>") << text;
  }
  EXPECT_EQ(decoded(base64_decode, std::string_view("Zm\0v", 4)), "<malformed>");
  EXPECT_EQ(decoded(base64_decode, "Zm9\xc3"), "<malformed>");
}

TEST(Base64, needs_room_and_no_more_than_that) {
  EXPECT_EQ(decoded(base64_decode, "Zm9vYmFy", 6), "foobar");
  EXPECT_EQ(decoded(base64_decode, "Zm9vYmFy", 5), "<too large>");
  EXPECT_EQ(decoded(base64_decode, "Zg==", 1), "f");
  EXPECT_EQ(decoded(base64_decode, "Zg==", 0), "<too large>");
  std::array<std::uint8_t, 7> out;
  EXPECT_EQ(base64_encode(ByteView(std::string("foobar")), out).error(), Status::kTooLarge);
}

TEST(ConstantTimeEqual, agrees_with_plain_comparison) {
  const std::string one = "0123456789abcdef";
  EXPECT_TRUE(constant_time_equal(ByteView(one), ByteView(std::string(one))));
  EXPECT_TRUE(constant_time_equal({}, {}));
  for (std::size_t i = 0; i < one.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string other = one;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      EXPECT_FALSE(constant_time_equal(ByteView(one), ByteView(other)));
    }
  }
  EXPECT_FALSE(constant_time_equal(ByteView(one), ByteView(one).subview(0, 15)));
  EXPECT_FALSE(constant_time_equal(ByteView(one), {}));
}

TEST(Wipe, leaves_zeros) {
  std::array<std::uint8_t, 5> secret = {1, 2, 3, 4, 5};
  wipe(secret);
  EXPECT_EQ(secret, (std::array<std::uint8_t, 5>{}));
  wipe({});
}

TEST(Views, stay_within_their_bytes) {
  const std::string text = "abcdef";
  const ByteView view(text);
  EXPECT_EQ(view.subview(2, 3).text(), "cde");
  EXPECT_EQ(view.subview(4, 100).text(), "ef");
  EXPECT_TRUE(view.subview(100, 1).empty());
  EXPECT_TRUE(view.subview(6, static_cast<std::size_t>(-1)).empty());
  EXPECT_TRUE(view == ByteView(std::string("abcdef")));
  EXPECT_TRUE(view != ByteView(std::string("abcdeg")));
  EXPECT_TRUE(ByteView() == ByteView(std::string()));
}

}  // namespace
}  // namespace latchkey
