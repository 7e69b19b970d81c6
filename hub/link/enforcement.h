// SPDX-License-Identifier: Apache-2.0
// Acknowledged means enforced: whoever answers a revoke, an enable or a grant waits here until every hub gate that
// could serve somebody has it. A gate that does not follow in time is fenced: its broker is ended, and a fresh one
// serves nobody before it holds the new state.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
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
    using std::chrono::steady_clock;
    const auto end = steady_clock::now() + std::chrono::milliseconds(timeout_ms_);
    std::vector<const Member*> silent;
    for (const auto& member : members_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now()).count();
      if (!member.feeder->wait(sequence, progress, static_cast<int>(std::max<long long>(left, 0)))) {
        silent.push_back(&member);
      }
    }
    for (const Member* member : silent) {
      member->fence();
      if (!member->feeder->wait(sequence, progress, timeout_ms_)) {
        return registry::refuse(registry::Reason::kEnforcementTimeout,
                                "committed, but a broker has not confirmed it and could not be ended");
      }
    }
    return registry::Nothing{};
  }

 private:
  const std::vector<Member> members_;
  const int timeout_ms_;
};

}  // namespace latchkey::hub::link
