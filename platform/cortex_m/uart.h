// SPDX-License-Identifier: Apache-2.0
// The serial line of the board (CMSDK UART 0 of mps2-an386), for the log.
#pragma once

#include <string_view>

namespace latchkey::cortex_m::uart {

void start();
void write(std::string_view text);

}  // namespace latchkey::cortex_m::uart
