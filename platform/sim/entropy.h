// SPDX-License-Identifier: Apache-2.0
// Repeatable randomness for decisions (splitmix64): the same seed gives the same run. Never for keys.
#pragma once

#include "platform/ports/entropy.h"

namespace latchkey::sim {

class SeededEntropy final : public ports::Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : state_(seed) {}

  std::uint32_t next() override {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<std::uint32_t>((z ^ (z >> 31)) >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace latchkey::sim
