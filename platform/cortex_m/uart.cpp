// SPDX-License-Identifier: Apache-2.0
#include "platform/cortex_m/uart.h"

#include <cstdint>

namespace latchkey::cortex_m::uart {
namespace {

struct Registers {
  volatile std::uint32_t data;
  volatile std::uint32_t state;  // 1: the transmitter is full
  volatile std::uint32_t control;
  volatile std::uint32_t interrupt;
  volatile std::uint32_t divider;
};
constexpr std::uint32_t kFull = 1;

Registers& registers() { return *reinterpret_cast<Registers*>(0x40004000); }

}  // namespace

void start() {
  registers().divider = 217;  // 115,200 baud at 25 MHz
  registers().control = 1;    // transmitter
}

void write(std::string_view text) {
  for (const char character : text) {
    while ((registers().state & kFull) != 0) {
    }
    registers().data = static_cast<std::uint8_t>(character);
  }
}

}  // namespace latchkey::cortex_m::uart
