// SPDX-License-Identifier: Apache-2.0
// How long to wait for something that comes piece by piece: for as long as pieces come, and a while without one. What
// came before counts once: whoever begins anew and gets no further has brought nothing.
#pragma once

#include <cstdint>

namespace latchkey::hub::app {

class Patience {
 public:
  explicit Patience(int timeout_ms) : timeout_ms_(timeout_ms) {}

  // Another `step_ms` have passed, and so many pieces are there now. False: that was too long.
  bool lasts(std::uint64_t pieces, int step_ms) {
    waited_ms_ = pieces > most_ ? 0 : waited_ms_ + step_ms;
    if (pieces > most_) most_ = pieces;
    return waited_ms_ < timeout_ms_;
  }

 private:
  const int timeout_ms_;
  int waited_ms_ = 0;
  std::uint64_t most_ = 0;
};

}  // namespace latchkey::hub::app
