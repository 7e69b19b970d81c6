// SPDX-License-Identifier: Apache-2.0
// host[:port] as configuration and `assignedHub` give it. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::agent {

inline constexpr std::uint16_t kMqttTlsPort = 8883;

struct Endpoint {
  std::string_view host;  // without brackets
  std::uint16_t port = kMqttTlsPort;
};

// `host`, `host:port` or `[v6 address]:port`, up to 128 characters of letters, digits, `. - _ :` (what can stand in a
// record line and in a username). kMalformed otherwise.
Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port = kMqttTlsPort);

}  // namespace latchkey::agent
