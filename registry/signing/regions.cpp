// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/regions.h"

#include <algorithm>
#include <string>

#include "registry/store/fold.h"

namespace latchkey::registry::signing {
namespace {

constexpr Region kRegions[] = {
    {"East US", "EastUS", "https://eus.codesigning.azure.net"},
    {"West US", "WestUS", "https://wus.codesigning.azure.net"},
    {"West Central US", "WestCentralUS", "https://wcus.codesigning.azure.net"},
    {"West US 2", "WestUS2", "https://wus2.codesigning.azure.net"},
    {"North Europe", "NorthEurope", "https://neu.codesigning.azure.net"},
    {"West Europe", "WestEurope", "https://weu.codesigning.azure.net"},
};

}  // namespace

std::span<const Region> regions() { return kRegions; }

const Region* region(std::string_view text) {
  std::string wanted = store::fold(text);
  wanted.erase(std::remove(wanted.begin(), wanted.end(), ' '), wanted.end());
  const auto* found = std::find_if(std::begin(kRegions), std::end(kRegions),
                                   [&](const Region& one) { return store::fold(one.code) == wanted; });
  return found == std::end(kRegions) ? nullptr : found;
}

}  // namespace latchkey::registry::signing
