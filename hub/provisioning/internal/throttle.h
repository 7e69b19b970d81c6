// SPDX-License-Identifier: Apache-2.0
// So many a minute and no more, for the whole service: a bucket that holds one minute's worth and fills steadily.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

#include "platform/base/ids.h"

namespace latchkey::hub::provisioning {

// Threads: any.
class Throttle {
 public:
  // 0: no limit.
  explicit Throttle(std::uint32_t per_minute) : per_minute_(per_minute), level_(per_minute) {}

  bool admit(UnixMs now) {
    if (per_minute_ == 0) return true;
    const std::lock_guard lock(mutex_);
    // A clock that was set back fills nothing and empties nothing.
    const double minutes = last_ == 0 || now < last_ ? 0.0 : static_cast<double>(now - last_) / 60'000.0;
    last_ = now;
    level_ = std::min(static_cast<double>(per_minute_), level_ + minutes * per_minute_);
    if (level_ < 1.0) return false;
    level_ -= 1.0;
    return true;
  }

 private:
  const std::uint32_t per_minute_;
  std::mutex mutex_;
  double level_;     // guarded by mutex_
  UnixMs last_ = 0;  // guarded by mutex_
};

}  // namespace latchkey::hub::provisioning
