// SPDX-License-Identifier: Apache-2.0
#include "hub/app/hub_endpoint.h"

#include <utility>

namespace latchkey::hub::app {

HubEndpoint::HubEndpoint(const DataFolder& folder, Gate::Options gate, std::string namespace_name)
    : namespace_name_(std::move(namespace_name)), gate_(folder, std::move(gate)) {}

void HubEndpoint::open_sessions(const Rooms& rooms, std::function<UnixMs()> now) {
  session::Options options;
  options.namespace_name = namespace_name_;
  options.now = now;
  options.apart = [&signers = rooms.signers](wire::ConnectionId connection, std::function<void()> renewal) {
    signers.post(connection, std::move(renewal));
  };
  sessions_ = std::make_unique<session::Sessions>(rooms.registry, rooms.issuer, rooms.enforcement, outbox_, options);
  twin_rooms_ = std::make_unique<TwinRooms>(rooms.registry, namespace_name_, std::move(now),
                                            [this](const wire::Deliver& message) { gate_.deliver(message); });
  Inbox::Handlers handlers;
  handlers.opened = [this](const wire::Opened& opened) {
    sessions_->opened(opened);
    twin_rooms_->opened(opened);
  };
  handlers.closed = [this](wire::ConnectionId connection) {
    sessions_->closed(connection);
    twin_rooms_->closed(connection);
  };
  handlers.subscribed = [this](const wire::Subscribed& subscribed) {
    sessions_->subscribed(subscribed);
    twin_rooms_->subscribed(subscribed);
  };
  handlers.resumed = [this](const wire::Resumed& resumed) { sessions_->resumed(resumed); };
  handlers.delivered = [this](const wire::Delivered& delivered) { sessions_->delivered(delivered); };
  handlers.request = [this](wire::ConnectionId connection, const std::string& topic, const wire::Bytes& payload) {
    if (!twin_rooms_->request(connection, topic, ByteView(payload))) sessions_->request(connection, topic, payload);
  };
  inbox_ = std::make_unique<Inbox>(gate_.name(), rooms.workers, rooms.decisions, std::move(handlers));
}

registry::Outcome<registry::Nothing> HubEndpoint::start() {
  return gate_.start([this](std::string_view topic, ByteView payload) { inbox_->receive(topic, payload); });
}

}  // namespace latchkey::hub::app
