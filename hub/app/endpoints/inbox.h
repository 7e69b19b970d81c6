// SPDX-License-Identifier: Apache-2.0
// What one gate says, decoded and handed to the room that it concerns. A gate has an inbox of its own.
//
// Threads: receive() is called on the gate's link and never blocks; handlers run in the lane of the connection that
// they are about, one after the other for each connection. What cannot be decoded is dropped: gates and hub are of one
// build, and nothing that a device can send gets here undecoded.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "hub/app/base/workers.h"
#include "hub/app/endpoints/decision_log.h"
#include "hub/wire/envelope.h"

namespace latchkey::hub::app {

class Inbox {
 public:
  // A handler that is not set drops what it would hear.
  struct Handlers {
    // The lane that a connection's messages are handled in; not set: one of its own.
    std::function<std::uint64_t(wire::ConnectionId connection)> lane = {};
    std::function<void(const wire::Opened& opened)> opened;
    std::function<void(wire::ConnectionId connection)> closed;
    std::function<void(const wire::Subscribed& subscribed)> subscribed;
    std::function<void(const wire::Resumed& resumed)> resumed;
    std::function<void(const wire::Delivered& delivered)> delivered;
    std::function<void(wire::ConnectionId connection, const std::string& topic, const wire::Bytes& payload)> request;
  };

  // `gate`: the name that its decisions are kept under. Workers and log outlive this object; what the handlers reach
  // lives until the workers are stopped.
  Inbox(std::string gate, Workers& workers, DecisionLog& decisions, Handlers handlers)
      : gate_(std::move(gate)), workers_(workers), decisions_(decisions), handlers_(std::move(handlers)) {}

  void receive(std::string_view topic, ByteView payload);

 private:
  void post(wire::ConnectionId connection, std::function<void()> job) {
    workers_.post(handlers_.lane ? handlers_.lane(connection) : connection, std::move(job));
  }

  const std::string gate_;
  Workers& workers_;
  DecisionLog& decisions_;
  const Handlers handlers_;
};

}  // namespace latchkey::hub::app
