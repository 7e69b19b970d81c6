// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/target.h"

namespace latchkey::fuzz {

std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

}  // namespace latchkey::fuzz
