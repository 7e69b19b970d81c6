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
  Enforcement(Gate& hub, int timeout_ms) : enforcement_({{&hub.feeder(), [&hub] { hub.fence(); }}}, timeout_ms) {}

  registry::Outcome<registry::Nothing> wait_applied(registry::Sequence sequence) override {
    return enforcement_.wait(sequence, link::Progress::kApplied);
  }
  registry::Outcome<registry::Nothing> wait_cut(registry::Sequence sequence) override {
    return enforcement_.wait(sequence, link::Progress::kCut);
  }

 private:
  const link::Enforcement enforcement_;
};

class Outbox final : public session::Outbox {
 public:
  explicit Outbox(Gate& hub) : hub_(hub) {}
  void deliver(wire::Deliver message) override { hub_.deliver(message); }

 private:
  Gate& hub_;
};

}  // namespace latchkey::hub::app
