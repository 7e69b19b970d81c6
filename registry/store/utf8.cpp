// SPDX-License-Identifier: Apache-2.0
#include "registry/store/internal/utf8.h"

#include <cstdint>

namespace latchkey::registry::store {
namespace {

// How long the sequence is that begins with that byte; 0: none does.
std::size_t length_of(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
}

// The second byte keeps out overlong forms, surrogates and what is beyond U+10FFFF (RFC 3629 section 4).
bool second_fits(std::uint8_t lead, std::uint8_t second) {
  if (lead == 0xe0 && second < 0xa0) return false;
  if (lead == 0xed && second > 0x9f) return false;
  if (lead == 0xf0 && second < 0x90) return false;
  return lead != 0xf4 || second <= 0x8f;
}

}  // namespace

bool storable_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[at]);
    const std::size_t length = length_of(lead);
    if (lead == 0 || length == 0 || at + length > text.size()) return false;
    if (length > 1 && !second_fits(lead, static_cast<std::uint8_t>(text[at + 1]))) return false;
    for (std::size_t i = 1; i < length; ++i) {
      if ((static_cast<std::uint8_t>(text[at + i]) & 0xc0) != 0x80) return false;
    }
    at += length;
  }
  return true;
}

}  // namespace latchkey::registry::store
