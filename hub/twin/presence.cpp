// SPDX-License-Identifier: Apache-2.0
#include "hub/twin/presence.h"

#include <algorithm>

#include "agent/protocol/hub.h"

namespace latchkey::hub::twin {

void Presence::opened(const wire::Opened& opened) {
  if (opened.attempt) return;  // closed already
  const std::lock_guard lock(mutex_);
  if (connections_.count(opened.connection) != 0) return;  // told again after a lost link
  connections_[opened.connection] = {{opened.connection, opened.client_id, opened.identifier}, false};
  devices_[opened.client_id] = opened.connection;
  changed_.notify_all();
}

void Presence::closed(wire::ConnectionId connection) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  const auto device = devices_.find(found->second.speaker.device_id);
  if (device != devices_.end() && device->second == connection) devices_.erase(device);
  connections_.erase(found);
}

void Presence::subscribed(wire::ConnectionId connection, std::string_view filter) {
  if (filter != agent::hub::kMethodFilter) return;
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  found->second.listens = true;
  changed_.notify_all();
}

std::optional<Speaker> Presence::find(wire::ConnectionId connection) const {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return std::nullopt;
  return found->second.speaker;
}

std::optional<Speaker> Presence::live(const std::string& device_id) const {
  const std::lock_guard lock(mutex_);
  const auto* connection = connection_of(device_id);
  if (connection == nullptr) return std::nullopt;
  return connection->speaker;
}

const Presence::Connection* Presence::connection_of(const std::string& device_id) const {
  const auto found = devices_.find(device_id);
  return found == devices_.end() ? nullptr : &connections_.at(found->second);
}

std::optional<Speaker> Presence::await_listener(const std::string& device_id, Duration connect, Duration patience) {
  using Clock = std::chrono::steady_clock;
  const auto connect_by = Clock::now() + connect;
  std::optional<wire::ConnectionId> seen;
  Clock::time_point listen_by;
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const auto* connection = connection_of(device_id);
    if (connection != nullptr) {
      if (seen != connection->speaker.connection) {
        seen = connection->speaker.connection;
        listen_by = Clock::now() + patience;
      }
      if (connection->listens || Clock::now() >= listen_by) return connection->speaker;
      changed_.wait_until(lock, listen_by);
      continue;
    }
    if (Clock::now() >= connect_by) return std::nullopt;
    changed_.wait_until(lock, connect_by);
  }
  return std::nullopt;
}

void Presence::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace latchkey::hub::twin
