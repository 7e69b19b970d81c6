// SPDX-License-Identifier: Apache-2.0
// Time on the board: SysTick counts it from power-on, the host's clock stands for the one that a network would set.
#pragma once

#include "platform/ports/clock.h"

namespace latchkey::cortex_m {

class BoardClock final : public ports::Clock {
 public:
  // Starts SysTick: one interrupt a millisecond.
  BoardClock();
  UnixMs now() const override;  // whole seconds
  ports::MonotonicMs monotonic() const override;

  // Ticks of the 25 MHz clock since power-on. Under `-icount shift=0` one tick is forty instructions.
  static std::uint64_t ticks();
  // Sleeps until the next interrupt, at most a millisecond.
  static void sleep();
};

}  // namespace latchkey::cortex_m
