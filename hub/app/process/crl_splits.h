// SPDX-License-Identifier: Apache-2.0
// In which ways revocation lists were ever split into shards (hub/ca/crl_shards.h). The registry remembers it, because
// a certificate names its shard for life.
#pragma once

#include <string>
#include <vector>

#include "hub/ca/crl_shards.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::app {

// All of them, and from now on also `count` shards below the address `folder`: to be called before anybody can sign a
// certificate that names one. A count of 1, or no folder, adds nothing. kStorage, also when what is remembered cannot
// be read.
registry::Outcome<std::vector<ca::CrlSplit>> remember_split(registry::Registry& registry, unsigned count,
                                                            const std::string& folder);

}  // namespace latchkey::hub::app
