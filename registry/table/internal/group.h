// SPDX-License-Identifier: Apache-2.0
// One group of the lookup table: sixteen bytes that say what lies in twelve slots.
//
//   low[0..11]   low eight bits of the slot's fingerprint, 0: the slot is empty
//   rest 0..11   bit i: a ninth bit of slot i's fingerprint, inverted; which bit of the key it is depends on i
//   rest 12..15  always 0
//   rest 16..31  overflow, bit 16 + c: a key of class c that belongs here, or farther back, lies farther on
//
// A look-up reads one group: equal fingerprints name the slots to compare, and a clear overflow bit ends the search.
// The ninth bit and sixteen classes keep misses short although groups are full to three quarters: one in fifty compares
// a slot in vain, one in a hundred reads a second group. Every instruction here is paid by every look-up.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "registry/table/key.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace latchkey::registry::internal {

inline constexpr unsigned kGroupSlots = 12;
inline constexpr unsigned kClasses = 16;
inline constexpr unsigned kOverflowShift = 16;
inline constexpr std::uint32_t kSlotMask = (1U << kGroupSlots) - 1;

struct alignas(16) Group {
  std::uint8_t low[kGroupSlots];
  std::uint32_t rest;
};
static_assert(sizeof(Group) == 16 && kOverflowShift + kClasses == 32 && kGroupSlots <= kOverflowShift);

// A byte of a key four times over, as SIMD registers are filled; 0 means empty, so 0 becomes 1.
inline constexpr std::array<std::uint32_t, 256> kFourTimes = [] {
  std::array<std::uint32_t, 256> words{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) words[byte] = (byte == 0 ? 1 : byte) * 0x01010101U;
  return words;
}();

// What a key's `low` word says; the `high` one chooses shard, group and favourite slot.
//   bits 0..7 fingerprint, 8..11 class, 52..63 ninth bits of the fingerprint, one for each slot where it may lie
struct Fingerprint {
  std::uint32_t low;     // eight bits, four times
  std::uint32_t ninths;  // twelve bits
};
inline Fingerprint fingerprint_of(const TableKey& key) {
  return {kFourTimes[key.low & 0xff], static_cast<std::uint32_t>(key.low >> (64 - kGroupSlots))};
}
inline unsigned class_of(const TableKey& key) { return (key.low >> 8) & (kClasses - 1); }

// Bit i is set when low[i] is this byte, given four times. Bits 12 to 15 mean nothing.
inline std::uint32_t match_low(const Group& group, std::uint32_t bytes) {
#if defined(__SSE2__)
  const __m128i wanted = _mm_shuffle_epi32(_mm_cvtsi32_si128(static_cast<int>(bytes)), 0);
  const __m128i stored = _mm_load_si128(reinterpret_cast<const __m128i*>(&group));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(stored, wanted)));
#else
  std::uint32_t found = 0;
  for (unsigned i = 0; i < kGroupSlots; ++i) found |= std::uint32_t{group.low[i] == (bytes & 0xff)} << i;
  return found;
#endif
}

// Bit i is set when slot i is taken and has this fingerprint.
inline std::uint32_t match(const Group& group, Fingerprint fingerprint) {
  return match_low(group, fingerprint.low) & (group.rest ^ fingerprint.ninths);
}

inline std::uint32_t empty_slots(const Group& group) { return match_low(group, 0) & kSlotMask; }
inline std::uint32_t taken_slots(const Group& group) { return ~match_low(group, 0) & kSlotMask; }
inline std::uint32_t overflow(const Group& group) { return group.rest >> kOverflowShift; }
inline bool overflows(const Group& group, const TableKey& key) {
  // Sixteen at least, thirty-one at most: the class, the other bits of the word cut off.
  return (group.rest >> ((key.low >> 8 | kOverflowShift) & 31) & 1) != 0;
}

inline void take(Group& group, unsigned slot, const TableKey& key) {
  const Fingerprint fingerprint = fingerprint_of(key);
  group.low[slot] = static_cast<std::uint8_t>(fingerprint.low);
  group.rest = (group.rest & ~(1U << slot)) | (~fingerprint.ninths & 1U << slot);
}
inline void vacate(Group& group, unsigned slot) { group.low[slot] = 0; }
inline void add_overflow(Group& group, const TableKey& key) { group.rest |= 1U << kOverflowShift << class_of(key); }
inline void set_overflow(Group& group, std::uint32_t classes) {
  group.rest = (group.rest & kSlotMask) | classes << kOverflowShift;
}

}  // namespace latchkey::registry::internal
