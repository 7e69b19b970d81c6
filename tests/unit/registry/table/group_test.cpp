// SPDX-License-Identifier: Apache-2.0
#include "registry/table/internal/group.h"

#include <gtest/gtest.h>

#include <bit>

namespace latchkey::registry::internal {
namespace {

TableKey key_of_bytes(unsigned fingerprint, unsigned place) { return {0, fingerprint | place << 8}; }

TEST(Group, an_empty_one_holds_nothing_whatever_its_overflow_bits_say) {
  Group group{};
  group.overflow = 0xffff;
  EXPECT_EQ(empty_slots(group), kSlotMask);
  EXPECT_EQ(taken_slots(group), 0U);
  EXPECT_EQ(slots_of_classes(group, 0xffff), 0U);
  for (unsigned byte = 0; byte < 256; ++byte) {
    ASSERT_EQ(match_low(group, fingerprint_of(key_of_bytes(byte, 0))) & kSlotMask, 0U) << byte;
  }
}

TEST(Group, a_taken_slot_matches_its_fingerprint_and_no_other) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (unsigned slot = 0; slot < kGroupSlots; ++slot) {
      Group group{};
      take(group, slot, key_of_bytes(byte, 0));
      ASSERT_EQ(taken_slots(group), 1U << slot);
      ASSERT_EQ(match_low(group, fingerprint_of(key_of_bytes(byte, 0))) & kSlotMask, 1U << slot);
      const unsigned other = byte ^ 0x80;
      ASSERT_EQ(match_low(group, fingerprint_of(key_of_bytes(other, 0))) & kSlotMask, 0U);
      vacate(group, slot);
      ASSERT_EQ(empty_slots(group), kSlotMask);
    }
  }
}

TEST(Group, a_slots_class_is_that_of_its_key) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    Group group{};
    const TableKey key = key_of_bytes(byte, 0);
    take(group, 13, key);
    const std::uint32_t bit = 1U << class_of(key);
    ASSERT_EQ(slots_of_classes(group, bit), 1U << 13) << byte;
    ASSERT_EQ(slots_of_classes(group, 0xffff ^ bit), 0U) << byte;
    ASSERT_EQ(group.overflow, 0U);
    add_overflow(group, key);
    ASSERT_EQ(group.overflow, bit);
    ASSERT_TRUE(overflows(group, key));
    ASSERT_FALSE(overflows(group, key_of_bytes(byte ^ 1, 0)));
    ASSERT_EQ(taken_slots(group), 1U << 13);
  }
}

TEST(Group, every_window_is_three_lines_from_the_favourite_on_and_all_favourites_are_about_equally_frequent) {
  unsigned favourites[kGroupLines] = {};
  for (unsigned byte = 0; byte < 256; ++byte) {
    const TableKey key = key_of_bytes(0, byte);
    const unsigned line = favourite_line(key);
    ASSERT_LT(line, kGroupLines);
    ++favourites[line];
    const std::uint32_t window = place_of(key).window;
    ASSERT_EQ(std::popcount(window), 6);
    for (unsigned i = 0; i < kWindowLines; ++i) {
      const unsigned first = (line + i) % kGroupLines * 2;
      ASSERT_EQ(window >> first & 3, 3U) << byte;
    }
    ASSERT_EQ(place_of(key).offset, line * 64);
  }
  for (const unsigned count : favourites) {
    EXPECT_GE(count, 36U);
    EXPECT_LE(count, 37U);
  }
}

}  // namespace
}  // namespace latchkey::registry::internal
