// SPDX-License-Identifier: Apache-2.0
// How many acts a minute the management API takes, over all its callers; 0: any number. Beyond it a caller hears 429
// with Retry-After, and nothing is done. By itself there are no such limits (docs/parity.md).
#pragma once

#include <cstdint>

namespace latchkey::hub::management {

struct Quotas {
  std::uint32_t device_creations = 0;  // those that provisioning makes are not among them
  std::uint32_t device_enables = 0;    // changes from disabled to enabled
  std::uint32_t device_disables = 0;   // and back; a revocation that disables as well is none: nothing holds it up
  std::uint32_t identity_acts = 0;     // on single identities of hubs and lists of them, looking included
};

}  // namespace latchkey::hub::management
