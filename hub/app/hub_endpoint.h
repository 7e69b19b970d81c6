// SPDX-License-Identifier: Apache-2.0
// One hub endpoint: its gate, the sessions of the devices that are connected there, and the way between the two. A hub
// process has one for each hub that it serves.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "hub/app/gate.h"
#include "hub/app/inbox.h"
#include "hub/app/twin_rooms.h"
#include "hub/session/session.h"

namespace latchkey::hub::app {

class HubEndpoint {
 public:
  // `gate.hub_name` names the hub, `namespace_name` the namespace that it is linked to. `folder` outlives this object.
  HubEndpoint(const DataFolder& folder, Gate::Options gate, std::string namespace_name);

  // What it takes to serve; all outlive this object. Called once, before the gate is started.
  struct Rooms {
    registry::Registry& registry;
    session::CertificateIssuer& issuer;
    session::Enforcement& enforcement;  // of all hub endpoints, not of this one alone
    Workers& workers;
    Workers& signers;  // for renewals, so that they hold up no message of their device
    DecisionLog& decisions;
  };
  void open_sessions(const Rooms& rooms, std::function<UnixMs()> now);
  // Gate::start(). From here on devices are served.
  registry::Outcome<registry::Nothing> start();

  const std::string& name() const { return gate_.name(); }
  Gate& gate() { return gate_; }
  const Gate& gate() const { return gate_; }
  session::Sessions& sessions() { return *sessions_; }
  TwinRooms& twin_rooms() { return *twin_rooms_; }
  // Ends every wait for a device, so that whoever asked has an answer before management closes.
  void stop_waiting() {
    if (twin_rooms_) twin_rooms_->stop();
  }
  const std::string& namespace_name() const { return namespace_name_; }

 private:
  class Outbox final : public session::Outbox {
   public:
    explicit Outbox(Gate& gate) : gate_(gate) {}
    void deliver(wire::Deliver message) override { gate_.deliver(message); }

   private:
    Gate& gate_;
  };

  const std::string namespace_name_;
  Outbox outbox_{gate_};
  std::unique_ptr<session::Sessions> sessions_;
  std::unique_ptr<TwinRooms> twin_rooms_;
  std::unique_ptr<Inbox> inbox_;
  Gate gate_;  // goes first: it speaks to the others
};

}  // namespace latchkey::hub::app
