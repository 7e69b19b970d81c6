// SPDX-License-Identifier: Apache-2.0
// The certificate signing request (RFC 2986) that a device sends to provisioning and renewal.
#pragma once

#include <cstddef>
#include <string_view>

#include "platform/base/bytes.h"
#include "platform/crypto/key.h"

namespace latchkey::crypto {

// Enough for P-384 and a common name of 128 characters.
constexpr std::size_t kMaxCsrSize = 512;

// Writes the request as DER to the start of `out` and returns its size. Its subject is CN = `common_name` and nothing
// else; signed with SHA-256 (P-256) or SHA-384 (P-384); no attributes. Costs one signature.
// kInvalidArgument when `common_name` is no valid registration id or the key is empty, kTooLarge when `out` is small.
Result<std::size_t> make_csr(const DeviceKey& key, std::string_view common_name, MutableBytes out);

}  // namespace latchkey::crypto
