// SPDX-License-Identifier: Apache-2.0
// The kernel's random numbers. Thread-safe.
#pragma once

#include "platform/ports/entropy.h"

namespace latchkey::posix {

class PosixEntropy final : public ports::Entropy {
 public:
  std::uint32_t next() override;
};

}  // namespace latchkey::posix
