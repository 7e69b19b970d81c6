// SPDX-License-Identifier: Apache-2.0
// A shard of the lookup table: a small hash table of its own, that changes its size alone. This is the view of one,
// made for one change; rows.h says where its groups and slots lie. Private to registry/table.
//
// When a key's home group has no room in the key's window, not even by moving others within theirs, the key goes to the
// shard's next one, cyclically, and every group that it passes remembers its class in `overflow`.
//
// Invariants
//  1. In its home group a key lies in its window; in a group behind it, anywhere.
//  2. Between the home of a key and the group where it lies, every group has its class bit set.
//  3. An overflow bit is set only while a key needs it. Erasing moves keys back and clears bits: there are no
//     tombstones, and nothing wears out.
//  4. At least as many slots are empty as a group has. So a key that finds no room in its home group finds some in
//     another one. All groups may overflow at once: searches end after one round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "registry/table/internal/rows.h"

namespace latchkey::registry::internal {

class Shard {
 public:
  // `shard` of these rows; `count` is how many rows it has, or shall have.
  Shard(const Rows& rows, std::size_t shard, std::uint64_t count)
      : groups_(rows.groups + shard * kRowGroups),
        slots_(rows.slots + shard * kRowGroups * kGroupSlots),
        rows_(count),
        count_(static_cast<std::uint32_t>(count * kRowGroups)) {}

  // The slot of `key`, or nullptr: what Rows::find() says, without haste. `hits` are slots of the home group still to
  // be compared.
  TableSlot* find(const TableKey& key, std::uint32_t hits) const;
  // Adds a key that is not there, into a shard that has more empty slots than a group has slots.
  void insert(const TableKey& key, const TableValue& value) const;
  // Takes out what find() found.
  void erase(const TableSlot& slot) const;
  // Appends all keys.
  void copy_to(std::vector<TableSlot>& slots) const;
  // Makes all groups empty.
  void clear() const;

  // The longest way from a home to a key, in groups: what a test looks at.
  std::uint32_t longest_probe() const;
  std::uint32_t overflow_bits() const;
  std::uint32_t keys_in_favourite_line() const;

 private:
  std::uint32_t home(const TableKey& key) const {
    return static_cast<std::uint32_t>(height_of(key, rows_) >> 32) * kRowGroups + column_of(key) % kRowGroups;
  }
  // The slots of group `at` where a key may lie, if that group is on its way.
  std::uint32_t allowed(std::uint32_t at, const TableKey& key) const {
    return home(key) == at ? place_of(key).window : kSlotMask;
  }
  std::uint32_t next(std::uint32_t at) const { return at + 1 == count_ ? 0 : at + 1; }
  std::uint32_t previous(std::uint32_t at) const { return (at == 0 ? count_ : at) - 1; }
  std::uint32_t distance(std::uint32_t from, std::uint32_t to) const {
    return to >= from ? to - from : to + count_ - from;
  }
  // Where the shard's group `at` lies, counted from its first one.
  static std::size_t in_array(std::uint32_t at) { return std::size_t{at / kRowGroups} * kRow + at % kRowGroups; }
  Group& group(std::uint32_t at) const { return groups_[in_array(at)]; }
  TableSlot* first_slot(std::uint32_t at) const { return slots_ + in_array(at) * kGroupSlots; }

  // Slots of group `at` for `key`, which others may have to leave: all return one that the caller has to put() it into,
  // or kNoSlot when nothing was moved.
  static constexpr std::uint32_t kNoSlot = kGroupSlots;
  std::uint32_t make_room_in_favourite_line(std::uint32_t at, const TableKey& key) const;
  std::uint32_t make_room(std::uint32_t at, const TableKey& key) const;
  std::uint32_t make_room_by_a_chain(std::uint32_t at, std::uint32_t wanted, std::uint32_t empty) const;
  void put(std::uint32_t at, std::uint32_t index, const TableSlot& slot) const;

  bool pull_back(std::uint32_t to, std::uint32_t* from) const;
  void recount_overflow(std::uint32_t at, unsigned class_number) const;

  Group* groups_;
  TableSlot* slots_;
  std::uint64_t rows_;
  std::uint32_t count_;  // of groups
};

}  // namespace latchkey::registry::internal
