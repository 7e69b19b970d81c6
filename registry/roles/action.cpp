// SPDX-License-Identifier: Apache-2.0
#include "registry/roles/action.h"

#include <algorithm>
#include <string>

namespace latchkey::registry::roles {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool valid_pattern(std::string_view pattern) {
  if (pattern == "*") return true;
  if (pattern.empty() || pattern.size() > kPatternMost) return false;
  std::string plain(pattern);
  std::replace(plain.begin(), plain.end(), '*', 'x');
  return names_action(plain);
}

// A mismatch goes back to the last `*` and lets it take one more character; an earlier one never has to take more.
bool matches(std::string_view pattern, std::string_view action) {
  constexpr auto kNone = std::string_view::npos;
  std::size_t p = 0;
  std::size_t star = kNone;
  std::size_t resume = 0;
  for (std::size_t a = 0; a < action.size();) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = a;
    } else if (p < pattern.size() && lower(pattern[p]) == lower(action[a])) {
      ++p;
      ++a;
    } else if (star != kNone) {
      p = star + 1;
      a = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace latchkey::registry::roles
