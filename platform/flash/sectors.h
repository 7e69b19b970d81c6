// SPDX-License-Identifier: Apache-2.0
// What everything that lives on raw flash does: numbers in little-endian order, and sectors that are erased only when
// something is in them.
#pragma once

#include "platform/flash/flash.h"

namespace latchkey::flash {

std::uint32_t get_u32(const std::uint8_t* at);
void put_u32(std::uint8_t* at, std::uint32_t number);

// Erases those of `count` sectors from `at` on that are not blank, in order: a header in the first one stops counting
// before what it speaks of is gone. How many were erased; as Flash.
Result<std::uint32_t> make_blank(Flash& flash, std::size_t at, std::size_t count);

}  // namespace latchkey::flash
