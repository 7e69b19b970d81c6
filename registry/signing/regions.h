// SPDX-License-Identifier: Apache-2.0
// Where signing accounts may lie. A table: later documentation lists more regions than the first.
#pragma once

#include <span>
#include <string_view>

namespace latchkey::registry::signing {

struct Region {
  std::string_view name;      // "West Europe"
  std::string_view code;      // "WestEurope"
  std::string_view endpoint;  // "https://weu.codesigning.azure.net"
  std::string_view short_name() const { return endpoint.substr(8, endpoint.find('.') - 8); }  // "weu"
};

std::span<const Region> regions();
// By code or name, spaces and case aside; nullptr when there is none.
const Region* region(std::string_view text);

}  // namespace latchkey::registry::signing
