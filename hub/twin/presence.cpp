// SPDX-License-Identifier: Apache-2.0
#include "hub/twin/presence.h"

#include <algorithm>

#include "agent/protocol/hub.h"

namespace latchkey::hub::twin {

void Presence::opened(const wire::Opened& opened) {
  if (opened.attempt) return;  // closed already
  const std::lock_guard lock(mutex_);
  // A session that was kept has its subscriptions without a word, and so has one that is told again after a lost link.
  const auto& filters = opened.filters;
  const bool listens = std::find(filters.begin(), filters.end(), agent::hub::kMethodFilter) != filters.end();
  if (const auto known = connections_.find(opened.connection); known != connections_.end()) {
    known->second.listens = listens;
  } else {
    connections_[opened.connection] = {{opened.connection, opened.client_id, opened.identifier}, listens};
    devices_[opened.client_id] = opened.connection;
  }
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

void Presence::subscribed(const wire::Subscribed& subscribed) {
  if (subscribed.filter != agent::hub::kMethodFilter) return;
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(subscribed.connection);
  if (found == connections_.end()) return;
  found->second.listens = !subscribed.ended;
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

std::optional<Speaker> Presence::listener(const std::string& device_id) const {
  const std::lock_guard lock(mutex_);
  const auto* connection = connection_of(device_id);
  if (connection == nullptr || !connection->listens) return std::nullopt;
  return connection->speaker;
}

const Presence::Connection* Presence::connection_of(const std::string& device_id) const {
  const auto found = devices_.find(device_id);
  return found == devices_.end() ? nullptr : &connections_.at(found->second);
}

std::optional<Speaker> Presence::await_listener(const std::string& device_id, Duration connect, Duration grace) {
  using Clock = std::chrono::steady_clock;
  const auto began = Clock::now();
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const auto* connection = connection_of(device_id);
    if (connection != nullptr && connection->listens) return connection->speaker;
    const auto until = began + (connection != nullptr ? std::max(connect, grace) : connect);
    if (Clock::now() >= until) return std::nullopt;
    changed_.wait_until(lock, until);
  }
  return std::nullopt;
}

void Presence::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace latchkey::hub::twin
