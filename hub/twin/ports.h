// SPDX-License-Identifier: Apache-2.0
// What the twin room needs from the other rooms of the hub; hub/app implements it.
#pragma once

#include <chrono>
#include <string>

#include "hub/wire/envelope.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::twin {

// The way to the devices: the gate publishes to that one connection, if it lives and has subscribed. Does not block;
// called from several threads at once.
class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void deliver(wire::Deliver message) = 0;
};

// A direct method as it is asked of a device.
struct MethodCall {
  std::string name;
  std::string payload;                    // JSON text
  std::chrono::milliseconds connect{0};   // how long the device may take to come
  std::chrono::milliseconds response{0};  // and to answer
};

// The same hub at other nodes.
class OtherNodes {
 public:
  virtual ~OtherNodes() = default;
  // Blocks until the device has answered at whichever node it is, or comes to (this one too), or its time is over.
  // As Methods::invoke answers.
  virtual registry::Outcome<std::string> invoke(const std::string& namespace_name, const std::string& device_id,
                                                const MethodCall& call) = 0;
  // Whether the device is connected at another node than this.
  virtual bool connected(const std::string& namespace_name, const std::string& device_id) = 0;
};

}  // namespace latchkey::hub::twin
