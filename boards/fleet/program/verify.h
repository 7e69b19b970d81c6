// SPDX-License-Identifier: Apache-2.0
// `latchkey-fleet verify`: what the histories of a run say about the hub's promises.
#pragma once

#include "boards/fleet/program/options.h"

namespace latchkey::boards::fleet::program {

// Prints every violation, and the sum. The exit status: 0 every rule was kept, 3 no histories, 4 one was not kept.
int verify(const Verify& wanted);

}  // namespace latchkey::boards::fleet::program
