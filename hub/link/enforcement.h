// SPDX-License-Identifier: Apache-2.0
// Acknowledged means enforced: whoever answers a revoke, an enable or a grant waits here until every hub gate that
// could serve somebody has it. A gate that does not follow in time is fenced: its broker is ended, and a fresh one
// serves nobody before it holds the new state.
#pragma once

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

  // kEnforcementTimeout only when even the fence did not help (the hub is stopping).
  registry::Outcome<registry::Nothing> wait(registry::Sequence sequence, Progress progress) const {
    for (const auto& member : members_) {
      if (member.feeder->wait(sequence, progress, timeout_ms_)) continue;
      member.fence();
      if (!member.feeder->wait(sequence, progress, timeout_ms_)) {
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
