// SPDX-License-Identifier: Apache-2.0
// What a symmetric-key device says to DPS: its key, if it has only the group's, and its token.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/core/config.h"

namespace latchkey::agent {

// HMAC-SHA256 of the registration id under the group key, both as the device uses them: fills `symmetric_key` of
// `config`. The group key should be wiped afterwards: it is every device's.
Result<void> derive_device_key(ByteView group_key, Config& config);

// A SAS token for DPS, valid until `expiry_s`. kInvalidArgument for ids that break the DPS rules or a missing key.
Result<std::string_view> write_dps_token(const Config& config, std::uint64_t expiry_s, MutableBytes out);

}  // namespace latchkey::agent
