// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/insight.h"

#include <algorithm>

namespace latchkey::hub::app {
namespace {

struct Found {
  std::shared_ptr<HubEndpoint> linked;     // some endpoint of a hub that is linked to the namespace
  std::shared_ptr<HubEndpoint> connected;  // the one where the device has a session
};

Found find(const HubEndpoints& hubs, const std::string& ns, const std::string& device) {
  Found found;
  for (const auto& hub : hubs.all()) {
    if (hub->namespace_name() != ns) continue;
    found.linked = hub;
    if (hub->sessions().connected(device)) found.connected = hub;
  }
  return found;
}

}  // namespace

std::optional<bool> Insight::connected(const std::string& ns, const std::string& device) {
  const auto found = find(hubs_, ns, device);
  if (found.linked == nullptr) return std::nullopt;
  if (found.connected != nullptr || elsewhere_ == nullptr) return found.connected != nullptr;
  const auto hubs = hubs_.all();
  return std::any_of(hubs.begin(), hubs.end(), [&](const auto& hub) {
    return hub->namespace_name() == ns && elsewhere_->connected(hub->name(), device);
  });
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
  state.parity = options_.parity;
  state.started = started_;
  state.now = clock_.settled_now();
  state.newest = registry_.newest_sequence();
  if (options_.https) state.https = "https://" + host_and_port(*options_.https);
  if (options_.signing) {
    state.signing = "https://" + host_and_port(*options_.signing);
    state.signing_open = "http://" + host_and_port(options_.signing_open);
  }
  if (options_.metrics) state.metrics = host_and_port(*options_.metrics);
  auto& dps = state.gates.emplace_back(state_of(dps_));
  dps.applied = dps.cut = state.newest;  // it follows the clock alone, so no change is ahead of it
  for (const auto& hub : hubs_.all()) {
    for (const auto& gate : hub->gates()) state.gates.push_back(state_of(*gate));
    if (const auto* front = hub->front()) {
      state.fronts.push_back({hub->name(), front->address().text(), front->pid(), front->ready(), front->restarts()});
    }
  }
  return state;
}

registry::Outcome<registry::Message> Messages::send(const registry::Call& call, const std::string& ns,
                                                    const std::string& device, const Outgoing& message) {
  const auto found = find(hubs_, ns, device);
  if (found.linked == nullptr) {
    return registry::refuse(registry::Reason::kPreconditionFailed,
                            "namespace '" + ns + "' is linked to no hub of this process");
  }
  const session::OutgoingMessage outgoing{message.id, message.properties, ByteView(message.payload), message.live_ms};
  auto queued = found.linked->sessions().send(call, device, outgoing);
  if (!queued) return queued;
  // The queue is the device's, wherever it is connected, or has connected meanwhile.
  for (const auto& hub : hubs_.all()) {
    if (hub->namespace_name() == ns && hub != found.linked) hub->sessions().offer(device);
  }
  return queued;
}

}  // namespace latchkey::hub::app
