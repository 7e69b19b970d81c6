// SPDX-License-Identifier: Apache-2.0
// "Acknowledged means enforced", as the rooms that acknowledge ask for it; hub/app implements this over hub/link.
#pragma once

#include "registry/operations/registry.h"

namespace latchkey::hub {

// Both answer at once when it is so already, and kEnforcementTimeout when a live gate did not confirm in time: the
// caller may ask again. Threads: any; both may block.
class Enforcement {
 public:
  virtual ~Enforcement() = default;
  // Returns once every live hub gate has applied `sequence`.
  virtual registry::Outcome<registry::Nothing> wait_applied(registry::Sequence sequence) = 0;
  // The same, and the sessions that it condemns are cut.
  virtual registry::Outcome<registry::Nothing> wait_cut(registry::Sequence sequence) = 0;
};

}  // namespace latchkey::hub
