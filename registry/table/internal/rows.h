// SPDX-License-Identifier: Apache-2.0
// Where everything lies in the lookup table, and the look-up. Private to registry/table.
//
// The groups of all shards lie in one array, their slots in another, fourteen a group. A row is four groups of each
// shard, shard after shard; four are one cache line. Every shard has its place in the first `smaller` rows, those that
// have grown already, the first ones, also in the rows up to `larger`. So a shard that grows moves nothing but its own
// keys, no hole is left behind, and the arrays only grow at their ends.
//
// The upper ten bits of a key's `high` word say which shard and which of the four groups; the lower half says by
// multiply-shift which row. The `low` word says which of the group's lines is the key's favourite (group.h). Within its
// home group a key is put into that line if it can be (three of four can), else into another one of its window; a
// look-up fetches the favourite line while it still waits for the fingerprints.
//
// Look-ups of keys that do not wait for one another are as quick as the processor can have many of them under way. What
// counts there are the instructions of each, above all those that wait for the group: measured, see README.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include "registry/table/internal/group.h"
#include "registry/table/key.h"

namespace latchkey::registry::internal {

inline constexpr unsigned kShardBits = 8;
inline constexpr unsigned kRowGroupBits = 2;
inline constexpr std::size_t kShards = std::size_t{1} << kShardBits;
inline constexpr std::uint32_t kRowGroups = 1U << kRowGroupBits;  // of one shard
inline constexpr std::size_t kRow = kShards * kRowGroups;         // groups of all
inline constexpr std::size_t kGroupBytes = kGroupSlots * sizeof(TableSlot);
static_assert(kRowGroups * sizeof(Group) == 64);

// A key's column is the place of its shard and home group in a row.
inline std::size_t column_of(const TableKey& key) { return key.high >> (64 - kShardBits - kRowGroupBits); }
inline std::size_t shard_of(const TableKey& key) { return column_of(key) / kRowGroups; }
// The row of a key's home group, in the upper 32 bits.
inline std::uint64_t height_of(const TableKey& key, std::uint64_t rows) { return (key.high & 0xffffffffU) * rows; }
// What the slots of that many groups take, in bytes. Compilers turn the multiplication by a constant into three shorter
// instructions; the one is quicker here, so they are not to know the constant.
inline std::size_t slot_bytes(std::size_t groups) {
  std::size_t size = kGroupBytes;
  asm("" : "+r"(size));
  return groups * size;
}

// Not the owner of the arrays. Shard (shard.h) is what changes them.
struct Rows {
  Group* groups = nullptr;
  TableSlot* slots = nullptr;
  std::uint64_t smaller = 1;      // rows of a shard, below 2^32
  std::uint64_t larger = 1;       // rows of one that has grown already
  std::size_t grown_columns = 0;  // columns below this one belong to shards that have

  std::uint64_t of_column(std::size_t column) const { return column < grown_columns ? larger : smaller; }
  std::uint64_t of_shard(std::size_t shard) const { return of_column(shard * kRowGroups); }
  std::size_t grown() const { return grown_columns / kRowGroups; }
  std::size_t all_groups() const { return grown_columns * larger + (kRow - grown_columns) * smaller; }

  // The slot of `key`, or nullptr. Valid until the next change.
  const TableSlot* find(const TableKey& key) const {
    const std::size_t column = column_of(key);
    const std::uint64_t height = height_of(key, of_column(column));
    const std::size_t at = (height >> 32) * kRow + column;
    const Place place = place_of(key);
    const Group& group = groups[at];
    std::uint32_t hits = match_low(group, fingerprint_of(key)) & place.window;
    if (hits != 0) {
      const std::byte* const first = reinterpret_cast<const std::byte*>(slots) + slot_bytes(at);
      // The address needs no fingerprint: where hits are the rule, this is under way before the group has come.
      __builtin_prefetch(first + place.offset);
      // In bytes and 32 bits, which saves an extension of the index.
      const auto offset = lowest(hits) * static_cast<std::uint32_t>(sizeof(TableSlot));
      const auto* const slot = reinterpret_cast<const TableSlot*>(first + offset);
      if (slot->key == key) [[likely]]
        return slot;
      hits &= hits - 1;
    }
    if (hits == 0 && !overflows(group, key)) [[likely]]
      return nullptr;
    return find_beyond_first(key, hits);
  }
  // Goes on where find() leaves off: `hits` are slots of the home group still to be compared.
  const TableSlot* find_beyond_first(TableKey key, std::uint32_t hits) const;

  // For prefetching: what a look-up reads first, and the slot that it would compare first, or nullptr.
  const Group* home_group(const TableKey& key) const { return groups + home(key); }
  const TableSlot* likely_slot(const TableKey& key) const {
    const std::size_t at = home(key);
    const std::uint32_t hits = match_low(groups[at], fingerprint_of(key)) & place_of(key).window;
    return hits == 0 ? nullptr : slots + at * kGroupSlots + lowest(hits);
  }

 private:
  std::size_t home(const TableKey& key) const {
    const std::size_t column = column_of(key);
    return (height_of(key, of_column(column)) >> 32) * kRow + column;
  }
};

}  // namespace latchkey::registry::internal
