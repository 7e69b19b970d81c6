// SPDX-License-Identifier: Apache-2.0
// The DPS endpoint: its gate, provisioning, and the way between the two. A hub process has one.
#pragma once

#include <memory>

#include "hub/app/gate.h"
#include "hub/app/inbox.h"
#include "hub/provisioning/provisioning.h"

namespace latchkey::hub::app {

// The name of its gate.
inline constexpr const char* kDpsGate = "dps";

class DpsEndpoint {
 public:
  // `folder` outlives this object.
  DpsEndpoint(const DataFolder& folder, Gate::Options gate);

  // What it takes to serve; all outlive this object. Called once, before the gate is started.
  struct Rooms {
    registry::Registry& registry;
    provisioning::CertificateIssuer& issuer;
    provisioning::CertificateVerifier& verifier;
    provisioning::Enforcement& enforcement;  // of all hub endpoints
    Workers& workers;
    DecisionLog& decisions;
  };
  void open_provisioning(const Rooms& rooms, provisioning::Options options);
  // Gate::start(). From here on devices are served.
  registry::Outcome<registry::Nothing> start();

  Gate& gate() { return gate_; }

 private:
  void request(wire::ConnectionId connection, const std::string& topic, const wire::Bytes& payload);

  std::unique_ptr<provisioning::Provisioning> provisioning_;
  std::unique_ptr<Inbox> inbox_;
  Gate gate_;  // goes first: it speaks to the others
};

}  // namespace latchkey::hub::app
