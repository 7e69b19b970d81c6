// SPDX-License-Identifier: Apache-2.0
#include "platform/cortex_m/clock.h"

#include "platform/semihosting/wall_clock.h"

namespace latchkey::cortex_m {
namespace {

constexpr std::uint32_t kTicksPerMs = 25'000;

struct SysTick {
  volatile std::uint32_t control;
  volatile std::uint32_t reload;
  volatile std::uint32_t current;
};
SysTick& systick() { return *reinterpret_cast<SysTick*>(0xE000E010); }

volatile std::uint32_t g_milliseconds_low = 0;
volatile std::uint32_t g_milliseconds_high = 0;

std::uint64_t milliseconds() {
  for (;;) {  // the interrupt may come between the two halves
    const std::uint32_t high = g_milliseconds_high;
    const std::uint32_t low = g_milliseconds_low;
    if (high == g_milliseconds_high) return static_cast<std::uint64_t>(high) << 32 | low;
  }
}

}  // namespace

BoardClock::BoardClock() {
  constexpr std::uint32_t kEnabled = 1, kInterrupt = 2, kProcessorClock = 4;
  systick().reload = kTicksPerMs - 1;
  systick().current = 0;
  systick().control = kEnabled | kInterrupt | kProcessorClock;
}

UnixMs BoardClock::now() const { return semihosting::wall_clock(); }

ports::MonotonicMs BoardClock::monotonic() const { return milliseconds(); }

std::uint64_t BoardClock::ticks() {
  for (;;) {
    const std::uint64_t before = milliseconds();
    const std::uint32_t left = systick().current;
    if (milliseconds() == before) return before * kTicksPerMs + (kTicksPerMs - 1 - left);
  }
}

void BoardClock::sleep() { asm volatile("wfi"); }

}  // namespace latchkey::cortex_m

extern "C" void latchkey_systick() {
  using namespace latchkey::cortex_m;  // NOLINT(google-build-using-namespace): the handler is outside for the linker
  const std::uint32_t next = g_milliseconds_low + 1;
  g_milliseconds_low = next;
  if (next == 0) g_milliseconds_high = g_milliseconds_high + 1;
}
