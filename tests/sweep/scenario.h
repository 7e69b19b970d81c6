// SPDX-License-Identifier: Apache-2.0
// The lives that a sweep cuts short, one row each.
#pragma once

#include "tests/sweep/rig.h"

namespace latchkey::sweep {

struct Scenario {
  const char* name;
  // The world up to where the cuts begin; the power stays on.
  void (*prepare)(Rig&);
  // From there to its end: live, as a rule. Comes back early when the power fails. Whether the end was reached.
  bool (*play)(Rig&);
};

// All of them. A new one is a new row in scenario.cpp.
const std::vector<Scenario>& scenarios();

}  // namespace latchkey::sweep
