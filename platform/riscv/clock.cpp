// SPDX-License-Identifier: Apache-2.0
#include "platform/riscv/clock.h"

#include "platform/semihosting/wall_clock.h"

namespace latchkey::riscv {
namespace {

constexpr std::uint64_t kTicksPerMs = 10'000;
constexpr unsigned kShift = 3;  // what QEMU counts are nanoseconds, eight for each instruction

// The core-local interruptor's.
constexpr std::uintptr_t kTime = 0x0200BFF8;
volatile std::uint32_t& word_at(std::uintptr_t address) { return *reinterpret_cast<volatile std::uint32_t*>(address); }

std::uint64_t ticks() {
  for (;;) {  // the low half may run over between the two
    const std::uint32_t high = word_at(kTime + 4);
    const std::uint32_t low = word_at(kTime);
    if (high == word_at(kTime + 4)) return static_cast<std::uint64_t>(high) << 32 | low;
  }
}

}  // namespace

UnixMs BoardClock::now() const { return semihosting::wall_clock(); }

ports::MonotonicMs BoardClock::monotonic() const { return ticks() / kTicksPerMs; }

std::uint64_t BoardClock::instructions() {
  std::uint32_t high, low, again;
  do {
    asm volatile(
        ".option push\n.option arch, +zicsr\n"
        "csrr %0, minstreth\ncsrr %1, minstret\ncsrr %2, minstreth\n"
        ".option pop"
        : "=&r"(high), "=&r"(low), "=&r"(again));
  } while (high != again);
  return (static_cast<std::uint64_t>(high) << 32 | low) >> kShift;
}

}  // namespace latchkey::riscv
