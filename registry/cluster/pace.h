// SPDX-License-Identifier: Apache-2.0
// How often a node does its round when there is always a reason to: a few at once, as an act of its own and what
// follows from it want, and then so many a second and no more, each for all that came since the one before.
//
// Times are in ms, of a clock that does not go back. One thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace latchkey::registry::cluster {

class Pace {
 public:
  static constexpr std::int64_t kEachMs = 5;
  static constexpr std::int64_t kAtOnce = 8;

  // Until the next one may begin; 0: now.
  std::int64_t wait_ms(std::int64_t now_ms) const {
    return std::max<std::int64_t>(paid_ms_ - (kAtOnce - 1) * kEachMs - now_ms, 0);
  }
  void began(std::int64_t now_ms) { paid_ms_ = std::max(paid_ms_, now_ms) + kEachMs; }

 private:
  std::int64_t paid_ms_ = 0;  // when all rounds so far would have been done, one in each kEachMs
};

}  // namespace latchkey::registry::cluster
