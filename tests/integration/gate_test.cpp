// SPDX-License-Identifier: Apache-2.0
// The gate in a real Mosquitto, hub endpoint: who is let in, and who is refused for which reason.
#include <gtest/gtest.h>

#include "tests/integration/gate_hub_world.h"

namespace latchkey::tests {
namespace {

using hub::wire::AnchorAdded;
using hub::wire::Batch;
using hub::wire::Check;
using hub::wire::CheckOutcome;
using hub::wire::Decision;
using registry::Reason;

// Rows: R-9-21
TEST_P(HubGate, a_current_certificate_is_accepted) {
  feed();
  const Identity identity = leaf("dev-1", 1, 10);
  Probe probe(broker.port(), &identity, GetParam());
  EXPECT_EQ(probe.connect(device("dev-1")), 0);
  const auto opened = hub.next_opened();
  EXPECT_EQ(opened.client_id, "dev-1");
  EXPECT_EQ(opened.peer, "127.0.0.1");
  EXPECT_EQ(opened.identifier, identifier(1, 10));
  EXPECT_FALSE(opened.resent);
  const Decision decision = hub.next_decision();
  EXPECT_EQ(decision.reason, Reason::kNone);
  EXPECT_EQ(decision.issuer, kIssuing);
  EXPECT_EQ(decision.client_id, "dev-1");
  EXPECT_FALSE(decision.serial.empty());
  for (const CheckOutcome outcome : decision.checks) EXPECT_EQ(outcome, CheckOutcome::kPassed);
}

// Rows: R-9-21
TEST_P(HubGate, the_issuing_ca_may_be_sent_along) {
  feed();
  const Identity identity = leaf("dev-1", 1, 10);
  Probe probe(broker.port(), &identity, GetParam(), &issuing);
  EXPECT_EQ(probe.connect(device("dev-1")), 0);
}

TEST_P(HubGate, a_session_cannot_be_resumed) {
  feed();
  const Identity identity = leaf("dev-1", 1, 10);
  SSL_SESSION* session = nullptr;
  {
    Probe first(broker.port(), &identity, GetParam());
    ASSERT_EQ(first.connect(device("dev-1")), 0);
    session = first.session();
  }
  Probe second(broker.port(), &identity, GetParam(), nullptr, session);
  EXPECT_FALSE(second.resumed());
  EXPECT_EQ(second.connect(device("dev-1")), 0);
  SSL_SESSION_free(session);
}

INSTANTIATE_TEST_SUITE_P(Tls, HubGate, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return version.param == TLS1_2_VERSION ? "1_2" : "1_3"; });

// The refusals: each over a real handshake of either version, as the gate must let TLS finish in both.

using HubGateRefuses = HubGate;

INSTANTIATE_TEST_SUITE_P(Tls, HubGateRefuses, ::testing::Values(0));

TEST_P(HubGateRefuses, every_wrong_certificate_with_its_reason) {
  feed();
  struct Case {
    const char* what;
    Identity identity;
    Reason reason;
    Check failed;
    int connack = 5;
  };
  LeafWish expired = device_leaf("dev-1", identifier(1, 10));
  expired.not_before_s = -86'400;
  expired.not_after_s = -60;
  LeafWish early = device_leaf("dev-1", identifier(1, 10));
  early.not_before_s = 3600;
  LeafWish bare = device_leaf("dev-1", identifier(1, 10));
  bare.identifiers.clear();
  LeafWish brief = device_leaf("dev-1", identifier(1, 10));
  brief.identifiers[0].pop_back();
  LeafWish lengthy = device_leaf("dev-1", identifier(1, 10));
  lengthy.identifiers[0].push_back(0);
  LeafWish twice = device_leaf("dev-1", identifier(1, 10));
  twice.identifiers.push_back(twice.identifiers[0]);
  LeafWish critical = device_leaf("dev-1", identifier(1, 10));
  critical.unknown_critical_extension = true;
  LeafWish server = device_leaf("dev-1", identifier(1, 10));
  server.server_only = true;
  LeafWish forged = device_leaf("dev-1", identifier(1, 10));
  forged.break_signature = true;
  const Identity stranger = make_ca("stranger");

  std::vector<Case> cases;
  cases.push_back({"outdated identifier", leaf("dev-1", 1, 11), Reason::kIdentifierMismatch, Check::kCurrent});
  cases.push_back({"another device's identifier", leaf("dev-1", 2, 20), Reason::kIdentifierMismatch, Check::kCurrent});
  cases.push_back({"expired", make_leaf(expired, issuing), Reason::kExpired, Check::kValidity});
  cases.push_back({"not yet valid", make_leaf(early, issuing), Reason::kNotYetValid, Check::kValidity});
  cases.push_back({"no identifier", make_leaf(bare, issuing), Reason::kMalformedIdentifier, Check::kIdentifier});
  cases.push_back({"short identifier", make_leaf(brief, issuing), Reason::kMalformedIdentifier, Check::kIdentifier});
  cases.push_back({"long identifier", make_leaf(lengthy, issuing), Reason::kMalformedIdentifier, Check::kIdentifier});
  cases.push_back({"two identifiers", make_leaf(twice, issuing), Reason::kMalformedIdentifier, Check::kIdentifier});
  cases.push_back(
      {"unknown critical extension", make_leaf(critical, issuing), Reason::kCertificateMalformed, Check::kChain});
  cases.push_back({"not for clients", make_leaf(server, issuing), Reason::kCertificateMalformed, Check::kChain});
  cases.push_back({"forged", make_leaf(forged, issuing), Reason::kCertificateMalformed, Check::kChain});
  cases.push_back({"unknown CA", make_leaf(device_leaf("dev-1", identifier(1, 10)), stranger),
                   Reason::kIssuerNotTrusted, Check::kIssuer});
  cases.push_back({"root instead of issuing CA", make_leaf(device_leaf("dev-1", identifier(1, 10)), root),
                   Reason::kIssuerNotTrusted, Check::kIssuer});
  cases.push_back({"self-signed", make_ca("dev-1"), Reason::kIssuerNotTrusted, Check::kIssuer});
  for (const Case& one : cases) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      SCOPED_TRACE(std::string(one.what) + (version == TLS1_2_VERSION ? " 1.2" : " 1.3"));
      Probe probe(broker.port(), &one.identity, version);
      EXPECT_EQ(probe.connect(device("dev-1")), 5);
      EXPECT_TRUE(probe.closed());
      const Decision decision = hub.next_decision();
      EXPECT_EQ(decision.reason, one.reason) << registry::to_string(decision.reason);
      EXPECT_EQ(decision.checks[static_cast<std::size_t>(one.failed)], CheckOutcome::kFailed);
    }
  }
  EXPECT_EQ(hub.waiting_opened(), 0u);
}

