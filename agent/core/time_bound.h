// SPDX-License-Identifier: Apache-2.0
// What time it is, for a device that may have no clock, or a wrong one. It judges nothing but its own certificate by
// it: when to renew, and whether showing it is of use.
//
// The wall clock counts unless it contradicts what is known: it is not earlier than the program's build or than the
// start of any certificate of this device, and a certificate that was issued just now is not due for renewal already.
// Who issues is the one who judges, so the hub's word wins over the device's clock. A clock that was found wrong is
// doubted until somebody sets it (it jumps); meanwhile time is a lower bound that goes on with the monotonic clock. So
// "expired" is certain, "not yet valid" is never concluded, and at worst a renewal comes late and the hub's refusal
// leads to provisioning. One thread.
#pragma once

#include "agent/core/event.h"

namespace latchkey::agent {

class TimeBound {
 public:
  // `no_time_before_s`: when the program was built, in seconds; 0: not known.
  explicit TimeBound(std::uint32_t no_time_before_s) : bound_(UnixMs{no_time_before_s} * 1000) {}

  // `shown` as the board's clocks have it; the answer is what to go by. Its wall_is_set: something is known at all.
  Now judge(const Now& shown);
  // A certificate that was stored before this start.
  void stored(UnixMs not_before, ports::MonotonicMs monotonic);
  // A certificate that was issued for a request of this device just now; `now` is what judge() said. Returns what to go
  // by from here on.
  Now issued(UnixMs not_before, UnixMs not_after, const Now& now);

  // Whether it is the wall clock that counts.
  bool sure() const { return sure_; }

 private:
  Now bounded(ports::MonotonicMs monotonic) const {
    return {bound_ + static_cast<UnixMs>(monotonic - bound_at_), bound_ != 0, monotonic};
  }
  void set_bound(UnixMs time, ports::MonotonicMs monotonic);
  void doubt(const Now& shown);

  UnixMs bound_;
  ports::MonotonicMs bound_at_ = 0;
  std::int32_t doubted_skew_ = 0;  // wall clock less monotonic clock when it was found wrong
  bool doubted_ = false;
  bool sure_ = false;
  bool started_ = false;
};

}  // namespace latchkey::agent
