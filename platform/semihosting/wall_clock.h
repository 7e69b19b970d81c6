// SPDX-License-Identifier: Apache-2.0
// The host's wall clock, which stands for the one that a network would set. The C library's time() is this one, too:
// mbedTLS judges the server's certificate by it.
#pragma once

#include "platform/base/ids.h"

namespace latchkey::semihosting {

// Whole seconds.
UnixMs wall_clock();
// Moves it away from the host's, for rehearsals in which the hub's is moved too.
void set_wall_clock_offset(std::int64_t seconds);

}  // namespace latchkey::semihosting
