// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/scenario/shipped.h"

#include <algorithm>
#include <cstdio>

#include "boards/fleet/scenario/scenario.h"

namespace latchkey::boards::fleet::scenario {

std::optional<std::string_view> find_shipped(std::string_view name) {
  const auto found = std::find_if(shipped().begin(), shipped().end(), [&](const Shipped& s) { return s.name == name; });
  if (found == shipped().end()) return std::nullopt;
  return found->document;
}

std::string list_of_shipped() {
  std::string result;
  for (const auto& one : shipped()) {
    const auto read = read_scenario(one.document);
    if (!read) continue;  // a test sees to it that there is none
    char line[400];
    std::snprintf(line, sizeof line, "%-22.*s %6u devices %6.0f s  %s\n", static_cast<int>(one.name.size()),
                  one.name.data(), read->devices, static_cast<double>(read->duration) / 1e6, read->title.c_str());
    result += line;
  }
  return result;
}

}  // namespace latchkey::boards::fleet::scenario
