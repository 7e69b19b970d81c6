// SPDX-License-Identifier: Apache-2.0
// What the firmware room needs from the other rooms of the hub; hub/app implements it.
#pragma once

#include "hub/wire/envelope.h"

namespace latchkey::hub::firmware {

// The way to the devices: the gate publishes to that one connection, if it lives and has subscribed. Does not block;
// called from several threads at once.
class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void deliver(wire::Deliver message) = 0;
};

}  // namespace latchkey::hub::firmware
