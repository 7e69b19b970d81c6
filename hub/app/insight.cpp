// SPDX-License-Identifier: Apache-2.0
#include "hub/app/insight.h"

namespace latchkey::hub::app {
namespace {

struct Found {
  HubEndpoint* linked = nullptr;     // some endpoint of a hub that is linked to the namespace
  HubEndpoint* connected = nullptr;  // the one where the device has a session
};

Found find(const HubEndpoints& hubs, const std::string& ns, const std::string& device) {
  Found found;
  for (const auto& hub : hubs) {
    if (hub->namespace_name() != ns) continue;
    found.linked = hub.get();
    if (hub->sessions().connected(device)) found.connected = hub.get();
  }
  return found;
}

}  // namespace

std::optional<bool> Insight::connected(const std::string& ns, const std::string& device) {
  const auto found = find(hubs_, ns, device);
  if (found.linked == nullptr) return std::nullopt;
  return found.connected != nullptr;
}

management::GateState Insight::state_of(Gate& gate) const {
  const auto feed = gate.feeder().state();
  const auto totals = log_.totals(gate.name());
  management::GateState state;
  state.endpoint = gate.name();
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
  auto& dps = state.gates.emplace_back(state_of(dps_));
  dps.applied = dps.cut = state.newest;  // it follows the clock alone, so no change is ahead of it
  for (const auto& hub : hubs_) state.gates.push_back(state_of(hub->gate()));
  return state;
}

registry::Outcome<registry::Nothing> Messages::send(const std::string& ns, const std::string& device,
                                                    const std::map<std::string, std::string>& properties,
                                                    const registry::Bytes& payload) {
  const auto found = find(hubs_, ns, device);
  if (found.linked == nullptr) {
    return registry::refuse(registry::Reason::kPreconditionFailed,
                            "namespace '" + ns + "' is linked to no hub of this process");
  }
  auto& hub = found.connected != nullptr ? *found.connected : *found.linked;  // which says that it is not connected
  return hub.sessions().send(device, properties, payload);
}

}  // namespace latchkey::hub::app
