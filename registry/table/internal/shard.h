// SPDX-License-Identifier: Apache-2.0
// A shard of the lookup table: a small hash table of its own, that grows alone. Private to registry/table.
//
// The slots, twelve a group, are a block of the shard's own; the groups lie in an area that the table lends it, where
// those of all shards stand close together. A key's home is its group by multiply-shift, so any number of groups will
// do; when a group is full the key goes to the next one, cyclically, and every group that it passes remembers its
// class in `overflow`. Homes rise with the hash, so growing reads and writes in order.
//
// Two slots are a cache line. Within its group a key is put into the line of its favourite slot if it can be (four of
// five can), and a look-up fetches that line while it still waits for the fingerprints.
//
// Invariants
//  1. Between the home of a key and the group where it lies, every group has its class bit set.
//  2. An overflow bit is set only while a key needs it, and only in full groups. Erasing moves keys back and clears
//     bits: there are no tombstones, and nothing wears out.
//  3. At least one slot of a shard is empty, so every search ends.
#pragma once

#include <bit>
#include <cstdint>

#include "registry/table/internal/group.h"
#include "registry/table/key.h"

namespace latchkey::registry::internal {

class alignas(32) Shard {
 public:
  Shard() = default;
  ~Shard() { clear(); }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // The slot of `key`, or nullptr. Valid until the next change of this shard.
  const TableSlot* find(const TableKey& key) const {
    const std::uint64_t place = position(key);
    const auto at = static_cast<std::uint32_t>(place >> 32);
    const Group& group = groups_[at];
    std::uint32_t hits = match(group, fingerprint_of(key));
    if (hits != 0) {
      // The address needs no fingerprint: where hits are the rule, this is under way before the group has come.
      __builtin_prefetch(reinterpret_cast<const char*>(slots_) + (place * kGroupBytes >> 32));
      const TableSlot* const slot = first_slot(at) + static_cast<unsigned>(std::countr_zero(hits));
      if (slot->key == key) [[likely]]
        return slot;
      hits &= hits - 1;
    }
    if (hits == 0 && !overflows(group, key)) [[likely]]
      return nullptr;
    return find_beyond_first(key, at, hits);
  }

  const Group* home_group(const TableKey& key) const { return &groups_[home(key)]; }
  // The slot that a look-up of `key` would compare first, or nullptr: for prefetching.
  const TableSlot* likely_slot(const TableKey& key) const {
    const std::uint32_t at = home(key);
    const std::uint32_t hits = match(groups_[at], fingerprint_of(key));
    return hits == 0 ? nullptr : first_slot(at) + std::countr_zero(hits);
  }

  // Overwrites a key that is there; false when it is not.
  bool update(const TableKey& key, const TableValue& value);
  // Adds a key that is not there. The shard must not be full().
  void insert(const TableKey& key, const TableValue& value);
  // True when the key was there.
  bool erase(const TableKey& key);

  std::uint32_t size() const { return size_; }
  std::uint32_t groups() const { return group_count_; }
  bool full() const;
  // The number of groups that this shard should have when it is full(), or when keys were erased.
  std::uint32_t groups_to_grow() const;
  std::uint32_t groups_to_shrink() const;  // groups() when there is nothing to gain

  // The table put this shard's groups there: at first one empty group, later a copy of those that it had.
  void moved(Group* area) { groups_ = area; }
  void swap(Shard& other) noexcept;
  // Makes it `groups` groups, for which the area has room. std::bad_alloc leaves the shard as it was.
  void rehash(std::uint32_t groups);
  // Forgets all keys and gives the slots back; the groups stay as they are.
  void clear();

  std::size_t slot_bytes() const { return slots_ == nullptr ? 0 : group_count_ * kGroupBytes; }
  // The longest way from a home to a key, in groups: what a test looks at.
  std::uint32_t longest_probe() const;
  std::uint32_t overflow_bits() const;
  std::uint32_t keys_in_favourite_line() const;

 private:
  static constexpr std::size_t kGroupBytes = kGroupSlots * sizeof(TableSlot);
  // Where a key belongs, in groups, with 32 bits of fraction: the whole part is the home, the fraction the favourite.
  std::uint64_t position(const TableKey& key) const { return (key.high & 0xffffffffU) * group_count_; }
  std::uint32_t home(const TableKey& key) const { return static_cast<std::uint32_t>(position(key) >> 32); }
  // The slot of its group that a key would like, whichever group it is.
  std::uint32_t favourite(const TableKey& key) const {
    return static_cast<std::uint32_t>((position(key) & 0xffffffffU) * kGroupSlots >> 32);
  }
  std::uint32_t next(std::uint32_t at) const { return at + 1 == group_count_ ? 0 : at + 1; }
  std::uint32_t previous(std::uint32_t at) const { return (at == 0 ? group_count_ : at) - 1; }
  TableSlot* first_slot(std::uint32_t at) const { return slots_ + std::size_t{at} * kGroupSlots; }
  std::uint32_t distance(std::uint32_t from, std::uint32_t to) const {
    return to >= from ? to - from : to + group_count_ - from;
  }

  // Goes on where find() leaves off: `hits` are slots of group `at` still to be compared.
  const TableSlot* find_beyond_first(TableKey key, std::uint32_t at, std::uint32_t hits) const;
  void place(const TableKey& key, const TableValue& value);
  std::uint32_t seat(std::uint32_t at, const TableKey& key, std::uint32_t empty);
  void fill_hole(std::uint32_t at, std::uint32_t index);
  const TableSlot* find_displaced(std::uint32_t from, std::uint32_t* found_at) const;
  void recount_overflow(std::uint32_t at);

  Group* groups_ = nullptr;
  TableSlot* slots_ = nullptr;  // nullptr: no keys yet, one group, which is empty
  std::uint32_t group_count_ = 1;
  std::uint32_t size_ = 0;
};

}  // namespace latchkey::registry::internal
