// SPDX-License-Identifier: Apache-2.0
#include "hub/throttle/pace.h"

#include <algorithm>
#include <cmath>

namespace latchkey::hub::throttle {
namespace {

// A mean over so many: the first ones count in full, so that a cold start is no burden.
constexpr std::uint64_t kRemembered = 256;
// Moments are given away that much faster than they could be used: a queue takes up the difference, and never runs dry
// because of those who do not come back.
constexpr double kOverbooked = 1.25;
// Before anything was measured.
constexpr double kAssumedRate = 100;

}  // namespace

Pace::Pace(const Options& options) : options_(options), random_(options.seed) {}

void Pace::served(std::uint64_t took_us) {
  const std::lock_guard lock(mutex_);
  measured_ = std::min(measured_ + 1, kRemembered);
  mean_us_ += (static_cast<double>(std::max<std::uint64_t>(took_us, 1)) - mean_us_) / static_cast<double>(measured_);
}

double Pace::rate() const { return measured_ == 0 ? 0 : 1e6 * static_cast<double>(options_.servers) / mean_us_; }

double Pace::per_second() const {
  const std::lock_guard lock(mutex_);
  return rate();
}

std::uint32_t Pace::wait_s(std::size_t ahead) const {
  const double per_second = this->per_second();
  if (per_second == 0) return 0;
  const double seconds = static_cast<double>(ahead) / per_second;
  return seconds >= options_.most_s ? options_.most_s : static_cast<std::uint32_t>(seconds);
}

std::uint32_t Pace::turn_away_s(std::uint64_t now_ms, std::size_t ahead) {
  const std::lock_guard lock(mutex_);
  const double per_second = measured_ == 0 ? kAssumedRate : rate();
  const double now = static_cast<double>(now_ms);
  const double earliest = now + 1000 * static_cast<double>(ahead) / per_second;
  const double latest = now + 1000.0 * options_.most_s;
  taken_until_ms_ = std::max(taken_until_ms_, earliest) + 1000 / (per_second * kOverbooked);
  if (taken_until_ms_ >= latest) {
    taken_until_ms_ = latest;
    return options_.most_s - static_cast<std::uint32_t>(random_() % (options_.most_s / 2 + 1));
  }
  const auto seconds = static_cast<std::uint32_t>(std::ceil((taken_until_ms_ - now) / 1000));
  return std::clamp(seconds, options_.least_s, options_.most_s);
}

std::uint32_t Pace::told_s(std::uint64_t now_ms) const {
  const std::lock_guard lock(mutex_);
  const double left = taken_until_ms_ - static_cast<double>(now_ms);
  return left <= 0 ? 0 : std::max(options_.least_s, static_cast<std::uint32_t>(std::ceil(left / 1000)));
}

}  // namespace latchkey::hub::throttle
