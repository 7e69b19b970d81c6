// SPDX-License-Identifier: Apache-2.0
// An address that others have written down, in certificates or scripts: with port 0 it is the one that was used last,
// as long as that can be had. The registry's settings remember it, which outlive a rehearsal's reset. Threads: any.
#pragma once

#include <string>

#include "hub/app/base/endpoints.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::app {

class KeptAddress {
 public:
  // `setting`: its name. The registry outlives it.
  KeptAddress(registry::Registry& registry, std::string setting) : registry_(registry), setting_(std::move(setting)) {}

  // Another port than 0 is taken at its word. `loss`: what to say on standard error behind the address that was used
  // last when somebody else has it; empty: nothing. kInvalidArgument: no port can be had. kStorage.
  registry::Outcome<Address> choose(Address wanted, const std::string& loss = {}) const;
  // From now on it is the last one. Before anybody writes it down.
  registry::Outcome<void> keep(const Address& address) const;

 private:
  registry::Registry& registry_;
  const std::string setting_;
};

}  // namespace latchkey::hub::app
