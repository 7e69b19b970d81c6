// SPDX-License-Identifier: Apache-2.0
#include "platform/tls/ipv4.h"

namespace latchkey::tls {

std::optional<std::array<std::uint8_t, 4>> parse_ipv4(std::string_view text) {
  std::array<std::uint8_t, 4> address{};
  std::size_t at = 0;
  for (std::size_t part = 0; part < address.size(); ++part) {
    if (part > 0 && (at == text.size() || text[at++] != '.')) return std::nullopt;
    const std::size_t start = at;
    unsigned number = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - start < 3) {
      number = number * 10 + static_cast<unsigned>(text[at++] - '0');
    }
    const std::size_t digits = at - start;
    if (digits == 0 || number > 255 || (digits > 1 && text[start] == '0')) return std::nullopt;
    address[part] = static_cast<std::uint8_t>(number);
  }
  if (at != text.size()) return std::nullopt;
  return address;
}

}  // namespace latchkey::tls
