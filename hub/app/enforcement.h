// SPDX-License-Identifier: Apache-2.0
// hub/link's enforcement as the rooms ask for it: one object, one meaning, three ports.
#pragma once

#include "hub/app/gate.h"
#include "hub/link/enforcement.h"
#include "hub/management/management.h"
#include "hub/provisioning/ports.h"
#include "hub/session/ports.h"

namespace latchkey::hub::app {

class Enforcement final : public management::Enforcement,
                          public provisioning::Enforcement,
                          public session::Enforcement {
 public:
  // `gates`: those of all hub endpoints; they outlive this object.
  Enforcement(const std::vector<Gate*>& gates, int timeout_ms) : enforcement_(members(gates), timeout_ms) {}

  registry::Outcome<registry::Nothing> wait_applied(registry::Sequence sequence) override {
    return enforcement_.wait(sequence, link::Progress::kApplied);
  }
  registry::Outcome<registry::Nothing> wait_cut(registry::Sequence sequence) override {
    return enforcement_.wait(sequence, link::Progress::kCut);
  }

 private:
  static std::vector<link::Enforcement::Member> members(const std::vector<Gate*>& gates) {
    std::vector<link::Enforcement::Member> all;
    for (Gate* gate : gates) all.push_back({&gate->feeder(), [gate] { gate->fence(); }});
    return all;
  }

  const link::Enforcement enforcement_;
};

}  // namespace latchkey::hub::app
