// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/decision_ring.h"

namespace latchkey::hub::gate {

void DecisionRing::add(wire::Decision decision) {
  decision.number = ++last_number_;
  ++counts_[static_cast<std::size_t>(decision.reason)];
  if (unsent_.size() == capacity_) {
    unsent_.pop_front();
    ++dropped_;
  }
  unsent_.push_back(std::move(decision));
}

wire::Decisions DecisionRing::take() {
  wire::Decisions taken;
  taken.dropped = dropped_;
  taken.counts = counts_;
  while (!unsent_.empty() && taken.decisions.size() < kMaxPerMessage) {
    taken.decisions.push_back(std::move(unsent_.front()));
    unsent_.pop_front();
  }
  return taken;
}

}  // namespace latchkey::hub::gate
