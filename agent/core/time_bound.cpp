// SPDX-License-Identifier: Apache-2.0
#include "agent/core/time_bound.h"

namespace latchkey::agent {
namespace {

// A fresh certificate is no older than that, backdated as it may be, or than eleven sixteenths of its life: one that is
// older by the clock would be renewed at once, and the next one again.
constexpr UnixMs kLongestOnTheWay = 600'000;
constexpr UnixMs kFreshSixteenths = 11;

// In units of 65,536 ms: a clock that moved by more than one of them was set.
std::int32_t skew(const Now& now) {
  return static_cast<std::int32_t>((now.wall - static_cast<UnixMs>(now.monotonic)) >> 16);
}

}  // namespace

void TimeBound::set_bound(UnixMs time, ports::MonotonicMs monotonic) {
  bound_ = time;
  bound_at_ = monotonic;
}

void TimeBound::doubt(const Now& shown) {
  sure_ = false;
  doubted_ = true;
  doubted_skew_ = skew(shown);
}

Now TimeBound::judge(const Now& shown) {
  if (!started_) bound_at_ = shown.monotonic;
  started_ = true;
  const std::int32_t moved = skew(shown) - doubted_skew_;
  if (moved > 1 || moved < -1) doubted_ = false;
  sure_ = shown.wall_is_set && !doubted_;
  if (sure_ && shown.wall < bound_) doubt(shown);
  return sure_ ? shown : bounded(shown.monotonic);
}

void TimeBound::stored(UnixMs not_before, ports::MonotonicMs monotonic) {
  if (not_before > bounded(monotonic).wall) set_bound(not_before, monotonic);
}

Now TimeBound::issued(UnixMs not_before, UnixMs not_after, const Now& now) {
  // What was believed before is refuted: a hub's clock was wrong once, and is not any more.
  if (not_after < bounded(now.monotonic).wall) {
    set_bound(not_before, now.monotonic);
    doubted_ = false;
  }
  stored(not_before, now.monotonic);
  UnixMs longest = ((not_after - not_before) >> 4) * kFreshSixteenths;
  if (longest < kLongestOnTheWay) longest = kLongestOnTheWay;
  if (sure_ && (now.wall < not_before || now.wall > not_before + longest)) doubt(now);
  return sure_ ? now : bounded(now.monotonic);
}

}  // namespace latchkey::agent
