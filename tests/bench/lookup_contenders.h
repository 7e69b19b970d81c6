// SPDX-License-Identifier: Apache-2.0
// The three tables of bench_lookup behind one shape: the same 16-byte keys and 16-byte values in each.
//
// Keys are uniform already. Boost and Abseil get 64 of their bits as the hash, unchanged, and Boost is told that they
// need no mixing (is_avalanching), so neither pays for hashing. Both take their hash bits from both ends of the word.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <sys/mman.h>

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <new>

#include "registry/table/table.h"

namespace latchkey::bench {

using registry::TableKey;
using registry::TableValue;

struct KeyBits {
  using is_avalanching = void;
  std::size_t operator()(const TableKey& key) const noexcept { return key.low; }
};

class Ours {
 public:
  static constexpr const char* kName = "latchkey";
  const TableValue* find(const TableKey& key) const { return table_.find(key); }
  void put(const TableKey& key, const TableValue& value) { table_.upsert(key, value); }
  void erase(const TableKey& key) { table_.erase(key); }
  void find_many(const TableKey* keys, std::size_t count, const TableValue** values) const {
    table_.find_many(keys, count, values);
  }

 private:
  registry::Table table_{registry::TableSecret{}};
};

template <class Map>
class Peer {
 public:
  const TableValue* find(const TableKey& key) const {
    const auto at = map_.find(key);
    return at == map_.end() ? nullptr : &at->second;
  }
  void put(const TableKey& key, const TableValue& value) { map_.insert_or_assign(key, value); }
  void erase(const TableKey& key) { map_.erase(key); }
  void find_many(const TableKey* keys, std::size_t count, const TableValue** values) const {
    for (std::size_t i = 0; i < count; ++i) values[i] = find(keys[i]);
  }

 private:
  Map map_;
};

struct Boost : Peer<boost::unordered_flat_map<TableKey, TableValue, KeyBits>> {
  static constexpr const char* kName = "boost::unordered_flat_map";
};
struct Abseil : Peer<absl::flat_hash_map<TableKey, TableValue, KeyBits>> {
  static constexpr const char* kName = "absl::flat_hash_map";
};

// No table: as much memory as one, of which a key picks a line, and what lies there is the answer. What one access that
// depends on the last one costs, in huge pages as our table asks for them.
class Memory {
 public:
  explicit Memory(std::size_t bytes) : lines_(bytes / sizeof(Line)) {
    void* const memory =
        mmap(nullptr, lines_ * sizeof(Line), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    madvise(memory, lines_ * sizeof(Line), MADV_HUGEPAGE);
    at_ = static_cast<Line*>(memory);
    for (std::size_t i = 0; i < lines_; ++i) at_[i].value.policy = static_cast<std::uint16_t>(i * 40'503);
  }
  ~Memory() { munmap(at_, lines_ * sizeof(Line)); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  const TableValue* find(const TableKey& key) const { return &at_[((key.low >> 32) * lines_) >> 32].value; }

 private:
  struct alignas(64) Line {
    TableValue value;
  };
  const std::size_t lines_;  // below 2^32
  Line* at_ = nullptr;
};

}  // namespace latchkey::bench
