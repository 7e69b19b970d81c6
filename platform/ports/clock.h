// SPDX-License-Identifier: Apache-2.0
// Two clocks: the wall clock judges certificates and can be moved in a rehearsal; the monotonic one times
// time-outs and back-off and cannot.
#pragma once

#include <cstdint>

#include "platform/base/ids.h"

namespace latchkey::ports {

using MonotonicMs = std::uint64_t;  // since an arbitrary start; never goes back

class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixMs now() const = 0;
  virtual MonotonicMs monotonic() const = 0;
  // False while the wall clock has not been set since power-on: `now()` is then only a lower bound.
  virtual bool is_set() const { return true; }
};

}  // namespace latchkey::ports
