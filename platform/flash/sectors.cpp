// SPDX-License-Identifier: Apache-2.0
#include "platform/flash/sectors.h"

#include <array>

namespace latchkey::flash {
namespace {

Result<bool> sector_is_blank(Flash& flash, std::size_t at) {
  std::array<std::uint8_t, 64> piece;
  for (std::size_t offset = 0; offset < kSectorSize; offset += piece.size()) {
    LATCHKEY_TRY_VOID(flash.read(at + offset, piece));
    for (const std::uint8_t byte : piece) {
      if (byte != 0xFF) return false;
    }
  }
  return true;
}

}  // namespace

std::uint32_t get_u32(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
         static_cast<std::uint32_t>(at[2]) << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}

void put_u32(std::uint8_t* at, std::uint32_t number) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(number >> (8 * i));
}

Result<std::uint32_t> make_blank(Flash& flash, std::size_t at, std::size_t count) {
  std::uint32_t erased = 0;
  for (std::size_t sector = 0; sector < count; ++sector) {
    LATCHKEY_TRY(blank, sector_is_blank(flash, at + sector * kSectorSize));
    if (blank) continue;
    LATCHKEY_TRY_VOID(flash.erase_sector(at + sector * kSectorSize));
    ++erased;
  }
  return erased;
}

}  // namespace latchkey::flash
