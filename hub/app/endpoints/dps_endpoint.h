// SPDX-License-Identifier: Apache-2.0
// The DPS endpoint: its gate, provisioning, and the way between the two. A hub process has one.
//
// Registrations, which take long, go through admission; everything else is answered in the lane of its connection, and
// waits for no registration.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "hub/app/endpoints/gate.h"
#include "hub/app/endpoints/inbox.h"
#include "hub/provisioning/admission.h"
#include "hub/provisioning/provisioning.h"
#include "hub/watch/numbers.h"

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
    hub::CertificateIssuer& issuer;
    provisioning::CertificateVerifier& verifier;
    hub::Enforcement& enforcement;  // of all hub endpoints
    Workers& workers;               // of this endpoint alone
    DecisionLog& decisions;
    std::function<bool()> live_waits;  // does work of live sessions wait?
    std::size_t most_waiting;          // registrations
  };
  void open_provisioning(const Rooms& rooms, provisioning::Options options);
  // Gate::start(). From here on devices are served.
  registry::Outcome<registry::Nothing> start();

  // After the gate and the workers: what runs ends, what waits is dropped.
  void stop_admission() {
    if (admission_) admission_->stop();
  }

  Gate& gate() { return gate_; }
  // Of registrations; open_provisioning() was called.
  watch::ProvisioningNumbers numbers() const;

 private:
  void request(wire::ConnectionId connection, const std::string& topic, const wire::Bytes& payload);
  void enter(wire::ConnectionId connection, const std::string& topic, const wire::Bytes& payload);
  void hold_door();
  provisioning::Reply reply_to(wire::ConnectionId connection);

  std::uint32_t fixed_retry_s_ = 0;  // what 429 asks for whatever the load; 0: by the load
  std::atomic<std::uint64_t> held_ms_ = 0;
  std::unique_ptr<provisioning::Provisioning> provisioning_;
  std::unique_ptr<provisioning::Admission> admission_;
  std::unique_ptr<Inbox> inbox_;
  Gate gate_;  // goes first: it speaks to the others
};

}  // namespace latchkey::hub::app
