// SPDX-License-Identifier: Apache-2.0
// The lookup table: which devices exist now, with which credential, under which policy. The gate asks it at every
// connection; the change feed keeps it. See README.md for the layout, what was rejected, and measured figures.
//
// One thread owns a table (the broker's); nothing is locked. Pointers that find() returns live until the next change.
// Device ids are not kept, only their keyed hashes, so a table cannot be listed; a change names the device.
//
// Cost: a hit reads one line of fingerprints and one line of slots, most misses only the former; 45 to 47 bytes
// a device from some hundred thousand on. Growing moves one shard (1/256 of all devices) at a time and puts two
// megabytes into a huge page: 3 ms at 10 M devices.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/base/ids.h"
#include "registry/table/internal/area.h"
#include "registry/table/internal/rows.h"
#include "registry/table/internal/shard.h"
#include "registry/table/key.h"

namespace latchkey::registry {

// What the feed says of one device.
struct DeviceRecord {
  Uuid device;
  CredentialId credential;
  bool enabled = true;
  std::uint16_t policy = 0;  // the policy's number, 0: none
};

class Table {
 public:
  // `secret`: random, of this process alone. Two tables with different secrets have nothing in common but size().
  explicit Table(const TableSecret& secret);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // --- by device id ---------------------------------------------------------------------------------------------
  // Ids are bytes: what differs in case is two devices.
  TableKey hash(std::string_view device_id) const;
  // The digest that a device's current identifier has in this table.
  IdentifierDigest digest(const DeviceIdentifier& identifier) const;
  TableValue pack(const DeviceRecord& record) const;

  // Adds or replaces; true when the device is new. std::bad_alloc when memory is exhausted, the table is unchanged.
  bool upsert(std::string_view device_id, const DeviceRecord& record) { return upsert(hash(device_id), pack(record)); }
  // True when the device was there.
  bool erase(std::string_view device_id) { return erase(hash(device_id)); }
  // The device's value, or nullptr.
  const TableValue* find(std::string_view device_id) const { return find(hash(device_id)); }

  // --- by key, for whoever hashed before ------------------------------------------------------------------------
  // Keys are taken as they come: what did not come from hash() has to be as evenly spread, or it gets slow.
  bool upsert(const TableKey& key, const TableValue& value);
  bool erase(const TableKey& key);
  const TableValue* find(const TableKey& key) const {
    const TableSlot* slot = rows_.find(key);
    return slot == nullptr ? nullptr : &slot->value;
  }
  // values[i] = find(keys[i]), with the memory of many look-ups fetched at once: for the price of half as many.
  void find_many(const TableKey* keys, std::size_t count, const TableValue** values) const;
  // Starts to fetch what find(key) reads first.
  void prefetch(const TableKey& key) const { __builtin_prefetch(rows_.home_group(key)); }

  // --- as a whole -----------------------------------------------------------------------------------------------
  std::size_t size() const { return size_; }
  // Memory of this table: itself and all slots, taken or not. What a shrinking table sets free the system gets back
  // when all shards have made that step.
  std::size_t memory_bytes() const;
  // Gives the memory of all devices back; the secret stays.
  void clear();
  // Exchanges contents and secrets: how a new snapshot takes the place of the old one in one step.
  void swap(Table& other) noexcept;

  // How the table is doing, for tests and status pages. Walks everything.
  struct Shape {
    std::uint32_t longest_probe_groups = 0;  // 0: every key lies in its home group
    std::uint64_t overflow_bits = 0;
    std::uint64_t keys_in_favourite_line = 0;
  };
  Shape shape() const;

 private:
  internal::Shard shard(std::size_t which) const { return {rows_, which, rows_.of_shard(which)}; }
  void make_room(std::size_t shard);
  void grow_one_shard();
  void shrink_one_shard();
  void resize(std::size_t shard, std::uint64_t rows);
  void reach(std::size_t rows);

  internal::Rows rows_;  // in the two areas
  std::size_t size_ = 0;
  std::array<std::uint32_t, internal::kShards> keys_{};  // in each shard
  internal::Area group_area_;
  internal::Area slot_area_;
  TableSecret id_secret_;
  TableSecret digest_secret_;
};

}  // namespace latchkey::registry
