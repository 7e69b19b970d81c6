// SPDX-License-Identifier: Apache-2.0
// Who sits where: the connections at the brokers of one hub, and the one of each device that counts. A broker lets the
// newest connection of a client id push out the one before it, but knows its own alone; over all of them the seats do.
//
// Invariants, in whatever order, and however often, gates tell what happened:
//  1. Of a device's connections that live, the newest that was told is seated, by wire::Opened::since_ms; of two in one
//     millisecond the one with the greater number.
//  2. Every other one of them, unless its own broker has pushed it out, was answered as one to be ended: so of two that
//     come at one time exactly one stays, and the same one for whoever asks again.
//
// What was to be ended and is told once more is answered as such once more: that makes good an order that was lost.
//
// Threads: all functions from any thread; none blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "hub/wire/envelope.h"

namespace latchkey::hub::app {

class Seats {
 public:
  explicit Seats(std::size_t brokers) : brokers_(brokers) {}

  struct Seat {
    wire::ConnectionId connection = 0;
    std::size_t broker = 0;
  };
  struct Arrival {
    bool seated = false;       // false: a newer one of its device sits already
    std::optional<Seat> ends;  // whose session is to be ended now, this one's own included
    // The broker goes on with a session that it kept, and that was the device's last one: it has been at no other
    // broker since. Of several brokers a process that is new cannot know, and says no.
    bool goes_on = false;
  };
  Arrival opened(std::size_t broker, const wire::Opened& opened);
  void closed(wire::ConnectionId connection);
  // As it was answered when the connection was first told.
  bool goes_on(wire::ConnectionId connection) const;

  // The link to a broker's gate is new: everything that lives there is about to be told again.
  void link_up(std::size_t broker);
  // Once all of it was told: those that were not told again, and so have ended. closed() is the caller's to say.
  std::vector<wire::ConnectionId> untold(std::size_t broker) const;
  std::vector<wire::ConnectionId> all(std::size_t broker) const;  // a broker's in the order in which they came
  std::size_t size() const;                                       // of all brokers

  std::optional<Seat> find(const std::string& device) const;
  std::optional<std::size_t> broker_of(wire::ConnectionId connection) const;
  // The same for all connections of a device.
  std::uint64_t lane_of(wire::ConnectionId connection) const;

 private:
  struct Device {
    wire::ConnectionId connection = 0;  // 0: nobody sits
    std::uint64_t since_ms = 0;
    std::optional<std::size_t> last;  // the broker where it sat last
  };
  using Devices = std::unordered_map<std::string, Device>;
  struct Connection {
    Devices::value_type* device = nullptr;  // stays where it is
    std::size_t broker = 0;
    bool told = true;
    bool goes_on = false;
  };
  std::vector<wire::ConnectionId> list(std::size_t broker, bool told_too) const;

  const std::size_t brokers_;
  mutable std::mutex mutex_;
  // Guarded by mutex_. Gates let only devices of the registry in, which bounds `devices_`.
  Devices devices_;
  std::unordered_map<wire::ConnectionId, Connection> connections_;
};

}  // namespace latchkey::hub::app
