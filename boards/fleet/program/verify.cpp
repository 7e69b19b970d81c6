// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/verify.h"

#include <cstdio>

#include "boards/fleet/program/preflight.h"
#include "boards/fleet/verify/checker.h"

namespace latchkey::boards::fleet::program {

int verify(const std::string& folder) {
  auto reader = history::Reader::open(folder);
  if (!reader) {
    std::fprintf(stderr, "latchkey-fleet: there are no histories in %s\n", folder.c_str());
    return kNotFound;
  }
  const auto verdict = verify::verdict_of(*reader);
  std::fputs(verify::text_of(verdict).c_str(), stdout);
  return verdict.violated() == 0 ? kDone : kViolated;
}

}  // namespace latchkey::boards::fleet::program
