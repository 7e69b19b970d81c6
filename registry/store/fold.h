// SPDX-License-Identifier: Apache-2.0
// How ids that compare case-insensitively are stored beside their spelling: ASCII letters in lower case.
#pragma once

#include <string>
#include <string_view>

namespace latchkey::registry::store {

inline std::string fold(std::string_view text) {
  std::string folded(text);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

}  // namespace latchkey::registry::store
