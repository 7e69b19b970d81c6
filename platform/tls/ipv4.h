// SPDX-License-Identifier: Apache-2.0
// IPv4 addresses as text: hosts may be given so, and certificates name them apart from DNS names.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace latchkey::tls {

// Four decimal numbers without leading zeros, nothing else.
std::optional<std::array<std::uint8_t, 4>> parse_ipv4(std::string_view text);

}  // namespace latchkey::tls
