// SPDX-License-Identifier: Apache-2.0
#include "hub/app/nodes/called_devices.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace latchkey::hub::app {
namespace {

using registry::cluster::CallEnd;
using registry::cluster::DeviceCall;
using registry::cluster::ServedCalls;
using twin::Methods;

struct Place {
  std::shared_ptr<HubEndpoint> hub;  // the one where it is most of all
  Methods::Found found = Methods::Found::kAbsent;
};

Place place_of(const HubEndpoints& hubs, const std::string& ns, const std::string& device) {
  Place best;
  for (const auto& hub : hubs.all()) {
    if (hub->namespace_name() != ns) continue;
    const auto found = hub->twin_rooms().methods().find(device);
    if (best.hub == nullptr || found > best.found) best = {hub, found};
  }
  return best;
}

ServedCalls::Found found_of(Methods::Found found) {
  switch (found) {
    case Methods::Found::kListens: return ServedCalls::Found::kListens;
    case Methods::Found::kDeaf: return ServedCalls::Found::kDeaf;
    case Methods::Found::kAbsent: break;
  }
  return ServedCalls::Found::kAbsent;
}

CallEnd end_of(registry::Outcome<std::string> outcome) {
  if (outcome) return {std::nullopt, std::move(*outcome)};
  return {outcome.error().reason, std::move(outcome.error().detail)};
}

void ask(const HubEndpoints& hubs, const DeviceCall& call, std::function<void(CallEnd)> done) {
  const auto place = place_of(hubs, call.namespace_name, call.device);
  if (place.hub == nullptr) {
    return done({registry::Reason::kDeviceSilent, "504101: the hub of device '" + call.device + "' was deleted"});
  }
  const twin::MethodCall asked{call.method, call.payload, std::chrono::milliseconds(call.connect_ms),
                               std::chrono::milliseconds(call.response_ms)};
  place.hub->twin_rooms().methods().ask(
      call.device, asked,
      [done = std::move(done)](registry::Outcome<std::string> outcome) { done(end_of(std::move(outcome))); });
}

}  // namespace

ServedCalls::Devices called_devices(const HubEndpoints& hubs) {
  return {
      [&hubs](const std::string& ns, const std::string& device) { return found_of(place_of(hubs, ns, device).found); },
      [&hubs](const DeviceCall& call, std::function<void(CallEnd)> done) { ask(hubs, call, std::move(done)); },
      [&hubs] {
        for (const auto& hub : hubs.all()) hub->twin_rooms().methods().tick();
      }};
}

}  // namespace latchkey::hub::app
