// SPDX-License-Identifier: Apache-2.0
// The scenarios that are part of the program: shipped/*.json, built in. Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey::boards::fleet::scenario {

struct Shipped {
  std::string_view name;
  std::string_view document;
};

const std::vector<Shipped>& shipped();  // by name
std::optional<std::string_view> find_shipped(std::string_view name);
// A line for each, as `latchkey fleet scenarios` prints it: name, devices, how long, title.
std::string list_of_shipped();

}  // namespace latchkey::boards::fleet::scenario