TEST_P(HubGateRefuses, wrong_names_and_records) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev3 = leaf("dev-3", 4, 40);
  const Identity off = leaf("off", 3, 30);
  expect_refused(dev3, device("dev-3"), Reason::kDeviceUnknown, Check::kDevice);
  expect_refused(off, device("off"), Reason::kDeviceDisabled, Check::kEnabled);
  expect_refused(dev1, device("dev-2"), Reason::kClientIdMismatch, Check::kNames);
  expect_refused(dev1, device("DEV-1"), Reason::kClientIdMismatch, Check::kNames);
  ConnectWish foreign_username = device("dev-1");
  foreign_username.username = device("dev-2").username;
  expect_refused(dev1, foreign_username, Reason::kClientIdMismatch, Check::kNames);
  ConnectWish no_username = device("dev-1");
  no_username.username.reset();
  expect_refused(dev1, no_username, Reason::kClientIdMismatch, Check::kNames);
  for (const char* id : {"#", "+", "dev/1", "-dev", "dev 1"}) {
    expect_refused(dev1, device(id), Reason::kMalformedClientId, Check::kClientId);
  }
  // Others never noticed.
  EXPECT_EQ(try_connect(dev1, device("dev-1")), 0);
}

TEST_P(HubGateRefuses, no_certificate_even_with_a_token) {
  feed();
  ConnectWish wish = device("dev-1");
  wish.password = "SharedAccessSignature sr=x&sig=y&se=1";
  Probe probe(broker.port(), nullptr);
  EXPECT_EQ(probe.connect(wish), 5);
  EXPECT_EQ(hub.next_decision().reason, Reason::kNoCredential);
}

TEST_P(HubGateRefuses, other_versions_of_mqtt) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  ConnectWish wish = device("dev-1");
  wish.level = 3;
  expect_refused(dev1, wish, Reason::kProtocolVersion, Check::kProtocol);
  wish.level = 5;
  Probe probe(broker.port(), &dev1);
  EXPECT_EQ(probe.connect(wish), 135);  // MQTT 5: not authorized
  EXPECT_EQ(hub.next_decision().reason, Reason::kProtocolVersion);
}

TEST_P(HubGateRefuses, everybody_without_connack_until_the_state_is_complete) {
  const Identity dev1 = leaf("dev-1", 1, 10);
  EXPECT_EQ(try_connect(dev1, device("dev-1")), Probe::kNoConnack);
  // The first part of a snapshot is not a state.
  hub.send(Batch{77, 1, false, hub::wire::kEndless, {AnchorAdded{kIssuing, issuing.der()}, record("dev-1", 1, 10)}});
  const auto part = hub.next_ack();
  EXPECT_EQ(part.applied, 1u);
  EXPECT_EQ(part.cut, 0u);
  EXPECT_EQ(try_connect(dev1, device("dev-1")), Probe::kNoConnack);
  hub.send(Batch{77, 2, true, hub::wire::kEndless, {}});
  EXPECT_EQ(hub.next_ack().applied, 2u);
  EXPECT_EQ(try_connect(dev1, device("dev-1")), 0);
  EXPECT_EQ(hub.next_decision().reason, Reason::kRegistryNotReady);
  EXPECT_EQ(hub.next_decision().reason, Reason::kRegistryNotReady);
  EXPECT_EQ(hub.next_decision().reason, Reason::kNone);
}

}  // namespace
}  // namespace latchkey::tests
