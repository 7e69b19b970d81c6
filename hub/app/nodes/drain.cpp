// SPDX-License-Identifier: Apache-2.0
#include "hub/app/nodes/drain.h"

#include <algorithm>

namespace latchkey::hub::app {
namespace {

constexpr std::int64_t kSecondMs = 1'000;

}  // namespace

void Drain::step(bool draining, std::size_t sessions, std::int64_t now_ms) {
  if (!draining) {
    since_ms_.reset();
    done_ = false;
    round_.clear();
    next_ = 0;
    return;
  }
  if (!since_ms_) since_ms_ = now_ms;
  if (now_ms < *since_ms_ + kGraceMs) return;
  done_ = sessions == 0;
  if (done_) return;
  // Those of the round before may be on their way out: it takes a second to look again.
  const bool over = next_ == round_.size();
  if (over && (round_.empty() || now_ms >= round_ms_ + kSecondMs)) begin_round(now_ms);
  for (std::size_t left = due(now_ms); left > 0 && next_ < round_.size(); --left) end_(round_[next_++]);
}

void Drain::begin_round(std::int64_t now_ms) {
  round_ = list_();
  next_ = 0;
  per_second_ = std::clamp(round_.size() / kShare, kLeastPerSecond, kMostPerSecond);
  round_ms_ = paid_ms_ = now_ms;
}

// After a pause, however long, no more than those of a second go at once.
std::size_t Drain::due(std::int64_t now_ms) {
  const auto rate = static_cast<std::int64_t>(per_second_);
  const std::int64_t passed_ms = std::min(now_ms - paid_ms_, kSecondMs);
  const std::int64_t sessions = passed_ms * rate / kSecondMs;
  if (sessions > 0) paid_ms_ = now_ms - passed_ms + sessions * kSecondMs / rate;
  return static_cast<std::size_t>(sessions);
}

}  // namespace latchkey::hub::app
