// SPDX-License-Identifier: Apache-2.0
// NOR flash as a port of FlashStorage: sectors are erased to 0xFF as a whole, programming only clears bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "platform/base/bytes.h"

namespace latchkey::flash {

inline constexpr std::size_t kSectorSize = 4096;

class Flash {
 public:
  virtual ~Flash() = default;
  // Offsets count from the start of the region that storage may use. kStorageFailed when the medium says no.
  virtual Result<void> read(std::size_t offset, MutableBytes out) = 0;
  // The bytes there have to be erased.
  virtual Result<void> program(std::size_t offset, ByteView bytes) = 0;
  // `offset` is the start of a sector.
  virtual Result<void> erase_sector(std::size_t offset) = 0;
};

}  // namespace latchkey::flash
