// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/names.h"

#include <algorithm>

#include "registry/store/fold.h"

namespace latchkey::registry::signing {
namespace {

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

bool hyphenated(std::string_view name, std::size_t least, std::size_t most) {
  if (name.size() < least || name.size() > most || !letter(name.front()) || name[1] == '-') return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (letter(name[i]) || digit(name[i])) continue;
    if (name[i] != '-' || i + 1 == name.size() || name[i + 1] == '-') return false;
  }
  return true;
}

}  // namespace

bool valid_account_name(std::string_view name) {
  return hyphenated(name, 3, 24) && !store::fold(name).starts_with("one");
}

bool valid_profile_name(std::string_view name) { return hyphenated(name, 5, 100); }

bool valid_group_name(std::string_view name) {
  constexpr std::string_view kOthers = "-_.()";
  return !name.empty() && name.size() <= 90 && name.back() != '.' && std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || digit(c) || kOthers.find(c) != std::string_view::npos;
  });
}

}  // namespace latchkey::registry::signing
