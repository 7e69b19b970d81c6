// SPDX-License-Identifier: Apache-2.0
// Randomness for decisions (jitter, renewal points). Keys never come from here: they come from PSA.
#pragma once

#include <cstdint>

namespace latchkey::ports {

class Entropy {
 public:
  virtual ~Entropy() = default;
  // Uniform in [0, 2^32).
  virtual std::uint32_t next() = 0;
};

}  // namespace latchkey::ports
