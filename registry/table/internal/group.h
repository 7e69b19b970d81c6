// SPDX-License-Identifier: Apache-2.0
// One group of the lookup table: sixteen bytes that say what lies in fourteen slots, seven cache lines of two.
//
//   low[0..13]   eight bits of the slot's fingerprint, 0: the slot is empty
//   overflow     bit c: a key of class c that belongs here, or farther back, lies farther on
//
// A look-up reads one group: equal fingerprints name the slots to compare, and a clear overflow bit ends the search.
// In its home group a key lies only in its window: the line that it would like (its favourite) and the two behind it,
// cyclically. Equal fingerprints elsewhere are nobody's, so a window is worth more than one bit of fingerprint, and it
// follows from the key: nothing is stored, nothing waits for memory. With it, and with sixteen classes, misses stay
// short although groups are full to three quarters: one in sixty compares a slot in vain, one in fifty reads a second
// group. Every instruction here is paid by every look-up.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "registry/table/key.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace latchkey::registry::internal {

inline constexpr unsigned kGroupSlots = 14;
inline constexpr unsigned kLineSlots = 2;
inline constexpr unsigned kLineBytes = kLineSlots * sizeof(TableSlot);
inline constexpr unsigned kGroupLines = kGroupSlots / kLineSlots;
inline constexpr unsigned kWindowLines = 3;
inline constexpr unsigned kClasses = 16;
inline constexpr std::uint32_t kSlotMask = (1U << kGroupSlots) - 1;

struct alignas(16) Group {
  std::uint8_t low[kGroupSlots];
  std::uint16_t overflow;
};
static_assert(sizeof(Group) == 16 && kLineBytes == 64);

constexpr std::uint32_t slots_of_line(unsigned line) { return ((1U << kLineSlots) - 1) << line * kLineSlots; }

// Where a key may lie in its home group.
struct Place {
  std::uint32_t window;  // its slots
  std::uint32_t offset;  // of the favourite line from the group's first slot, in bytes
};

// Two bytes of a key in the form that the look-up needs, from a table rather than computed: fewer instructions.
struct KeyBytes {
  std::array<std::uint32_t, 256> fingerprints;  // four times over, as SIMD registers are filled
  std::array<Place, 256> places;
};
inline constexpr KeyBytes kKeyBytes = [] {
  KeyBytes bytes{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    // 0 means empty, so 0 becomes another of its class.
    bytes.fingerprints[byte] = (byte == 0 ? kClasses : byte) * 0x01010101U;
    const unsigned line = byte * kGroupLines / 256;
    bytes.places[byte].offset = line * kLineBytes;
    for (unsigned i = 0; i < kWindowLines; ++i) bytes.places[byte].window |= slots_of_line((line + i) % kGroupLines);
  }
  return bytes;
}();

// What a key's `low` word says; the `high` one chooses shard and group.
//   bits 0..7 fingerprint, 0..3 class as well, 8..15 place
inline std::uint32_t fingerprint_of(const TableKey& key) { return kKeyBytes.fingerprints[key.low & 0xff]; }
inline unsigned class_of(const TableKey& key) { return key.low & (kClasses - 1); }
inline Place place_of(const TableKey& key) { return kKeyBytes.places[key.low >> 8 & 0xff]; }
inline unsigned favourite_line(const TableKey& key) { return place_of(key).offset / kLineBytes; }

// Bit i is set when low[i] is this byte, given four times. Bits 14 and 15 mean nothing.
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

inline std::uint32_t lowest(std::uint32_t slots) { return static_cast<std::uint32_t>(std::countr_zero(slots)); }

inline std::uint32_t empty_slots(const Group& group) { return match_low(group, 0) & kSlotMask; }
inline std::uint32_t taken_slots(const Group& group) { return ~match_low(group, 0) & kSlotMask; }
// The taken ones whose keys are of these classes, one bit each.
inline std::uint32_t slots_of_classes(const Group& group, std::uint32_t classes) {
  std::uint32_t found = 0;
  for (unsigned i = 0; i < kGroupSlots; ++i) found |= (classes >> (group.low[i] % kClasses) & 1) << i;
  return found & taken_slots(group);
}
inline bool overflows(const Group& group, const TableKey& key) { return (group.overflow >> class_of(key) & 1) != 0; }

inline void take(Group& group, unsigned slot, const TableKey& key) {
  group.low[slot] = static_cast<std::uint8_t>(fingerprint_of(key));
}
inline void vacate(Group& group, unsigned slot) { group.low[slot] = 0; }
inline void add_overflow(Group& group, const TableKey& key) {
  group.overflow = static_cast<std::uint16_t>(group.overflow | 1U << class_of(key));
}

}  // namespace latchkey::registry::internal
