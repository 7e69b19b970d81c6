// SPDX-License-Identifier: Apache-2.0
// SHA-256 and HMAC-SHA256 over bytes in memory, by PSA. For SAS tokens and record checksums.
#pragma once

#include <array>
#include <cstdint>

#include "platform/base/bytes.h"

namespace latchkey::crypto {

constexpr std::size_t kSha256Size = 32;
using Sha256 = std::array<std::uint8_t, kSha256Size>;

// Both need crypto::init() before; kInternal when PSA fails (out of memory, not started).
Result<void> sha256(ByteView data, Sha256& out);
// RFC 2104. Any key length but 0 (kInvalidArgument). The output is a secret where the key is a group key: wipe it.
Result<void> hmac_sha256(ByteView key, ByteView data, Sha256& out);

}  // namespace latchkey::crypto
