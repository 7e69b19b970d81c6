// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/seats.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace latchkey::hub::app {

Seats::Arrival Seats::opened(std::size_t broker, const wire::Opened& opened) {
  const std::lock_guard lock(mutex_);
  auto& place = *devices_.try_emplace(opened.client_id).first;
  auto& [id, device] = place;
  const auto [told, first] = connections_.try_emplace(opened.connection);
  auto& connection = told->second;
  if (first) connection = {&place, broker, true, brokers_ == 1 || device.last == broker};
  connection.told = true;
  Arrival arrival;
  arrival.goes_on = opened.resumes && connection.goes_on;
  const auto newcomer = std::pair(opened.since_ms, opened.connection);
  const auto holder = std::pair(device.since_ms, device.connection);
  if (device.connection != 0 && newcomer < holder) {
    // Its own broker pushed it out; elsewhere somebody has to.
    if (connections_.at(device.connection).broker != broker) arrival.ends = Seat{opened.connection, broker};
    return arrival;
  }
  if (device.connection != 0 && device.connection != opened.connection) {
    const auto& before = connections_.at(device.connection);
    if (before.broker != broker) arrival.ends = Seat{device.connection, before.broker};
  }
  arrival.seated = true;
  device = {opened.connection, opened.since_ms, broker};
  return arrival;
}

void Seats::closed(wire::ConnectionId connection) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  auto& device = found->second.device->second;
  if (device.connection == connection) device.connection = 0;
  connections_.erase(found);
}

void Seats::link_up(std::size_t broker) {
  const std::lock_guard lock(mutex_);
  for (auto& [number, connection] : connections_) {
    if (connection.broker == broker) connection.told = false;
  }
}

std::vector<wire::ConnectionId> Seats::untold(std::size_t broker) const { return list(broker, false); }

std::vector<wire::ConnectionId> Seats::all(std::size_t broker) const { return list(broker, true); }

std::size_t Seats::size() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

std::vector<wire::ConnectionId> Seats::list(std::size_t broker, bool told_too) const {
  const std::lock_guard lock(mutex_);
  std::vector<wire::ConnectionId> listed;
  for (const auto& [number, connection] : connections_) {
    if (connection.broker == broker && (told_too || !connection.told)) listed.push_back(number);
  }
  std::sort(listed.begin(), listed.end());
  return listed;
}

bool Seats::goes_on(wire::ConnectionId connection) const {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection);
  return found != connections_.end() && found->second.goes_on;
}

std::optional<Seats::Seat> Seats::find(const std::string& device) const {
  const std::lock_guard lock(mutex_);
  const auto found = devices_.find(device);
  if (found == devices_.end() || found->second.connection == 0) return std::nullopt;
  return Seat{found->second.connection, *found->second.last};
}

std::optional<std::size_t> Seats::broker_of(wire::ConnectionId connection) const {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return std::nullopt;
  return found->second.broker;
}

std::uint64_t Seats::lane_of(wire::ConnectionId connection) const {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return connection;
  return std::hash<std::string>{}(found->second.device->first);
}

}  // namespace latchkey::hub::app
