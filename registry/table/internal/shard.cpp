// SPDX-License-Identifier: Apache-2.0
#include "registry/table/internal/shard.h"

#include <algorithm>

namespace latchkey::registry::internal {
namespace {

// The slots of a group that share a 64-byte line with slot `index`. Groups begin with a line.
std::uint32_t line_slots(std::uint32_t index) { return 3U << (index & ~1U); }

}  // namespace

// Rare, and out of the way of the look-up that is copied into its callers.
const TableSlot* Rows::find_beyond_first(TableKey key, std::uint32_t hits) const {
  const std::size_t shard = shard_of(key);
  return Shard(*this, shard, of_shard(shard)).find(key, hits);
}

TableSlot* Shard::find(const TableKey& key, std::uint32_t hits) const {
  const Fingerprint fingerprint = fingerprint_of(key);
  for (std::uint32_t at = home(key);;) {
    for (; hits != 0; hits &= hits - 1) {
      TableSlot& slot = first_slot(at)[std::countr_zero(hits)];
      if (slot.key == key) return &slot;
    }
    if (!overflows(group(at), key)) return nullptr;
    at = next(at);
    hits = match(group(at), fingerprint);
  }
}

void Shard::insert(const TableKey& key, const TableValue& value) const {
  std::uint32_t at = home(key);
  std::uint32_t empty = empty_slots(group(at));
  while (empty == 0) {
    add_overflow(group(at), key);
    at = next(at);
    empty = empty_slots(group(at));
  }
  const std::uint32_t index = seat(at, key, empty);
  take(group(at), index, key);
  first_slot(at)[index] = {key, value};
}

// An empty slot for `key` in group `at`, in the line of its favourite if there is one or if one can be had: whoever
// sits in that line without preferring it moves to another empty slot.
std::uint32_t Shard::seat(std::uint32_t at, const TableKey& key, std::uint32_t empty) const {
  TableSlot* const slots = first_slot(at);
  const auto anywhere = static_cast<std::uint32_t>(std::countr_zero(empty));
  const std::uint32_t line = line_slots(favourite(key));
  if ((empty & line) != 0) return static_cast<std::uint32_t>(std::countr_zero(empty & line));
  for (std::uint32_t taken = line; taken != 0; taken &= taken - 1) {
    const auto index = static_cast<std::uint32_t>(std::countr_zero(taken));
    if ((line >> favourite(slots[index].key) & 1) != 0) continue;
    slots[anywhere] = slots[index];
    take(group(at), anywhere, slots[anywhere].key);
    return index;
  }
  return anywhere;
}

void Shard::erase(const TableSlot& slot) const {
  const std::size_t in_array = static_cast<std::size_t>(&slot - slots_) / kGroupSlots;
  const auto at = static_cast<std::uint32_t>(in_array / kRow * kRowGroups + in_array % kRowGroups);
  const auto index = static_cast<std::uint32_t>(&slot - first_slot(at));
  const bool displaced = home(slot.key) != at;
  vacate(group(at), index);
  if (overflow(group(at)) != 0 || displaced) {
    fill_hole(at, index);
    recount_overflow(at);
  }
}

// Moves back the keys that went past a group because it was full, each into the hole that the one before it left.
void Shard::fill_hole(std::uint32_t at, std::uint32_t index) const {
  std::uint32_t from = at;
  while (const TableSlot* moved = find_displaced(at, &from)) {
    const auto moved_index = static_cast<std::uint32_t>(moved - first_slot(from));
    first_slot(at)[index] = *moved;
    take(group(at), index, moved->key);
    vacate(group(from), moved_index);
    at = from;
    index = moved_index;
  }
}

// The nearest key behind group `from` whose way from home leads through it.
const TableSlot* Shard::find_displaced(std::uint32_t from, std::uint32_t* found_at) const {
  for (std::uint32_t at = from; overflow(group(at)) != 0;) {
    at = next(at);
    for (std::uint32_t taken = taken_slots(group(at)); taken != 0; taken &= taken - 1) {
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
void Shard::recount_overflow(std::uint32_t at) const {
  std::uint32_t first = at;
  while (overflow(group(previous(first))) != 0) first = previous(first);
  std::uint32_t last = at;
  while (overflow(group(last)) != 0) last = next(last);

  constexpr std::uint32_t kNone = UINT32_MAX;
  std::uint32_t earliest_home[kClasses];  // of the keys seen so far, by class, counted from `first`
  std::fill(std::begin(earliest_home), std::end(earliest_home), kNone);
  while (last != first) {
    for (std::uint32_t taken = taken_slots(group(last)); taken != 0; taken &= taken - 1) {
      const TableKey& key = first_slot(last)[std::countr_zero(taken)].key;
      std::uint32_t& earliest = earliest_home[class_of(key)];
      earliest = std::min(earliest, distance(first, home(key)));
    }
    last = previous(last);
    std::uint32_t classes = 0;
    for (unsigned c = 0; c < kClasses; ++c) {
      classes |= static_cast<std::uint32_t>(earliest_home[c] <= distance(first, last)) << c;
    }
    set_overflow(group(last), classes);
  }
}

void Shard::copy_to(std::vector<TableSlot>& slots) const {
  for (std::uint32_t at = 0; at < count_; ++at) {
    for (std::uint32_t taken = taken_slots(group(at)); taken != 0; taken &= taken - 1) {
      slots.push_back(first_slot(at)[std::countr_zero(taken)]);
    }
  }
}

void Shard::clear() const {
  for (std::uint32_t at = 0; at < count_; at += kRowGroups) std::fill_n(&group(at), kRowGroups, Group{});
}

std::uint32_t Shard::longest_probe() const {
  std::uint32_t longest = 0;
  for (std::uint32_t at = 0; at < count_; ++at) {
    for (std::uint32_t taken = taken_slots(group(at)); taken != 0; taken &= taken - 1) {
      longest = std::max(longest, distance(home(first_slot(at)[std::countr_zero(taken)].key), at));
    }
  }
  return longest;
}

std::uint32_t Shard::overflow_bits() const {
  std::uint32_t bits = 0;
  for (std::uint32_t at = 0; at < count_; ++at) bits += static_cast<std::uint32_t>(std::popcount(overflow(group(at))));
  return bits;
}

std::uint32_t Shard::keys_in_favourite_line() const {
  std::uint32_t keys = 0;
  for (std::uint32_t at = 0; at < count_; ++at) {
    for (std::uint32_t taken = taken_slots(group(at)); taken != 0; taken &= taken - 1) {
      const int index = std::countr_zero(taken);
      const TableKey& key = first_slot(at)[index].key;
      keys += home(key) == at && (line_slots(favourite(key)) >> index & 1) != 0;
    }
  }
  return keys;
}

}  // namespace latchkey::registry::internal
