// SPDX-License-Identifier: Apache-2.0
// Who is connected, and whether it listens to direct methods. Threads: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "hub/wire/envelope.h"

namespace latchkey::hub::twin {

// The device behind a connection.
struct Speaker {
  wire::ConnectionId connection = 0;
  std::string device_id;
  std::optional<DeviceIdentifier> shown;  // what its certificate carries
};

class Presence {
 public:
  // A newer connection of a device takes the place of the older one.
  void opened(const wire::Opened& opened);
  void closed(wire::ConnectionId connection);
  void subscribed(const wire::Subscribed& subscribed);

  std::optional<Speaker> find(wire::ConnectionId connection) const;
  // The connection that a device has now.
  std::optional<Speaker> live(const std::string& device_id) const;
  // The same, if it listens to methods.
  std::optional<Speaker> listener(const std::string& device_id) const;

  using Duration = std::chrono::milliseconds;
  // Blocks until the device has a connection that listens to methods; nothing if it has none within `connect`. One that
  // is connected has at least `grace`: its subscription is acknowledged a moment before it is known here.
  std::optional<Speaker> await_listener(const std::string& device_id, Duration connect, Duration grace);
  // Whoever waits, or comes to wait, goes away with nothing.
  void stop();

 private:
  struct Connection {
    Speaker speaker;
    bool listens = false;
  };
  const Connection* connection_of(const std::string& device_id) const;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::unordered_map<wire::ConnectionId, Connection> connections_;
  std::unordered_map<std::string, wire::ConnectionId> devices_;
  bool stopped_ = false;
};

}  // namespace latchkey::hub::twin
