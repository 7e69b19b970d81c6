// SPDX-License-Identifier: Apache-2.0
// The expected values are the first ones of the vectors that come with the authors' reference code (vectors_sip128).
#include "registry/table/internal/siphash.h"

#include <gtest/gtest.h>

#include <vector>

namespace latchkey::registry::internal {
namespace {

std::array<std::uint8_t, 16> counting_key() {
  std::array<std::uint8_t, 16> key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return key;
}

SipHash128 hash_of_counting_bytes(std::size_t length) {
  std::vector<std::uint8_t> message(length);
  for (std::size_t i = 0; i < length; ++i) message[i] = static_cast<std::uint8_t>(i);
  return siphash_2_4_128(counting_key(), ByteView(message));
}

TEST(SipHash, gives_what_the_reference_gives) {
  const SipHash128 empty = hash_of_counting_bytes(0);
  EXPECT_EQ(empty.first, 0xe6a825ba047f81a3ULL);
  EXPECT_EQ(empty.second, 0x930255c71472f66dULL);
  const SipHash128 one = hash_of_counting_bytes(1);
  EXPECT_EQ(one.first, 0x44af996bd8c187daULL);
  EXPECT_EQ(one.second, 0x45fc229b11597634ULL);
  const SipHash128 fifteen = hash_of_counting_bytes(15);
  EXPECT_EQ(fifteen.first, 0x11a8b03399e99354ULL);
  EXPECT_EQ(fifteen.second, 0xd9c3cf970fec087eULL);
}

TEST(SipHash, tells_messages_apart_that_differ_only_in_trailing_zeros) {
  const std::uint8_t zeros[32] = {};
  for (std::size_t a = 0; a <= 32; ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      EXPECT_NE(siphash_2_4_128(counting_key(), {zeros, a}).first, siphash_2_4_128(counting_key(), {zeros, b}).first);
    }
  }
}

}  // namespace
}  // namespace latchkey::registry::internal
