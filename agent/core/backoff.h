// SPDX-License-Identifier: Apache-2.0
// Waiting longer after each failure: doubling up to a limit, +-20 % so that a fleet does not come in step.
#pragma once

#include <cstdint>

#include "platform/ports/entropy.h"

namespace latchkey::agent {

// `base_ms` times 0.8 to 1.2.
std::uint64_t with_jitter(std::uint64_t base_ms, ports::Entropy& entropy);

class Backoff {
 public:
  Backoff(std::uint32_t initial_ms, std::uint32_t max_ms) : initial_ms_(initial_ms), max_ms_(max_ms) {}

  // The next wait, with jitter; never over 1.2 times the limit.
  std::uint64_t next(ports::Entropy& entropy);
  void reset() { step_ = 0; }

 private:
  std::uint32_t initial_ms_;
  std::uint32_t max_ms_;
  std::uint32_t step_ = 0;
};

}  // namespace latchkey::agent
