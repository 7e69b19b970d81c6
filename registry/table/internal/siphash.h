// SPDX-License-Identifier: Apache-2.0
// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF"; the 128-bit form of
// the authors' reference code). A keyed hash for short inputs: without the key nobody can choose collisions.
#pragma once

#include <array>
#include <cstdint>

#include "platform/base/bytes.h"

namespace latchkey::registry::internal {

struct SipHash128 {
  std::uint64_t first = 0;   // bytes 0 to 7 of the reference's output, little-endian
  std::uint64_t second = 0;  // bytes 8 to 15
};
SipHash128 siphash_2_4_128(const std::array<std::uint8_t, 16>& key, ByteView message);

}  // namespace latchkey::registry::internal
