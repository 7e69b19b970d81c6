// SPDX-License-Identifier: Apache-2.0
#include "registry/table/internal/shard.h"

#include <algorithm>
#include <array>
#include <bit>

namespace latchkey::registry::internal {
// Rare, and out of the way of the look-up that is copied into its callers.
const TableSlot* Rows::find_beyond_first(TableKey key, std::uint32_t hits) const {
  const std::size_t shard = shard_of(key);
  return Shard(*this, shard, of_shard(shard)).find(key, hits);
}

TableSlot* Shard::find(const TableKey& key, std::uint32_t hits) const {
  const std::uint32_t start = home(key);
  std::uint32_t at = start;
  do {
    for (; hits != 0; hits &= hits - 1) {
      TableSlot& slot = first_slot(at)[lowest(hits)];
      if (slot.key == key) return &slot;
    }
    if (!overflows(group(at), key)) return nullptr;
    at = next(at);
    hits = match_low(group(at), fingerprint_of(key)) & kSlotMask;
  } while (at != start);
  return nullptr;
}

void Shard::insert(const TableKey& key, const TableValue& value) const {
  std::uint32_t at = home(key);
  std::uint32_t index = make_room_in_favourite_line(at, key);
  if (index == kNoSlot) index = make_room(at, key);
  while (index == kNoSlot) {
    add_overflow(group(at), key);
    at = next(at);
    index = make_room(at, key);
  }
  put(at, index, {key, value});
}

void Shard::put(std::uint32_t at, std::uint32_t index, const TableSlot& slot) const {
  take(group(at), index, slot.key);
  first_slot(at)[index] = slot;
}

// A slot of home group `at` in the line that `key` would like, if one move at most makes it empty; or kNoSlot.
std::uint32_t Shard::make_room_in_favourite_line(std::uint32_t at, const TableKey& key) const {
  const std::uint32_t empty = empty_slots(group(at));
  if (empty == 0) return kNoSlot;
  const std::uint32_t line = slots_of_line(favourite_line(key));
  if ((empty & line) != 0) return lowest(empty & line);
  for (std::uint32_t taken = line; taken != 0; taken &= taken - 1) {
    const std::uint32_t index = lowest(taken);
    const TableSlot& slot = first_slot(at)[index];
    const std::uint32_t elsewhere = allowed(at, slot.key) & empty;
    if (elsewhere == 0 || (home(slot.key) == at && favourite_line(slot.key) == favourite_line(key))) continue;
    put(at, lowest(elsewhere), slot);
    return index;
  }
  return kNoSlot;
}

// A slot of group `at` where `key` may lie, one that is empty or whose key has been moved to another; or kNoSlot.
std::uint32_t Shard::make_room(std::uint32_t at, const TableKey& key) const {
  const std::uint32_t empty = empty_slots(group(at));
  const std::uint32_t wanted = allowed(at, key);
  if ((empty & wanted) != 0) return lowest(empty & wanted);
  return empty == 0 ? kNoSlot : make_room_by_a_chain(at, wanted, empty);
}

// The shortest chain of moves that sets one of the `wanted` slots free, all of them taken: each key goes to where the
// next one was, the last one to an `empty` slot. An augmenting path, searched breadth first.
std::uint32_t Shard::make_room_by_a_chain(std::uint32_t at, std::uint32_t wanted, std::uint32_t empty) const {
  TableSlot* const slots = first_slot(at);
  std::array<std::uint8_t, kGroupSlots> queue{};
  std::array<std::uint8_t, kGroupSlots> successor{};  // who gets the slot when its key has gone
  std::uint32_t seen = 0;
  std::size_t queued = 0;
  const auto enqueue = [&](std::uint32_t some, std::uint8_t of) {
    for (seen |= some; some != 0; some &= some - 1) {
      const auto index = static_cast<std::uint8_t>(lowest(some));
      successor[index] = of;
      queue[queued++] = index;
    }
  };
  enqueue(wanted, kNoSlot);
  for (std::size_t i = 0; i < queued; ++i) {
    std::uint32_t index = queue[i];
    const std::uint32_t elsewhere = allowed(at, slots[index].key);
    if ((elsewhere & empty) == 0) {
      enqueue(elsewhere & ~seen, queue[i]);
      continue;
    }
    std::uint32_t hole = lowest(elsewhere & empty);
    for (; index != kNoSlot; index = successor[hole]) {
      put(at, hole, slots[index]);
      hole = index;
    }
    return hole;
  }
  return kNoSlot;
}

void Shard::erase(const TableSlot& slot) const {
  const std::size_t in_array = static_cast<std::size_t>(&slot - slots_) / kGroupSlots;
  const auto at = static_cast<std::uint32_t>(in_array / kRow * kRowGroups + in_array % kRowGroups);
  vacate(group(at), static_cast<std::uint32_t>(&slot - first_slot(at)));
  if (home(slot.key) != at) recount_overflow(at, class_of(slot.key));
  // Each key that moves back leaves room where it was.
  for (std::uint32_t hole = at; pull_back(hole, &hole);) {
  }
}

// Moves the nearest key behind group `to` that went past it, and for which there is room now, back into it. Says from
// where.
bool Shard::pull_back(std::uint32_t to, std::uint32_t* from) const {
  std::uint32_t at = to;
  for (std::uint32_t classes = group(to).overflow; classes != 0; classes &= group(at).overflow) {
    at = next(at);
    if (at == to) return false;
    for (std::uint32_t some = slots_of_classes(group(at), classes); some != 0; some &= some - 1) {
      const std::uint32_t index = lowest(some);
      const TableSlot& slot = first_slot(at)[index];
      if (distance(home(slot.key), at) < distance(to, at)) continue;
      const std::uint32_t room = make_room(to, slot.key);
      if (room == kNoSlot) continue;
      put(to, room, slot);
      vacate(group(at), index);
      recount_overflow(at, class_of(slot.key));
      *from = at;
      return true;
    }
  }
  return false;
}

// A key of this class has left group `at`, where it was displaced: sets the class's bit anew in the run of groups
// around it that have it, walking the run from its end. When all groups have it the run has no end, and two rounds do
// the same.
void Shard::recount_overflow(std::uint32_t at, unsigned class_number) const {
  const std::uint32_t bit = 1U << class_number;
  std::uint32_t last = at;
  std::uint32_t length = 1;
  for (; length < count_ && (group(last).overflow & bit) != 0; ++length) last = next(last);
  for (std::uint32_t first = previous(at); length < 2 * count_ && (group(first).overflow & bit) != 0; ++length) {
    first = previous(first);
  }

  std::uint32_t way_back = 0;  // the most groups that a key seen so far has still to pass
  for (;; last = previous(last)) {
    Group& one = group(last);
    one.overflow = static_cast<std::uint16_t>(way_back == 0 ? one.overflow & ~bit : one.overflow | bit);
    if (--length == 0) return;
    if (way_back != 0) --way_back;
    for (std::uint32_t some = slots_of_classes(one, bit); some != 0; some &= some - 1) {
      way_back = std::max(way_back, distance(home(first_slot(last)[lowest(some)].key), last));
    }
  }
}

void Shard::copy_to(std::vector<TableSlot>& slots) const {
  for (std::uint32_t at = 0; at < count_; ++at) {
    for (std::uint32_t taken = taken_slots(group(at)); taken != 0; taken &= taken - 1) {
      slots.push_back(first_slot(at)[lowest(taken)]);
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
      longest = std::max(longest, distance(home(first_slot(at)[lowest(taken)].key), at));
    }
  }
  return longest;
}

std::uint32_t Shard::overflow_bits() const {
  std::uint32_t bits = 0;
  for (std::uint32_t at = 0; at < count_; ++at) bits += static_cast<std::uint32_t>(std::popcount(group(at).overflow));
  return bits;
}

std::uint32_t Shard::keys_in_favourite_line() const {
  std::uint32_t keys = 0;
  for (std::uint32_t at = 0; at < count_; ++at) {
    for (std::uint32_t taken = taken_slots(group(at)); taken != 0; taken &= taken - 1) {
      const std::uint32_t index = lowest(taken);
      const TableKey& key = first_slot(at)[index].key;
      keys += home(key) == at && index / kLineSlots == favourite_line(key);
    }
  }
  return keys;
}

}  // namespace latchkey::registry::internal
