// SPDX-License-Identifier: Apache-2.0
// What management may know and say of the running hub: decisions, sessions, gates, messages to devices.
#pragma once

#include "hub/app/base/hub_clock.h"
#include "hub/app/endpoints/decision_log.h"
#include "hub/app/endpoints/hub_endpoints.h"
#include "hub/app/nodes/elsewhere.h"
#include "hub/app/process/up_options.h"
#include "hub/management/management.h"

namespace latchkey::hub::app {

class Insight final : public management::Insight {
 public:
  // All outlive this object. `elsewhere`: of several nodes; null: it is alone.
  Insight(const DataFolder& folder, const UpOptions& options, const HubClock& clock, registry::Registry& registry,
          const DecisionLog& log, Gate& dps, const HubEndpoints& hubs, const Elsewhere* elsewhere)
      : folder_(folder),
        options_(options),
        clock_(clock),
        registry_(registry),
        log_(log),
        dps_(dps),
        hubs_(hubs),
        elsewhere_(elsewhere),
        started_(clock.now()) {}

  std::vector<management::SeenDecision> decisions(const management::DecisionFilter& filter) override {
    return log_.find(filter);
  }
  management::DecisionCounts counts() override { return log_.counts(); }
  std::optional<bool> connected(const std::string& ns, const std::string& device) override;
  management::HubState status() override;

 private:
  management::GateState state_of(Gate& gate) const;

  const DataFolder& folder_;
  const UpOptions& options_;
  const HubClock& clock_;
  registry::Registry& registry_;
  const DecisionLog& log_;
  Gate& dps_;
  const HubEndpoints& hubs_;
  const Elsewhere* const elsewhere_;
  const UnixMs started_;
};

class Messages final : public management::Messages {
 public:
  explicit Messages(const HubEndpoints& hubs) : hubs_(hubs) {}
  registry::Outcome<registry::Message> send(const registry::Call& call, const std::string& ns,
                                            const std::string& device, const Outgoing& message) override;

 private:
  const HubEndpoints& hubs_;
};

}  // namespace latchkey::hub::app
