// SPDX-License-Identifier: Apache-2.0
// What a role may allow: actions of the control plane ("Microsoft.DeviceRegistry/namespaces/devices/revoke/action") and
// of the data plane, and the patterns in which role definitions name them. Azure's rules: no regard to case, and a `*`
// stands for any run of characters, slashes included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace latchkey::registry::roles {

enum class Plane : std::uint8_t {
  kControl,  // `actions` of a role: resources and what is done to them
  kData,     // `dataActions`: what lies inside, such as enrollments, twins and messages
};

struct Action {
  std::string_view name;
  Plane plane = Plane::kControl;
};

inline constexpr std::size_t kPatternMost = 256;

// A whole action without wildcards: two or more parts between slashes, of letters, digits, '.', '-' and '_'.
constexpr bool names_action(std::string_view text) {
  bool parts = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool part =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (c == '/') {
      if (i == 0 || i + 1 == text.size() || text[i - 1] == '/') return false;
      parts = true;
    } else if (!part) {
      return false;
    }
  }
  return parts;
}

// What a custom role may hold: an action, or one with `*` in it, at most kPatternMost long.
bool valid_pattern(std::string_view pattern);
// Cost: the product of both lengths at the worst.
bool matches(std::string_view pattern, std::string_view action);

}  // namespace latchkey::registry::roles
