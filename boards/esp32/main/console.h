// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace latchkey::boards::esp32 {

// A line on the board's console; its end is put there.
void to_console(std::string_view line);

}  // namespace latchkey::boards::esp32
