// SPDX-License-Identifier: Apache-2.0
// POST /nodeKeys/rotate: seals all private keys under this node's first node key. For the owner of the data folder, on
// its socket, and for nobody else: it is a matter of this node's files, not of the registry's resources.
//
// Threads: from any.
#pragma once

#include <functional>
#include <string>

#include "hub/app/process/key_providers.h"
#include "hub/management/request.h"

namespace latchkey::hub::app {

class NodeKeyAct {
 public:
  // Both outlive it.
  NodeKeyAct(KeyProviders& keys, registry::Registry& registry, std::function<UnixMs()> now)
      : keys_(keys), registry_(registry), now_(std::move(now)) {}

  static bool serves(const management::Request& request);
  // On record whether it goes through or not; some keys may have gone over before it fails.
  management::Response handle(const management::Request& request);

 private:
  KeyProviders& keys_;
  registry::Registry& registry_;
  const std::function<UnixMs()> now_;
};

}  // namespace latchkey::hub::app
