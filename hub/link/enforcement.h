// SPDX-License-Identifier: Apache-2.0
// Acknowledged means enforced: whoever answers a revoke, an enable, a grant or a change of the clock waits here until
// every gate that could serve somebody has it. A gate that does not follow in time is fenced: its broker is ended, and
// a fresh one serves nobody before it holds the new state.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <stop_token>
#include <vector>

#include "hub/link/feeder.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::link {

class Enforcement {
 public:
  struct Member {
    Feeder* feeder = nullptr;     // outlives the Enforcement
    std::function<void()> fence;  // returns when the old broker process is gone
  };

  explicit Enforcement(std::vector<Member> members, int timeout_ms = 10'000)
      : members_(std::move(members)), timeout_ms_(timeout_ms) {}

  // All have the same time, and only those are fenced that did not use it. kEnforcementTimeout only when even the fence
  // did not help (the hub is stopping).
  registry::Outcome<registry::Nothing> wait(registry::Sequence sequence, Progress progress) const {
    return wait_for([&](Feeder& feeder, int timeout_ms) { return feeder.wait(sequence, progress, timeout_ms); });
  }
  // The same, for the clock that was set last. No gate is fenced once `end` is asked for.
  registry::Outcome<registry::Nothing> wait_clock(const std::stop_token& end) const {
    return wait_for([&](Feeder& feeder, int timeout_ms) {
      constexpr int kStepMs = 100;
      bool follows = feeder.wait_clock_or_end(0);
      for (int waited = 0; !follows && waited < timeout_ms && !end.stop_requested(); waited += kStepMs) {
        follows = feeder.wait_clock_or_end(std::min(kStepMs, timeout_ms - waited));
      }
      return follows || end.stop_requested();
    });
  }

 private:
  using Follows = std::function<bool(Feeder& feeder, int timeout_ms)>;
  registry::Outcome<registry::Nothing> wait_for(const Follows& follows) const {
    using std::chrono::steady_clock;
    const auto end = steady_clock::now() + std::chrono::milliseconds(timeout_ms_);
    std::vector<const Member*> silent;
    for (const auto& member : members_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now()).count();
      if (!follows(*member.feeder, static_cast<int>(std::max<long long>(left, 0)))) silent.push_back(&member);
    }
    for (const Member* member : silent) {
      member->fence();
      if (!follows(*member->feeder, timeout_ms_)) {
        return registry::refuse(registry::Reason::kEnforcementTimeout,
                                "committed, but a broker has not confirmed it and could not be ended");
      }
    }
    return registry::Nothing{};
  }

  const std::vector<Member> members_;
  const int timeout_ms_;
};

}  // namespace latchkey::hub::link
