// SPDX-License-Identifier: Apache-2.0
#include "registry/table/internal/shard.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "registry/table/internal/pages.h"

namespace latchkey::registry::internal {
namespace {

// Fullness at which a shard grows, and by how much. Together they bound the memory of a device (33.3 bytes over the
// load) between 41.7 and 47 bytes, and a look-up's chance to meet a full group.
constexpr std::uint32_t limit(std::uint32_t groups) { return groups * kGroupSlots * 51 / 64; }  // 0.80
constexpr std::uint32_t kFirstGroups = 8;  // three quarters of a page
constexpr std::uint32_t grown(std::uint32_t groups) { return groups + groups / 8; }
// Below a third of that a shard gives memory back, to a size from which it can both grow and shrink for a while.
constexpr std::uint32_t shrink_below(std::uint32_t groups) { return limit(groups) / 3; }
constexpr std::uint32_t groups_for(std::uint32_t keys) { return std::max(kFirstGroups, keys / 8); }

// The slots of a group that share a 64-byte line with slot `index`. Groups begin with a line.
std::uint32_t line_slots(std::uint32_t index) { return 3U << (index & ~1U); }

}  // namespace

bool Shard::full() const { return slots_ == nullptr || size_ >= limit(group_count_); }
std::uint32_t Shard::groups_to_grow() const { return slots_ == nullptr ? kFirstGroups : grown(group_count_); }
std::uint32_t Shard::groups_to_shrink() const {
  return size_ < shrink_below(group_count_) ? std::min(group_count_, groups_for(size_)) : group_count_;
}

const TableSlot* Shard::find_beyond_first(TableKey key, std::uint32_t at, std::uint32_t hits) const {
  const Fingerprint fingerprint = fingerprint_of(key);
  for (;;) {
    for (; hits != 0; hits &= hits - 1) {
      const TableSlot& slot = first_slot(at)[std::countr_zero(hits)];
      if (slot.key == key) return &slot;
    }
    if (!overflows(groups_[at], key)) return nullptr;
    at = next(at);
    hits = match(groups_[at], fingerprint);
  }
}

bool Shard::update(const TableKey& key, const TableValue& value) {
  const TableSlot* const slot = find(key);
  if (slot == nullptr) return false;
  slots_[slot - slots_].value = value;
  return true;
}

void Shard::insert(const TableKey& key, const TableValue& value) {
  place(key, value);
  ++size_;
}

void Shard::place(const TableKey& key, const TableValue& value) {
  std::uint32_t at = home(key);
  std::uint32_t empty = empty_slots(groups_[at]);
  while (empty == 0) {
    add_overflow(groups_[at], key);
    at = next(at);
    empty = empty_slots(groups_[at]);
  }
  const std::uint32_t index = seat(at, key, empty);
  take(groups_[at], index, key);
  first_slot(at)[index] = {key, value};
}

// An empty slot for `key` in group `at`, in the line of its favourite if there is one or if one can be had: whoever
// sits in that line without preferring it moves to another empty slot.
std::uint32_t Shard::seat(std::uint32_t at, const TableKey& key, std::uint32_t empty) {
  TableSlot* const slots = first_slot(at);
  const auto anywhere = static_cast<std::uint32_t>(std::countr_zero(empty));
  const std::uint32_t line = line_slots(favourite(key));
  if ((empty & line) != 0) return static_cast<std::uint32_t>(std::countr_zero(empty & line));
  for (std::uint32_t taken = line; taken != 0; taken &= taken - 1) {
    const auto index = static_cast<std::uint32_t>(std::countr_zero(taken));
    if ((line >> favourite(slots[index].key) & 1) != 0) continue;
    slots[anywhere] = slots[index];
    take(groups_[at], anywhere, slots[anywhere].key);
    return index;
  }
  return anywhere;
}

bool Shard::erase(const TableKey& key) {
  const TableSlot* const slot = find(key);
  if (slot == nullptr) return false;
  const auto at = static_cast<std::uint32_t>((slot - slots_) / kGroupSlots);
  const auto index = static_cast<std::uint32_t>(slot - first_slot(at));
  const bool displaced = home(key) != at;
  vacate(groups_[at], index);
  --size_;
  if (overflow(groups_[at]) != 0 || displaced) {
    fill_hole(at, index);
    recount_overflow(at);
  }
  return true;
}

// Moves back the keys that went past a group because it was full, each into the hole that the one before it left.
void Shard::fill_hole(std::uint32_t at, std::uint32_t index) {
  std::uint32_t from = at;
  while (const TableSlot* moved = find_displaced(at, &from)) {
    const auto moved_index = static_cast<std::uint32_t>(moved - first_slot(from));
    first_slot(at)[index] = *moved;
    take(groups_[at], index, moved->key);
    vacate(groups_[from], moved_index);
    at = from;
    index = moved_index;
  }
}

// The nearest key behind group `from` whose way from home leads through it.
const TableSlot* Shard::find_displaced(std::uint32_t from, std::uint32_t* found_at) const {
  for (std::uint32_t at = from; overflow(groups_[at]) != 0;) {
    at = next(at);
    for (std::uint32_t taken = taken_slots(groups_[at]); taken != 0; taken &= taken - 1) {
      const TableSlot* const slot = first_slot(at) + std::countr_zero(taken);
      if (distance(home(slot->key), at) < distance(from, at)) continue;
      *found_at = at;
      return slot;
    }
  }
  return nullptr;
}

// Sets the overflow bits anew in the run of overflowing groups around `at`, walking it from its end.
// Some group of the shard does not overflow (invariants 2 and 3), so the run has two ends.
void Shard::recount_overflow(std::uint32_t at) {
  std::uint32_t first = at;
  while (overflow(groups_[previous(first)]) != 0) first = previous(first);
  std::uint32_t last = at;
  while (overflow(groups_[last]) != 0) last = next(last);

  constexpr std::uint32_t kNone = UINT32_MAX;
  std::uint32_t earliest_home[kClasses];  // of the keys seen so far, by class, counted from `first`
  std::fill(std::begin(earliest_home), std::end(earliest_home), kNone);
  while (last != first) {
    for (std::uint32_t taken = taken_slots(groups_[last]); taken != 0; taken &= taken - 1) {
      const TableKey& key = first_slot(last)[std::countr_zero(taken)].key;
      std::uint32_t& earliest = earliest_home[class_of(key)];
      earliest = std::min(earliest, distance(first, home(key)));
    }
    last = previous(last);
    std::uint32_t classes = 0;
    for (unsigned c = 0; c < kClasses; ++c) {
      classes |= static_cast<std::uint32_t>(earliest_home[c] <= distance(first, last)) << c;
    }
    set_overflow(groups_[last], classes);
  }
}

// Moves everything into a new block of slots; homes keep their order, so both are walked once from end to end.
void Shard::rehash(std::uint32_t groups) {
  auto* const new_slots = static_cast<TableSlot*>(allocate_pages(groups * kGroupBytes));
  std::unique_ptr<Group[]> old_groups;
  try {
    old_groups = std::make_unique<Group[]>(group_count_);
  } catch (...) {
    free_pages(new_slots, groups * kGroupBytes);
    throw;
  }
  std::copy_n(groups_, group_count_, old_groups.get());
  TableSlot* const old_slots = std::exchange(slots_, new_slots);
  const std::uint32_t old_count = std::exchange(group_count_, groups);
  std::fill_n(groups_, std::max(groups, old_count), Group{});
  for (std::uint32_t at = 0; at < old_count; ++at) {
    const TableSlot* const slots = old_slots + std::size_t{at} * kGroupSlots;
    for (std::uint32_t taken = taken_slots(old_groups[at]); taken != 0; taken &= taken - 1) {
      const TableSlot& slot = slots[std::countr_zero(taken)];
      place(slot.key, slot.value);
    }
  }
  if (old_slots != nullptr) free_pages(old_slots, old_count * kGroupBytes);
}

void Shard::swap(Shard& other) noexcept {
  std::swap(groups_, other.groups_);
  std::swap(slots_, other.slots_);
  std::swap(group_count_, other.group_count_);
  std::swap(size_, other.size_);
}

void Shard::clear() {
  if (slots_ != nullptr) free_pages(slots_, group_count_ * kGroupBytes);
  slots_ = nullptr;
  group_count_ = 1;
  size_ = 0;
}

std::uint32_t Shard::longest_probe() const {
  std::uint32_t longest = 0;
  for (std::uint32_t at = 0; at < group_count_; ++at) {
    for (std::uint32_t taken = taken_slots(groups_[at]); taken != 0; taken &= taken - 1) {
      longest = std::max(longest, distance(home(first_slot(at)[std::countr_zero(taken)].key), at));
    }
  }
  return longest;
}

std::uint32_t Shard::overflow_bits() const {
  std::uint32_t bits = 0;
  for (std::uint32_t at = 0; at < group_count_; ++at)
    bits += static_cast<std::uint32_t>(std::popcount(overflow(groups_[at])));
  return bits;
}

std::uint32_t Shard::keys_in_favourite_line() const {
  std::uint32_t keys = 0;
  for (std::uint32_t at = 0; at < group_count_; ++at) {
    for (std::uint32_t taken = taken_slots(groups_[at]); taken != 0; taken &= taken - 1) {
      const int index = std::countr_zero(taken);
      const TableKey& key = first_slot(at)[index].key;
      keys += home(key) == at && (line_slots(favourite(key)) >> index & 1) != 0;
    }
  }
  return keys;
}

}  // namespace latchkey::registry::internal
