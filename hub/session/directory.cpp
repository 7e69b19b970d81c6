// SPDX-License-Identifier: Apache-2.0
#include "hub/session/internal/directory.h"

#include <algorithm>

#include "agent/protocol/hub.h"

namespace latchkey::hub::session {

void Directory::open(const wire::Opened& opened, UnixMs now) {
  Connection connection;
  connection.speaker.connection = opened.connection;
  connection.speaker.device_id = opened.client_id;
  connection.speaker.shown = opened.identifier;
  if (const auto username = agent::hub::parse_username(opened.username)) {
    connection.speaker.api_version = username->api_version;
  }
  connection.speaker.peer = opened.peer;
  connection.since = now;
  const std::lock_guard lock(mutex_);
  if (connections_.count(opened.connection) != 0) return;  // told again after a lost link
  Device& device = devices_[opened.client_id];
  device.connection = opened.connection;
  device.connected = true;
  device.last_seen = now;
  connections_[opened.connection] = std::move(connection);
}

void Directory::close(wire::ConnectionId connection) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  Device& device = devices_[found->second.speaker.device_id];
  if (device.connection == connection) device.connected = false;
  connections_.erase(found);
}

std::optional<Speaker> Directory::find(wire::ConnectionId connection) const {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return std::nullopt;
  return found->second.speaker;
}

std::optional<Speaker> Directory::live(const std::string& device_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = devices_.find(device_id);
  if (found == devices_.end() || !found->second.connected) return std::nullopt;
  return connections_.at(found->second.connection).speaker;
}

void Directory::heard(const Speaker& speaker, UnixMs now) {
  const std::lock_guard lock(mutex_);
  devices_[speaker.device_id].last_seen = now;
}

void Directory::count_telemetry(const Speaker& speaker, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  ++devices_[speaker.device_id].telemetry;
  ++totals_.telemetry_messages;
  totals_.telemetry_bytes += bytes;
}

void Directory::count_refused() {
  const std::lock_guard lock(mutex_);
  ++totals_.refused_messages;
}

void Directory::count_renewal() {
  const std::lock_guard lock(mutex_);
  ++totals_.renewals;
}

void Directory::count_cloud_to_device() {
  const std::lock_guard lock(mutex_);
  ++totals_.cloud_to_device;
}

ConnectedDevice Directory::describe(const std::string& device_id, const Device& device) const {
  const Connection& connection = connections_.at(device.connection);
  return {device_id, device.connection, connection.speaker.peer, connection.since, device.last_seen, device.telemetry};
}

std::vector<ConnectedDevice> Directory::connected() const {
  std::vector<ConnectedDevice> all;
  {
    const std::lock_guard lock(mutex_);
    all.reserve(connections_.size());
    for (const auto& [id, device] : devices_) {
      if (device.connected) all.push_back(describe(id, device));
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.device_id < b.device_id; });
  return all;
}

std::optional<ConnectedDevice> Directory::connected(const std::string& device_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = devices_.find(device_id);
  if (found == devices_.end() || !found->second.connected) return std::nullopt;
  return describe(device_id, found->second);
}

std::optional<UnixMs> Directory::last_seen(const std::string& device_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = devices_.find(device_id);
  if (found == devices_.end()) return std::nullopt;
  return found->second.last_seen;
}

Totals Directory::totals() const {
  const std::lock_guard lock(mutex_);
  Totals totals = totals_;
  totals.connected = static_cast<std::uint64_t>(
      std::count_if(devices_.begin(), devices_.end(), [](const auto& entry) { return entry.second.connected; }));
  return totals;
}

}  // namespace latchkey::hub::session
