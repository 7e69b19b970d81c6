// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/verify.h"

#include <cstdio>

#include "boards/fleet/program/preflight.h"
#include "boards/fleet/verify/checker.h"

namespace latchkey::boards::fleet::program {

int verify(const Verify& wanted) {
  auto reader = history::Reader::open(wanted.folder);
  if (!reader) {
    std::fprintf(stderr, "latchkey-fleet: there are no histories in %s\n", wanted.folder.c_str());
    return kNotFound;
  }
  std::optional<verify::Flat> flat;
  if (wanted.flat_percent) flat = {*wanted.flat_percent, static_cast<history::TimeUs>(wanted.warm_up_s * 1e6)};
  const auto verdict = verify::verdict_of(*reader, flat);
  std::fputs(verify::text_of(verdict).c_str(), stdout);
  return verdict.violated() == 0 ? kDone : kViolated;
}

}  // namespace latchkey::boards::fleet::program
