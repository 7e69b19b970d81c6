// SPDX-License-Identifier: Apache-2.0
#include "hub/throttle/throttle.h"

#include <algorithm>
#include <chrono>

namespace latchkey::hub::throttle {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::uint64_t kLongestMs = 1'000'000'000;  // eleven days fill what anybody could owe; no product overflows

}  // namespace

std::uint64_t monotonic_ms() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

// Counted in parts of one of which a millisecond brings as many as there may be a minute: whole numbers throughout.
Throttle::Throttle(std::uint32_t per_minute) : per_minute_(per_minute), level_(per_minute_ * kMinuteMs) {}

std::uint64_t Throttle::take(std::uint64_t now, std::uint32_t count) {
  if (per_minute_ == 0 || count == 0) return 0;
  const std::lock_guard lock(mutex_);
  // Whoever read the clock first may get here second.
  const std::uint64_t passed = last_ == 0 || now < last_ ? 0 : std::min<std::uint64_t>(now - last_, kLongestMs);
  last_ = std::max(last_, now);
  level_ = std::min(per_minute_ * kMinuteMs, level_ + static_cast<std::int64_t>(passed) * per_minute_);
  const std::int64_t wanted = std::min<std::int64_t>(count, per_minute_) * kMinuteMs;
  if (level_ < wanted) return static_cast<std::uint64_t>((wanted - level_ + per_minute_ - 1) / per_minute_);
  level_ -= static_cast<std::int64_t>(count) * kMinuteMs;
  return 0;
}

}  // namespace latchkey::hub::throttle
