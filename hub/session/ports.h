// SPDX-License-Identifier: Apache-2.0
// What the session room needs from the other rooms of the hub, beside hub/ports; hub/app implements it over hub/link.
#pragma once

#include "hub/ports/certificate_issuer.h"
#include "hub/ports/enforcement.h"
#include "hub/wire/envelope.h"

namespace latchkey::hub::session {

// The way to the devices: the gate publishes to that one connection, if it lives and has subscribed. Threads: any; does
// not block.
class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void deliver(wire::Deliver message) = 0;
};

}  // namespace latchkey::hub::session
