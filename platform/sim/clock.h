// SPDX-License-Identifier: Apache-2.0
// A clock that moves only when it is told to. For tests and fleets in virtual time. Not thread-safe.
#pragma once

#include "platform/ports/clock.h"

namespace latchkey::sim {

class SimClock final : public ports::Clock {
 public:
  explicit SimClock(UnixMs now = 1'700'000'000'000) : now_(now) {}

  UnixMs now() const override { return now_; }
  ports::MonotonicMs monotonic() const override { return monotonic_; }
  bool is_set() const override { return set_; }

  // Time passes: both clocks move.
  void advance(std::uint64_t ms) {
    now_ += static_cast<UnixMs>(ms);
    monotonic_ += ms;
  }
  // Somebody sets the wall clock; it may go back. The monotonic clock does not notice.
  void set_wall(UnixMs now) {
    now_ = now;
    set_ = true;
  }
  // As after power-on without a battery clock: `now` is only a lower bound.
  void lose_wall(UnixMs lower_bound) {
    now_ = lower_bound;
    set_ = false;
  }

 private:
  UnixMs now_;
  ports::MonotonicMs monotonic_ = 0;
  bool set_ = true;
};

}  // namespace latchkey::sim
