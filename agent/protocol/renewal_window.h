// SPDX-License-Identifier: Apache-2.0
// When a hub would like a certificate to be renewed: `renewalWindow: {start, end}`, beside the certificates of an
// answer. The meaning is that of suggestedWindow (RFC 9773 section 4.2); the member is Latchkey's own.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/protocol/json.h"

namespace latchkey::agent {

// Seconds since 1970; both 0: none was given.
struct RenewalWindow {
  std::uint32_t start_s = 0;
  std::uint32_t end_s = 0;
};

// The value behind the key. A wish costs nobody a certificate: whatever is no window is passed over and leaves `out` as
// none; kMalformed and kTooLarge only for what is not JSON.
Result<void> read_renewal_window(JsonReader& reader, RenewalWindow& out);

// An RFC 3339 date and time in UTC, with `T` and `Z`, from 1970 to 2105: "2026-11-21T13:22:18Z", a fraction is cut off.
// 0 for anything else.
std::uint32_t parse_utc_seconds(std::string_view text);

}  // namespace latchkey::agent
