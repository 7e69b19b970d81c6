// SPDX-License-Identifier: Apache-2.0
// Time on the machine `virt`: its timer counts it from power-on, the host's clock stands for the one that a network
// would set.
#pragma once

#include "platform/ports/clock.h"

namespace latchkey::riscv {

class BoardClock final : public ports::Clock {
 public:
  UnixMs now() const override;  // whole seconds
  ports::MonotonicMs monotonic() const override;

  // Executed since power-on, with `qemu -icount shift=3`.
  static std::uint64_t instructions();
};

}  // namespace latchkey::riscv
