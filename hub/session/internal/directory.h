// SPDX-License-Identifier: Apache-2.0
// Who is connected, and what was heard of each device. Threads: any.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "hub/session/session.h"

namespace latchkey::hub::session {

// The device behind a connection.
struct Speaker {
  wire::ConnectionId connection = 0;
  std::string device_id;
  std::string api_version;                // empty when the username does not say
  std::optional<DeviceIdentifier> shown;  // what its certificate carries
  std::string peer;                       // its address
};

class Directory {
 public:
  // A newer connection of a device takes the place of the older one.
  void open(const wire::Opened& opened, UnixMs now);
  void close(wire::ConnectionId connection);

  std::optional<Speaker> find(wire::ConnectionId connection) const;
  // The connection that a device has now.
  std::optional<Speaker> live(const std::string& device_id) const;

  void heard(const Speaker& speaker, UnixMs now);
  void count_telemetry(const Speaker& speaker, std::size_t bytes);
  void count_refused();
  void count_renewal();
  void count_cloud_to_device();

  std::vector<ConnectedDevice> connected() const;
  std::optional<ConnectedDevice> connected(const std::string& device_id) const;
  std::optional<UnixMs> last_seen(const std::string& device_id) const;
  Totals totals() const;

 private:
  struct Connection {
    Speaker speaker;
    UnixMs since = 0;
  };
  struct Device {
    wire::ConnectionId connection = 0;
    bool connected = false;
    UnixMs last_seen = 0;
    std::uint64_t telemetry = 0;
  };
  ConnectedDevice describe(const std::string& device_id, const Device& device) const;

  mutable std::mutex mutex_;
  // Guarded by mutex_. The gate lets only devices of the registry in, which bounds `devices_`.
  std::unordered_map<wire::ConnectionId, Connection> connections_;
  std::unordered_map<std::string, Device> devices_;
  Totals totals_;
};

}  // namespace latchkey::hub::session
