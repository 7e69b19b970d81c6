// SPDX-License-Identifier: Apache-2.0
// `latchkey-fleet verify`: what the histories of a run say about the hub's promises.
#pragma once

#include <string>

namespace latchkey::boards::fleet::program {

// Prints every violation, and the sum. The exit status: 0 every rule was kept, 3 no histories, 4 one was not kept.
int verify(const std::string& folder);

}  // namespace latchkey::boards::fleet::program
