// SPDX-License-Identifier: Apache-2.0
// The hub endpoint of a gate in a real Mosquitto, fed with three devices and two issuing CAs.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/integration/gate_broker.h"
#include "tests/integration/gate_hub_side.h"
#include "tests/integration/gate_pki.h"
#include "tests/integration/gate_probe.h"

namespace latchkey::tests {

// The parameter is the version of TLS, for the tests that are the same in both.
class HubGate : public ::testing::TestWithParam<int> {
 protected:
  HubGate() : root(make_ca("root")), issuing(make_ca("issuing", &root)), other(make_ca("other issuing", &root)) {}

  template <class Id>
  static Id id_of(std::uint8_t fill) {
    Id id;
    id.bytes.fill(fill);
    return id;
  }
  static hub::wire::DeviceRecord record(const std::string& id, std::uint8_t number, std::uint8_t credential,
                                        bool enabled = true) {
    return {id, id_of<Uuid>(number), id_of<CredentialId>(credential), enabled, 1};
  }
  static DeviceIdentifier identifier(std::uint8_t number, std::uint8_t credential) {
    return {id_of<Uuid>(number), id_of<CredentialId>(credential)};
  }
  static ConnectWish device(const std::string& id) {
    ConnectWish wish;
    wish.client_id = id;
    wish.username = "hub.example/" + id + "/?api-version=2025-08-01-preview&DeviceClientType=test";
    return wish;
  }

  void feed() {
    const auto ack =
        hub.snapshot({hub::wire::AnchorAdded{kIssuing, issuing.der()}, hub::wire::AnchorAdded{kOther, other.der()},
                      record("dev-1", 1, 10), record("dev-2", 2, 20), record("off", 3, 30, false)});
    ASSERT_FALSE(ack.need_snapshot);
    ASSERT_EQ(ack.applied, 1u);
    ASSERT_EQ(ack.cut, 1u);
  }
  Identity leaf(const std::string& id, std::uint8_t number, std::uint8_t credential) {
    return make_leaf(device_leaf(id, identifier(number, credential)), issuing);
  }
  // What the gate makes of a connection with that certificate.
  int try_connect(const Identity& identity, const ConnectWish& wish) {
    Probe probe(broker.port(), &identity);
    return probe.connect(wish);
  }
  void expect_refused(const Identity& identity, const ConnectWish& wish, registry::Reason reason,
                      hub::wire::Check failed) {
    EXPECT_EQ(try_connect(identity, wish), 5);
    const auto decision = hub.next_decision();
    EXPECT_EQ(decision.reason, reason) << registry::to_string(decision.reason);
    EXPECT_EQ(decision.checks[static_cast<std::size_t>(failed)], hub::wire::CheckOutcome::kFailed);
  }

  const Uuid kIssuing = id_of<Uuid>(0xa1);
  const Uuid kOther = id_of<Uuid>(0xa2);
  Identity root;
  Identity issuing;
  Identity other;
  Broker broker{"hub"};
  HubSide hub{broker.socket()};
};

// What happens behind the connect is the same in every version.
class HubGateLive : public HubGate {};

}  // namespace latchkey::tests
