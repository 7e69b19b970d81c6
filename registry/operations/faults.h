// SPDX-License-Identifier: Apache-2.0
// What a rehearsal lets go wrong inside the registry. Asked on the writer's thread, in the transaction of the act: an
// implementation must not call the registry. A registry without one (Registry::Options) asks nobody.
#pragma once

#include <string_view>

#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::registry {

class Faults {
 public:
  virtual ~Faults() = default;

  // Before the rule of an act runs. Whoever takes time here is a slow store, for everybody who writes. Refused: the
  // commit that the act shares with others fails for that reason, as on a full disk, and nothing of it is there, its
  // audit records included. `action` and `resource` as audit records spell them.
  virtual Outcome<Nothing> before(std::string_view action, std::string_view resource) = 0;

  enum class Sync {
    kWhole,
    kRemovalsOnly,  // old CA certificates go, new ones do not come: what a sync leaves behind that fails half way
    kNothing,
  };
  // What comes of bringing this hub up to date with that policy.
  virtual Sync sync(std::string_view action, const Policy& policy, const Hub& hub) = 0;
};

}  // namespace latchkey::registry
