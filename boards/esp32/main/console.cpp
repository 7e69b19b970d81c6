// SPDX-License-Identifier: Apache-2.0
#include "boards/esp32/main/console.h"

#include <cstdio>

namespace latchkey::boards::esp32 {

void to_console(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

}  // namespace latchkey::boards::esp32
