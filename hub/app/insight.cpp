// SPDX-License-Identifier: Apache-2.0
#include "hub/app/insight.h"

#include "hub/app/bootstrap.h"

namespace latchkey::hub::app {

std::optional<bool> Insight::connected(const std::string& ns, const std::string& device) {
  if (ns != kDefaultNamespace) return std::nullopt;  // this hub is linked to another namespace
  return sessions_.connected(device).has_value();
}

management::GateState Insight::state_of(Gate& gate) const {
  const auto feed = gate.feeder().state();
  const std::string endpoint(brokers::to_string(gate.endpoint()));
  const auto totals = log_.totals(endpoint);
  management::GateState state;
  state.endpoint = endpoint;
  state.address = gate.address().text();
  state.broker_pid = gate.pid();
  state.ready = feed.ready;
  state.applied = feed.applied;
  state.cut = feed.cut;
  state.connections = totals.connections;
  state.messages = totals.messages;
  state.dropped_decisions = totals.dropped;
  state.restarts = gate.restarts();
  return state;
}

management::HubState Insight::status() {
  management::HubState state;
  state.version = LATCHKEY_VERSION;
  state.data_folder = folder_.path().string();
  state.id_scope = folder_.id_scope();
  state.key_profile = options_.key_profile;
  state.rehearsal = folder_.rehearsal();
  state.started = started_;
  state.now = clock_.settled_now();
  state.newest = registry_.newest_sequence();
  state.gates = {state_of(dps_), state_of(hub_)};
  return state;
}

registry::Outcome<registry::Nothing> Messages::send(const std::string& ns, const std::string& device,
                                                    const std::map<std::string, std::string>& properties,
                                                    const registry::Bytes& payload) {
  if (ns != kDefaultNamespace) {
    return registry::refuse(registry::Reason::kPreconditionFailed,
                            "namespace '" + ns + "' is linked to no hub of this process");
  }
  return sessions_.send(device, properties, payload);
}

}  // namespace latchkey::hub::app
