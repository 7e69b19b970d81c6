// SPDX-License-Identifier: Apache-2.0
#include "hub/app/dps_endpoint.h"

#include <utility>

namespace latchkey::hub::app {

DpsEndpoint::DpsEndpoint(const DataFolder& folder, Gate::Options gate) : gate_(folder, std::move(gate)) {}

void DpsEndpoint::open_provisioning(const Rooms& rooms, provisioning::Options options) {
  provisioning_ = std::make_unique<provisioning::Provisioning>(rooms.registry, rooms.issuer, rooms.verifier,
                                                               rooms.enforcement, std::move(options));
  Inbox::Handlers handlers;
  handlers.opened = [this](const wire::Opened& opened) {
    gate_.attest({opened.connection, provisioning_->opened(opened)});
  };
  handlers.closed = [this](wire::ConnectionId connection) { provisioning_->closed(connection); };
  handlers.request = [this](wire::ConnectionId connection, const std::string& topic, const wire::Bytes& payload) {
    request(connection, topic, payload);
  };
  inbox_ = std::make_unique<Inbox>(gate_.name(), rooms.workers, rooms.decisions, std::move(handlers));
}

void DpsEndpoint::request(wire::ConnectionId connection, const std::string& topic, const wire::Bytes& payload) {
  provisioning_->request(connection, topic, payload, [&](std::string_view reply_topic, std::string_view reply) {
    gate_.deliver({connection, std::string(reply_topic), wire::Bytes(reply.begin(), reply.end()), 1});
  });
}

registry::Outcome<registry::Nothing> DpsEndpoint::start() {
  return gate_.start([this](std::string_view topic, ByteView payload) { inbox_->receive(topic, payload); });
}

}  // namespace latchkey::hub::app
