// SPDX-License-Identifier: Apache-2.0
#include "registry/table/table.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "registry/table/internal/siphash.h"

namespace latchkey::registry {
namespace {

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
    : groups_(kShards), id_secret_(derive(secret, "device id")), digest_secret_(derive(secret, "identifier digest")) {
  for (std::size_t i = 0; i < kShards; ++i) shards_[i].moved(groups_.get() + i);
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
  internal::Shard& home = shard(key);
  if (home.update(key, value)) return false;
  if (home.full()) resize(home, home.groups_to_grow());
  home.insert(key, value);
  ++size_;
  return true;
}

bool Table::erase(const TableKey& key) {
  internal::Shard& home = shard(key);
  if (!home.erase(key)) return false;
  --size_;
  if (const std::uint32_t groups = home.groups_to_shrink(); groups < home.groups()) {
    try {
      resize(home, groups);
    } catch (const std::bad_alloc&) {  // the larger block serves as well
    }
  }
  return true;
}

void Table::resize(internal::Shard& home, std::uint32_t groups) {
  if (groups > groups_a_shard_) widen(groups);
  home.rehash(groups);
}

// Gives each shard room for that many groups. The fingerprints of all are copied: a thirtieth of the table's memory.
void Table::widen(std::uint32_t groups_a_shard) {
  internal::GroupArea wider(kShards * groups_a_shard);
  for (std::size_t i = 0; i < kShards; ++i) {
    internal::Group* const area = wider.get() + i * groups_a_shard;
    std::copy_n(groups_.get() + i * groups_a_shard_, shards_[i].groups(), area);
    shards_[i].moved(area);
  }
  groups_.swap(wider);
  groups_a_shard_ = groups_a_shard;
}

void Table::find_many(const TableKey* keys, std::size_t count, const TableValue** values) const {
  constexpr std::size_t kTogether = 32;  // as many lines as a core keeps in flight
  for (std::size_t start = 0; start < count; start += kTogether) {
    const std::size_t end = std::min(count, start + kTogether);
    for (std::size_t i = start; i < end; ++i) prefetch(keys[i]);
    for (std::size_t i = start; i < end; ++i) __builtin_prefetch(shard(keys[i]).likely_slot(keys[i]));
    for (std::size_t i = start; i < end; ++i) values[i] = find(keys[i]);
  }
}

std::size_t Table::memory_bytes() const {
  std::size_t bytes = sizeof(Table) + groups_.bytes();
  for (std::size_t i = 0; i < kShards; ++i) bytes += shards_[i].slot_bytes();
  return bytes;
}

void Table::clear() {
  internal::GroupArea empty(kShards);
  for (std::size_t i = 0; i < kShards; ++i) {
    shards_[i].clear();
    shards_[i].moved(empty.get() + i);
  }
  groups_.swap(empty);
  groups_a_shard_ = 1;
  size_ = 0;
}

void Table::swap(Table& other) noexcept {
  groups_.swap(other.groups_);
  std::swap(groups_a_shard_, other.groups_a_shard_);
  for (std::size_t i = 0; i < kShards; ++i) shards_[i].swap(other.shards_[i]);
  std::swap(size_, other.size_);
  std::swap(id_secret_, other.id_secret_);
  std::swap(digest_secret_, other.digest_secret_);
}

Table::Shape Table::shape() const {
  Shape shape;
  for (std::size_t i = 0; i < kShards; ++i) {
    shape.longest_probe_groups = std::max(shape.longest_probe_groups, shards_[i].longest_probe());
    shape.overflow_bits += shards_[i].overflow_bits();
    shape.keys_in_favourite_line += shards_[i].keys_in_favourite_line();
  }
  return shape;
}

}  // namespace latchkey::registry
