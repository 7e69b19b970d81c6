// SPDX-License-Identifier: Apache-2.0
// hub/twin behind one hub endpoint: its parts, and what the endpoint's inbox tells them. Threads: any.
#pragma once

#include <functional>
#include <string>

#include "hub/twin/methods.h"
#include "hub/twin/presence.h"
#include "hub/twin/twins.h"

namespace latchkey::hub::app {

class TwinRooms {
 public:
  // All outlive this object. `deliver` publishes to a device of this endpoint; it does not block. `others`: the same
  // hub at nodes that share the registry, if several do.
  TwinRooms(registry::Registry& registry, const std::string& namespace_name, std::function<UnixMs()> now,
            std::function<void(const wire::Deliver&)> deliver, twin::OtherNodes* others);

  void opened(const wire::Opened& opened) { presence_.opened(opened); }
  void closed(wire::ConnectionId connection);
  void subscribed(const wire::Subscribed& subscribed) { presence_.subscribed(subscribed); }
  // False: the topic is not one of twins or methods.
  bool request(wire::ConnectionId connection, std::string_view topic, ByteView payload);
  // Ends every wait for a device.
  void stop() { methods_.stop(); }

  bool connected(const std::string& device) const { return presence_.live(device).has_value(); }
  twin::Twins& twins() { return twins_; }
  twin::Methods& methods() { return methods_; }

 private:
  class Outbox final : public twin::Outbox {
   public:
    explicit Outbox(std::function<void(const wire::Deliver&)> deliver) : deliver_(std::move(deliver)) {}
    void deliver(wire::Deliver message) override { deliver_(message); }

   private:
    const std::function<void(const wire::Deliver&)> deliver_;
  };

  Outbox outbox_;
  twin::Presence presence_;
  twin::Twins twins_;
  twin::Methods methods_;
};

}  // namespace latchkey::hub::app
