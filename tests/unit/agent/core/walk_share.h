// SPDX-License-Identifier: Apache-2.0
// How much of an exhaustive walk is walked. On this machine's own processor all of it; under an emulator, which is
// twenty times slower, LATCHKEY_WALK_SHARE=K takes every K-th step (tests/unit/CMakeLists.txt): the walk is about
// logic, which no processor changes, and what a processor may change is in every step.
#pragma once

#include <cstdlib>

namespace latchkey::test {

inline unsigned walk_share() {
  const char* text = std::getenv("LATCHKEY_WALK_SHARE");
  const int share = text != nullptr ? std::atoi(text) : 1;
  return share < 1 ? 1 : static_cast<unsigned>(share);
}

}  // namespace latchkey::test
