// SPDX-License-Identifier: Apache-2.0
// Where a device keeps its few records. Knows names and bytes; what they mean is agent/core/record.h's business.
#pragma once

#include <cstddef>

#include "platform/base/bytes.h"

namespace latchkey::ports {

// The records of a device. Numbers are on flash: never renumber.
enum class Item : std::uint8_t { kSlotA = 0, kSlotB = 1, kPendingKey = 2 };

class Storage {
 public:
  virtual ~Storage() = default;
  // Bytes read. kNotFound when nothing was ever written or it was erased, kTooLarge when `out` is too small.
  virtual Result<std::size_t> read(Item item, MutableBytes out) = 0;
  // Replaces the whole item and returns once it survives a power cut. After a failure or a cut the item holds
  // the old bytes, the new ones, or (a medium may do that) something that its checksum gives away.
  virtual Result<void> write(Item item, ByteView bytes) = 0;
  // Also a success when there was nothing.
  virtual Result<void> erase(Item item) = 0;
};

}  // namespace latchkey::ports
