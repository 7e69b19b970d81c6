// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/twin_rooms.h"

#include <utility>

#include "agent/protocol/hub.h"

namespace latchkey::hub::app {
namespace {

twin::Twins::Options twin_options(const std::string& namespace_name, std::function<UnixMs()> now,
                                  twin::OtherNodes* others) {
  twin::Twins::Options options;
  options.namespace_name = namespace_name;
  options.now = std::move(now);
  options.told_by_registry = others != nullptr;
  if (others != nullptr) {
    options.elsewhere = [others, namespace_name](const std::string& device) {
      return others->connected(namespace_name, device);
    };
  }
  return options;
}

twin::Methods::Options method_options(const std::string& namespace_name) {
  twin::Methods::Options options;
  options.namespace_name = namespace_name;
  return options;
}

}  // namespace

TwinRooms::TwinRooms(registry::Registry& registry, const std::string& namespace_name, std::function<UnixMs()> now,
                     std::function<void(const wire::Deliver&)> deliver, twin::OtherNodes* others)
    : outbox_(std::move(deliver)),
      twins_(registry, presence_, outbox_, twin_options(namespace_name, std::move(now), others)),
      methods_(registry, presence_, outbox_, method_options(namespace_name), others) {}

void TwinRooms::closed(wire::ConnectionId connection) {
  presence_.closed(connection);
  methods_.closed(connection);
}

bool TwinRooms::request(wire::ConnectionId connection, std::string_view topic, ByteView payload) {
  using agent::hub::RequestKind;
  const auto request = agent::hub::parse_request_topic(topic);
  if (!request || request->kind == RequestKind::kTelemetry || request->kind == RequestKind::kIssueCertificate) {
    return false;
  }
  const auto speaker = presence_.find(connection);
  if (!speaker) return true;
  switch (request->kind) {
    case RequestKind::kTwinGet: twins_.get(*speaker, request->request_id); break;
    case RequestKind::kTwinReport: twins_.report(*speaker, request->request_id, request->version, payload); break;
    default: (void)methods_.answer(*speaker, request->request_id, request->status, payload); break;
  }
  return true;
}

}  // namespace latchkey::hub::app
