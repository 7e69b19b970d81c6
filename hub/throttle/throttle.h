// SPDX-License-Identifier: Apache-2.0
// So many a minute and no more: a bucket that holds one minute's worth and fills steadily. For the rooms that answer
// 429; what they count is theirs.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <mutex>

namespace latchkey::hub::throttle {

// Milliseconds of a clock that nobody sets; what a rehearsal's clock says lets nobody through.
std::uint64_t monotonic_ms();

class Throttle {
 public:
  explicit Throttle(std::uint32_t per_minute);  // 0: without limit

  // Lets `count` through, and answers 0; or none of them, and answers how many milliseconds it takes from `now` until
  // they may ask again, at least 1. More than a minute's worth goes through a full bucket, and is owed.
  std::uint64_t take(std::uint64_t now, std::uint32_t count = 1);

 private:
  const std::int64_t per_minute_;
  std::mutex mutex_;
  std::int64_t level_;      // guarded by mutex_; below 0: owed
  std::uint64_t last_ = 0;  // guarded by mutex_
};

}  // namespace latchkey::hub::throttle
