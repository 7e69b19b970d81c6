// SPDX-License-Identifier: Apache-2.0
// A digest for rooms that may not see a cryptographic library: the registry chains its audit records by it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "platform/base/bytes.h"
#include "platform/base/status.h"

namespace latchkey::ports {

inline constexpr std::size_t kSha256Size = 32;
using Sha256 = std::array<std::uint8_t, kSha256Size>;

class Digest {
 public:
  virtual ~Digest() = default;
  // SHA-256 (FIPS 180-4) of `data`. From any thread. kInternal when the library cannot (no memory, no provider).
  virtual Result<void> sha256(ByteView data, Sha256& out) const = 0;
};

}  // namespace latchkey::ports
