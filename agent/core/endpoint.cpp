// SPDX-License-Identifier: Apache-2.0
#include "agent/core/endpoint.h"

#include "agent/protocol/text.h"

namespace latchkey::agent {
namespace {

constexpr std::size_t kLongest = 128;

bool host_character(char c, bool bracketed) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
         c == '_' || (bracketed && c == ':');
}

bool valid_host(std::string_view host, bool bracketed) {
  if (host.empty()) return false;
  for (char c : host) {
    if (!host_character(c, bracketed)) return false;
  }
  return true;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port) {
  if (text.empty() || text.size() > kLongest) return fail(Status::kMalformed);
  Endpoint endpoint{text, default_port};
  const bool bracketed = text.front() == '[';
  std::string_view tail;
  if (bracketed) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return fail(Status::kMalformed);
    endpoint.host = text.substr(1, end - 1);
    tail = text.substr(end + 1);
  } else {
    const std::size_t colon = text.find(':');
    endpoint.host = text.substr(0, colon);
    if (colon != std::string_view::npos) tail = text.substr(colon);
  }
  if (!valid_host(endpoint.host, bracketed)) return fail(Status::kMalformed);
  if (tail.empty()) return endpoint;
  if (tail.front() != ':') return fail(Status::kMalformed);
  LATCHKEY_TRY(port, parse_decimal(tail.substr(1)));
  if (port == 0 || port > UINT16_MAX) return fail(Status::kMalformed);
  endpoint.port = static_cast<std::uint16_t>(port);
  return endpoint;
}

}  // namespace latchkey::agent
