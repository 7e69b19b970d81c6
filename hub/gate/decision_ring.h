// SPDX-License-Identifier: Apache-2.0
// The last decisions of this gate, and how often each reason was given. Bounded: what the hub process does not fetch in
// time falls out, and is counted.
#pragma once

#include <deque>

#include "hub/wire/decision.h"

namespace latchkey::hub::gate {

class DecisionRing {
 public:
  static constexpr std::size_t kMaxPerMessage = 256;

  explicit DecisionRing(std::size_t capacity) : capacity_(capacity) {}

  // Gives the decision its number.
  void add(wire::Decision decision);
  bool has_unsent() const { return !unsent_.empty(); }
  // Up to kMaxPerMessage of what was not sent before, with the totals; the caller fills in the live figures.
  wire::Decisions take();

  std::uint64_t count(registry::Reason reason) const { return counts_[static_cast<std::size_t>(reason)]; }

 private:
  const std::size_t capacity_;
  std::deque<wire::Decision> unsent_;
  std::uint64_t last_number_ = 0;
  std::uint64_t dropped_ = 0;
  std::array<std::uint64_t, registry::kReasonLimit> counts_{};
};

}  // namespace latchkey::hub::gate
