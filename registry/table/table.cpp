// SPDX-License-Identifier: Apache-2.0
#include "registry/table/table.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "registry/table/internal/siphash.h"

namespace latchkey::registry {
namespace {

using internal::Group;
using internal::kGroupBytes;
using internal::kGroupSlots;
using internal::kRow;
using internal::kRowGroups;
using internal::kShards;

// Fullness. The table grows by a shard when it has more keys than this, and shrinks by one below a third of it: 33.3
// bytes over 0.73 are what a device costs. A shard may be fuller than the mean, but a group's worth of it stays empty
// (its invariant).
constexpr std::size_t limit(std::size_t groups) { return groups * kGroupSlots * 47 / 64; }
constexpr std::size_t limit_of_one(std::size_t groups) {
  return std::min(groups * kGroupSlots * 15 / 16, (groups - 1) * kGroupSlots);
}
// The size after this one, and one before it: all shards grow from one to the next, one after the other. So memory
// follows the number of devices closely, at every size, and all shards are about equally full.
constexpr std::uint64_t next_size(std::uint64_t rows) { return rows + std::max<std::uint64_t>(1, rows / 8); }
constexpr std::uint64_t previous_size(std::uint64_t rows) {
  return rows - std::min<std::uint64_t>(rows - 1, std::max<std::uint64_t>(1, rows / 9));
}

// Two uses of one secret, kept apart: a digest must never be a key.
TableSecret derive(const TableSecret& secret, std::string_view use) {
  const internal::SipHash128 hash = internal::siphash_2_4_128(secret, ByteView(use));
  TableSecret derived;
  std::memcpy(derived.data(), &hash.first, 8);
  std::memcpy(derived.data() + 8, &hash.second, 8);
  return derived;
}

}  // namespace

Table::Table(const TableSecret& secret)
    : id_secret_(derive(secret, "device id")), digest_secret_(derive(secret, "identifier digest")) {
  reach(rows_.smaller);
  for (std::size_t i = 0; i < kShards; ++i) shard(i).clear();
}

Table::~Table() {
  wipe(id_secret_);
  wipe(digest_secret_);
}

TableKey Table::hash(std::string_view device_id) const {
  const internal::SipHash128 hash = internal::siphash_2_4_128(id_secret_, ByteView(device_id));
  return {hash.first, hash.second};
}

IdentifierDigest Table::digest(const DeviceIdentifier& identifier) const {
  const auto bytes = identifier.encode();
  const internal::SipHash128 hash = internal::siphash_2_4_128(digest_secret_, ByteView(bytes));
  IdentifierDigest digest;
  std::memcpy(digest.data(), &hash.first, 8);
  std::memcpy(digest.data() + 8, &hash.second, 4);
  return digest;
}

TableValue Table::pack(const DeviceRecord& record) const {
  return {digest({record.device, record.credential}), record.policy, static_cast<std::uint8_t>(record.enabled), 0};
}

bool Table::upsert(const TableKey& key, const TableValue& value) {
  if (const TableSlot* const slot = rows_.find(key); slot != nullptr) {
    rows_.slots[slot - rows_.slots].value = value;
    return false;
  }
  const std::size_t home = internal::shard_of(key);
  make_room(home);
  shard(home).insert(key, value);
  ++keys_[home];
  ++size_;
  return true;
}

bool Table::erase(const TableKey& key) {
  const TableSlot* const slot = rows_.find(key);
  if (slot == nullptr) return false;
  const std::size_t home = internal::shard_of(key);
  shard(home).erase(*slot);
  --keys_[home];
  --size_;
  if (size_ < limit(rows_.all_groups()) / 3) {
    try {
      shrink_one_shard();
    } catch (const std::bad_alloc&) {  // the larger table serves as well
    }
  }
  return true;
}

// For one key more, in this shard. One step is enough, but for keys that are not evenly spread.
void Table::make_room(std::size_t which) {
  if (size_ >= limit(rows_.all_groups())) grow_one_shard();
  while (keys_[which] >= limit_of_one(rows_.of_shard(which) * kRowGroups)) grow_one_shard();
}

void Table::grow_one_shard() {
  if (rows_.grown() == kShards) {
    rows_.smaller = rows_.larger;
    rows_.grown_columns = 0;
  }
  if (rows_.grown() == 0) rows_.larger = next_size(rows_.smaller);
  reach(rows_.larger);
  resize(rows_.grown(), rows_.larger);
  rows_.grown_columns += kRowGroups;
  // The rows that only some shards have count as used when two thirds have them: by then that costs four percent.
  const std::size_t used = (rows_.grown() * 3 < kShards * 2 ? rows_.smaller : rows_.larger) * kRow;
  if (!slot_area_.settle(used * kGroupBytes)) group_area_.settle(used * sizeof(Group));
}

// Nothing happens when this is the smallest table, or when the shard would be too full.
void Table::shrink_one_shard() {
  if (rows_.grown() == 0) {
    if (rows_.smaller == 1) return;
    rows_.larger = rows_.smaller;
    rows_.smaller = previous_size(rows_.smaller);
    rows_.grown_columns = kRow;
  }
  const std::size_t last = rows_.grown() - 1;
  if (keys_[last] >= limit(rows_.smaller * kRowGroups)) return;
  resize(last, rows_.smaller);
  rows_.grown_columns -= kRowGroups;
  if (rows_.grown() > 0) return;
  group_area_.shrink(rows_.smaller * kRow * sizeof(Group));
  slot_area_.shrink(rows_.smaller * kRow * kGroupBytes);
}

// Takes a shard's keys out and puts them where they belong when it has that many rows. That it has, the caller notes.
void Table::resize(std::size_t which, std::uint64_t rows) {
  std::vector<TableSlot> keys;
  keys.reserve(keys_[which]);
  shard(which).copy_to(keys);
  const internal::Shard resized(rows_, which, rows);
  resized.clear();
  for (const TableSlot& slot : keys) resized.insert(slot.key, slot.value);
}

// Memory for that many rows.
void Table::reach(std::size_t rows) {
  group_area_.grow(rows * kRow * sizeof(Group));
  rows_.groups = reinterpret_cast<Group*>(group_area_.get());
  slot_area_.grow(rows * kRow * kGroupBytes);
  rows_.slots = reinterpret_cast<TableSlot*>(slot_area_.get());
}

void Table::find_many(const TableKey* keys, std::size_t count, const TableValue** values) const {
  constexpr std::size_t kTogether = 32;  // as many lines as a core keeps in flight
  for (std::size_t start = 0; start < count; start += kTogether) {
    const std::size_t end = std::min(count, start + kTogether);
    for (std::size_t i = start; i < end; ++i) prefetch(keys[i]);
    for (std::size_t i = start; i < end; ++i) __builtin_prefetch(rows_.likely_slot(keys[i]));
    for (std::size_t i = start; i < end; ++i) values[i] = find(keys[i]);
  }
}

std::size_t Table::memory_bytes() const {
  const std::size_t groups = rows_.all_groups();
  return sizeof(Table) + group_area_.held(groups * sizeof(Group)) + slot_area_.held(groups * kGroupBytes);
}

void Table::clear() {
  Table empty{TableSecret{}};
  swap(empty);
  std::swap(id_secret_, empty.id_secret_);
  std::swap(digest_secret_, empty.digest_secret_);
}

void Table::swap(Table& other) noexcept {
  std::swap(rows_, other.rows_);
  std::swap(size_, other.size_);
  std::swap(keys_, other.keys_);
  group_area_.swap(other.group_area_);
  slot_area_.swap(other.slot_area_);
  std::swap(id_secret_, other.id_secret_);
  std::swap(digest_secret_, other.digest_secret_);
}

Table::Shape Table::shape() const {
  Shape shape;
  for (std::size_t i = 0; i < kShards; ++i) {
    const internal::Shard one = shard(i);
    shape.longest_probe_groups = std::max(shape.longest_probe_groups, one.longest_probe());
    shape.overflow_bits += one.overflow_bits();
    shape.keys_in_favourite_line += one.keys_in_favourite_line();
  }
  return shape;
}

}  // namespace latchkey::registry
