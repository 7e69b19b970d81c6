// SPDX-License-Identifier: Apache-2.0
// Who wants to know how the registry is used: counts and durations, never names.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "registry/model/refusal.h"

namespace latchkey::registry {

// Threads: operation() on the callers' threads, committed() on the writer's; both must be quick and not call back.
class Observer {
 public:
  using Duration = std::chrono::nanoseconds;
  virtual ~Observer() = default;
  // One attempt at a mutation was answered: `action` as in the audit, kNone when it succeeded, and how long the caller
  // waited.
  virtual void operation(std::string_view action, Reason outcome, Duration took) = 0;
  // One shared transaction ended: how many operations it held, how long it took from its begin to its end, and how much
  // of that was the COMMIT (zero when it came to none).
  virtual void committed(std::size_t operations, Duration transaction, Duration commit) = 0;
};

}  // namespace latchkey::registry
