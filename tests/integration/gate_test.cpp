// SPDX-License-Identifier: Apache-2.0
// The gate in a real Mosquitto, hub endpoint: who is let in, who is refused and how, who is cut, and what passes.
#include <gtest/gtest.h>

#include "tests/integration/gate_broker.h"
#include "tests/integration/gate_hub_side.h"
#include "tests/integration/gate_pki.h"
#include "tests/integration/gate_probe.h"

namespace latchkey::tests {
namespace {

using hub::wire::AnchorAdded;
using hub::wire::AnchorGone;
using hub::wire::Batch;
using hub::wire::Check;
using hub::wire::CheckOutcome;
using hub::wire::ClockSet;
using hub::wire::Decision;
using hub::wire::Deliver;
using hub::wire::DeviceGone;
using hub::wire::DeviceRecord;
using registry::Reason;

constexpr std::int64_t kDayMs = 86'400'000;

template <class Id>
Id id_of(std::uint8_t fill) {
  Id id;
  id.bytes.fill(fill);
  return id;
}

DeviceRecord record(const std::string& id, std::uint8_t number, std::uint8_t credential, bool enabled = true) {
  return {id, id_of<Uuid>(number), id_of<CredentialId>(credential), enabled, 1};
}

DeviceIdentifier identifier(std::uint8_t number, std::uint8_t credential) {
  return {id_of<Uuid>(number), id_of<CredentialId>(credential)};
}

ConnectWish device(const std::string& id) {
  ConnectWish wish;
  wish.client_id = id;
  wish.username = "hub.example/" + id + "/?api-version=2025-08-01-preview&DeviceClientType=test";
  return wish;
}

class HubGate : public ::testing::TestWithParam<int> {
 protected:
  HubGate() : root(make_ca("root")), issuing(make_ca("issuing", &root)), other(make_ca("other issuing", &root)) {}

  void feed() {
    const auto ack = hub.snapshot({AnchorAdded{kIssuing, issuing.der()}, AnchorAdded{kOther, other.der()},
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
  void expect_refused(const Identity& identity, const ConnectWish& wish, Reason reason, Check failed) {
    EXPECT_EQ(try_connect(identity, wish), 5);
    const Decision decision = hub.next_decision();
    EXPECT_EQ(decision.reason, reason) << registry::to_string(decision.reason);
    EXPECT_EQ(decision.checks[static_cast<std::size_t>(failed)], CheckOutcome::kFailed);
  }

  const Uuid kIssuing = id_of<Uuid>(0xa1);
  const Uuid kOther = id_of<Uuid>(0xa2);
  Identity root;
  Identity issuing;
  Identity other;
  Broker broker{"hub"};
  HubSide hub{broker.socket()};
};

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

class HubGateLive : public HubGate {};
INSTANTIATE_TEST_SUITE_P(Tls, HubGateLive, ::testing::Values(0));

TEST_P(HubGateLive, a_gap_asks_for_a_snapshot_and_refuses_until_it_is_whole) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  hub.send(Batch{hub.generation(), 3, false, hub::wire::kEndless, {}});
  EXPECT_TRUE(hub.next_ack().need_snapshot);
  EXPECT_EQ(try_connect(dev1, device("dev-1")), Probe::kNoConnack);
  hub.send_raw(hub::wire::kFeedTopic, {1, 2, 3});
  EXPECT_TRUE(hub.next_ack().need_snapshot);
  feed();
  EXPECT_EQ(try_connect(dev1, device("dev-1")), 0);
}

TEST_P(HubGateLive, a_batch_delivered_twice_is_acknowledged_again) {
  feed();
  hub.change({record("dev-1", 1, 11)});
  hub.send(Batch{hub.generation(), 2, false, hub::wire::kEndless, {record("dev-1", 1, 99)}});
  const auto ack = hub.next_ack();
  EXPECT_FALSE(ack.need_snapshot);
  EXPECT_EQ(ack.applied, 2u);
  EXPECT_EQ(try_connect(leaf("dev-1", 1, 11), device("dev-1")), 0);
}

TEST_P(HubGateLive, a_rotated_device_is_cut_and_its_old_certificate_refused) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev2 = leaf("dev-2", 2, 20);
  Probe first(broker.port(), &dev1);
  Probe second(broker.port(), &dev2);
  ASSERT_EQ(first.connect(device("dev-1")), 0);
  ASSERT_EQ(second.connect(device("dev-2")), 0);
  const auto opened = hub.next_opened();
  const auto ack = hub.change({record("dev-1", 1, 11)});
  EXPECT_EQ(ack.applied, 2u);
  EXPECT_EQ(ack.cut, 2u);  // a small cut is over when the first acknowledgement comes
  EXPECT_TRUE(first.closed());
  EXPECT_EQ(hub.next_closed().connection, opened.connection);
  EXPECT_TRUE(second.alive());
  EXPECT_EQ(try_connect(dev1, device("dev-1")), 5);
  EXPECT_EQ(try_connect(leaf("dev-1", 1, 11), device("dev-1")), 0);
}

TEST_P(HubGateLive, a_disabled_or_deleted_device_is_cut) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev2 = leaf("dev-2", 2, 20);
  Probe first(broker.port(), &dev1);
  Probe second(broker.port(), &dev2);
  ASSERT_EQ(first.connect(device("dev-1")), 0);
  ASSERT_EQ(second.connect(device("dev-2")), 0);
  hub.change_and_cut({record("dev-1", 1, 10, false), DeviceGone{"dev-2"}});
  EXPECT_TRUE(first.closed());
  EXPECT_TRUE(second.closed());
  hub.change({record("dev-1", 1, 10)});
  EXPECT_EQ(try_connect(dev1, device("dev-1")), 0);
}

TEST_P(HubGateLive, an_unrelated_change_cuts_nobody) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  Probe probe(broker.port(), &dev1);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);
  hub.change_and_cut({record("dev-1", 1, 10), record("dev-2", 2, 21), AnchorGone{kOther}, DeviceGone{"nobody"}});
  EXPECT_TRUE(probe.alive());
}

TEST_P(HubGateLive, a_removed_anchor_cuts_its_sessions_and_no_others) {
  feed();
  hub.change({record("dev-2", 2, 20)});
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev2 = make_leaf(device_leaf("dev-2", identifier(2, 20)), other);
  Probe first(broker.port(), &dev1);
  Probe second(broker.port(), &dev2);
  ASSERT_EQ(first.connect(device("dev-1")), 0);
  ASSERT_EQ(second.connect(device("dev-2")), 0);
  hub.change_and_cut({AnchorGone{kOther}});
  EXPECT_TRUE(second.closed());
  EXPECT_TRUE(first.alive());
  EXPECT_EQ(try_connect(dev2, device("dev-2")), 5);
  hub.change({AnchorAdded{kOther, other.der()}});
  EXPECT_EQ(try_connect(dev2, device("dev-2")), 0);
}

TEST_P(HubGateLive, trust_withdrawn_between_handshake_and_connect_counts) {
  feed();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Identity dev1 = leaf("dev-1", 1, 10);
    Probe probe(broker.port(), &dev1, version);
    hub.change({AnchorGone{kIssuing}});
    EXPECT_EQ(probe.connect(device("dev-1")), 5);
    EXPECT_EQ(hub.next_decision().reason, Reason::kIssuerNotTrusted);
    hub.change({AnchorAdded{kIssuing, issuing.der()}});
  }
}

TEST_P(HubGateLive, a_snapshot_cuts_who_has_lost_his_ground) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev2 = leaf("dev-2", 2, 20);
  Probe first(broker.port(), &dev1);
  Probe second(broker.port(), &dev2);
  ASSERT_EQ(first.connect(device("dev-1")), 0);
  ASSERT_EQ(second.connect(device("dev-2")), 0);
  const auto ack = hub.snapshot({AnchorAdded{kIssuing, issuing.der()}, record("dev-1", 1, 10), record("dev-2", 2, 21)});
  EXPECT_EQ(ack.cut, 1u);
  EXPECT_TRUE(second.closed());
  EXPECT_TRUE(first.alive());
}

TEST_P(HubGateLive, a_rehearsal_clock_expires_a_certificate) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);  // 30 days
  hub.change({ClockSet{29 * kDayMs, 0, 1.0}});
  EXPECT_EQ(try_connect(dev1, device("dev-1")), 0);
  EXPECT_EQ(hub.next_decision().reason, Reason::kNone);
  hub.change({ClockSet{31 * kDayMs, 0, 1.0}});
  expect_refused(dev1, device("dev-1"), Reason::kExpired, Check::kValidity);
}

TEST_P(HubGateLive, decisions_go_on_without_a_hub_process_and_the_next_one_is_told_who_lives) {
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity old = leaf("dev-1", 1, 9);
  feed();
  hub.leave();
  Probe probe(broker.port(), &dev1);
  EXPECT_EQ(probe.connect(device("dev-1")), 0);
  EXPECT_EQ(try_connect(old, device("dev-1")), 5);
  EXPECT_TRUE(probe.publish("devices/dev-1/messages/events/", "lost"));

  HubSide second(broker.socket(), "second");
  second.snapshot({AnchorAdded{kIssuing, issuing.der()}, record("dev-1", 1, 10)});
  const auto opened = second.next_opened();
  EXPECT_TRUE(opened.resent);
  EXPECT_EQ(opened.client_id, "dev-1");
  EXPECT_TRUE(probe.publish("devices/dev-1/messages/events/", "seen"));
  const auto request = second.next_request();
  EXPECT_EQ(request.connection, opened.connection);
  EXPECT_EQ(request.payload, "seen");
  EXPECT_EQ(second.next_decision().reason, Reason::kNone);
  EXPECT_EQ(second.next_decision().reason, Reason::kIdentifierMismatch);
}

TEST_P(HubGateLive, telemetry_reaches_the_hub_under_the_connection_and_is_never_retained) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  Probe probe(broker.port(), &dev1);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);
  const auto opened = hub.next_opened();
  EXPECT_TRUE(probe.publish("devices/dev-1/messages/events/a=b", "one", 1, true));
  EXPECT_TRUE(probe.publish("devices/dev-1/messages/events/", "two", 0));
  const auto first = hub.next_request();
  EXPECT_EQ(first.connection, opened.connection);
  EXPECT_EQ(first.topic, "devices/dev-1/messages/events/a=b");
  EXPECT_EQ(first.payload, "one");
  EXPECT_EQ(hub.next_request().payload, "two");
  probe.disconnect();
  hub.next_closed();
  hub.leave();
  HubSide late(broker.socket(), "late");  // would be given what was retained
  late.snapshot({});
  EXPECT_EQ(late.waiting_requests(), 0u);
}

TEST_P(HubGateLive, foreign_topics_are_swallowed_and_reach_nobody) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev2 = leaf("dev-2", 2, 20);
  Probe probe(broker.port(), &dev1);
  Probe victim(broker.port(), &dev2);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);
  ASSERT_EQ(victim.connect(device("dev-2")), 0);
  ASSERT_EQ(victim.subscribe("devices/dev-2/messages/devicebound/#"), 1);
  for (const char* topic :
       {"devices/dev-2/messages/events/", "devices/dev-2/messages/devicebound/x",
        "devices/dev-1/messages/devicebound/x", "$iothub/twin/GET/?$rid=1", "$iothub/methods/res/200/?$rid=1",
        "$CONTROL/latchkey/v1/feed", "$CONTROL/latchkey/v1/deliver", "latchkey/v1/ack",
        "latchkey/v1/request/0000000000000000/x", "$SYS/broker/x", "$dps/registrations/PUT/iotdps-register/?$rid=1",
        "x", "devices/dev-1",
        "$iothub/credentials/POST/issueCertificate/?$rid=1"}) {  // a rid has at least four characters
    EXPECT_TRUE(probe.publish(topic, "evil")) << topic;
  }
  EXPECT_TRUE(probe.publish("devices/dev-1/messages/events/", "good"));
  EXPECT_EQ(hub.next_request().payload, "good");
  EXPECT_TRUE(victim.alive());
  EXPECT_EQ(victim.waiting(), 0u);
  hub.settle();
}

TEST_P(HubGateLive, only_own_filters_are_granted) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  Probe probe(broker.port(), &dev1);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);
  for (const char* filter :
       {"#", "+/#", "$SYS/#", "$CONTROL/#", "latchkey/v1/#", "devices/+/messages/devicebound/#",
        "devices/dev-2/messages/devicebound/#", "devices/dev-1/#", "$share/g/devices/dev-1/messages/devicebound/#",
        "$iothub/#", "$iothub/credentials/POST/#", "$dps/registrations/res/#", "devices/dev-1/messages/events/#"}) {
    EXPECT_EQ(probe.subscribe(filter), 0x80) << filter;
  }
  EXPECT_EQ(probe.subscribe("devices/dev-1/messages/devicebound/#", 2), 1);
  // the hub process is told of what was granted, and of nothing that was denied before
  EXPECT_EQ(hub.next_subscribed().filter, "devices/dev-1/messages/devicebound/#");
  EXPECT_EQ(probe.subscribe("$iothub/credentials/res/#", 0), 0);
  EXPECT_EQ(probe.subscribe("$iothub/twin/res/#"), 1);
  EXPECT_EQ(probe.subscribe("$iothub/methods/POST/#"), 1);
  EXPECT_EQ(probe.subscribe("$iothub/twin/PATCH/properties/desired/#"), 1);
}

TEST_P(HubGateLive, a_reply_goes_to_who_subscribed_at_the_granted_quality_behind_the_puback) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  Probe probe(broker.port(), &dev1);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);
  const auto opened = hub.next_opened();
  const std::string bound = "devices/dev-1/messages/devicebound/";
  hub.send(Deliver{opened.connection, bound, {'0'}, 1});  // not subscribed: dropped
  hub.settle();
  ASSERT_EQ(probe.subscribe(bound + "#", 0), 0);
  hub.send(Deliver{opened.connection, bound, {'1'}, 1});
  const auto capped = probe.receive();
  EXPECT_EQ(capped.payload, "1");
  EXPECT_EQ(capped.qos, 0);

  ASSERT_EQ(probe.subscribe("$iothub/credentials/res/#", 1), 1);
  EXPECT_TRUE(probe.publish("$iothub/credentials/POST/issueCertificate/?$rid=abcd", "{}"));
  const auto request = hub.next_request();
  EXPECT_EQ(request.topic, "$iothub/credentials/POST/issueCertificate/?$rid=abcd");
  hub.send(Deliver{request.connection, "$iothub/credentials/res/202/?$rid=abcd", {'{', '}'}, 1});
  const auto answer = probe.receive();
  EXPECT_EQ(answer.topic, "$iothub/credentials/res/202/?$rid=abcd");
  EXPECT_EQ(answer.qos, 1);
  const auto& history = probe.history();
  ASSERT_GE(history.size(), 3u);
  EXPECT_EQ(history[history.size() - 2], "PUBACK");
  EXPECT_EQ(history[history.size() - 1], "PUBLISH");

  probe.unsubscribe(bound + "#");
  hub.send(Deliver{opened.connection, bound, {'2'}, 1});
  hub.settle();
  EXPECT_TRUE(probe.alive());
  EXPECT_EQ(probe.waiting(), 0u);
}

TEST_P(HubGateLive, a_reply_to_an_ended_connection_reaches_nobody) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  hub::wire::ConnectionId ended = 0;
  {
    Probe probe(broker.port(), &dev1);
    ASSERT_EQ(probe.connect(device("dev-1")), 0);
    ended = hub.next_opened().connection;
  }
  hub.next_closed();
  Probe next(broker.port(), &dev1);
  ASSERT_EQ(next.connect(device("dev-1")), 0);
  ASSERT_EQ(next.subscribe("devices/dev-1/messages/devicebound/#"), 1);
  hub.send(Deliver{ended, "devices/dev-1/messages/devicebound/", {'x'}, 1});
  hub.settle();
  EXPECT_TRUE(next.alive());
  EXPECT_EQ(next.waiting(), 0u);
}

TEST_P(HubGateLive, a_kept_session_keeps_its_subscriptions) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  ConnectWish wish = device("dev-1");
  wish.clean = false;
  {
    Probe probe(broker.port(), &dev1);
    ASSERT_EQ(probe.connect(wish), 0);
    hub.next_opened();
    ASSERT_EQ(probe.subscribe("devices/dev-1/messages/devicebound/#"), 1);
    probe.disconnect();
  }
  hub.next_closed();
  {
    Probe probe(broker.port(), &dev1);
    ASSERT_EQ(probe.connect(wish), 0);
    EXPECT_TRUE(probe.session_present());
    hub.send(Deliver{hub.next_opened().connection, "devices/dev-1/messages/devicebound/", {'k'}, 1});
    EXPECT_EQ(probe.receive().payload, "k");
  }
  hub.next_closed();
  Probe probe(broker.port(), &dev1);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);  // a clean one starts anew
  hub.send(Deliver{hub.next_opened().connection, "devices/dev-1/messages/devicebound/", {'n'}, 1});
  hub.settle();
  EXPECT_TRUE(probe.alive());
  EXPECT_EQ(probe.waiting(), 0u);
}

TEST_P(HubGateLive, a_will_is_carried_if_it_is_telemetry_and_not_after_a_cut) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  ConnectWish wish = device("dev-1");
  wish.will_topic = "devices/dev-1/messages/events/will=1";
  wish.will_payload = "gone";
  {
    Probe probe(broker.port(), &dev1);
    ASSERT_EQ(probe.connect(wish), 0);
    const auto opened = hub.next_opened();
    probe.drop();
    const auto request = hub.next_request();
    EXPECT_EQ(request.connection, opened.connection);
    EXPECT_EQ(request.topic, wish.will_topic);
    EXPECT_EQ(request.payload, "gone");
    hub.next_closed();
  }
  {
    Probe probe(broker.port(), &dev1);
    ASSERT_EQ(probe.connect(wish), 0);
    Probe newer(broker.port(), &dev1);
    ASSERT_EQ(newer.connect(device("dev-1")), 0);  // takes over
    EXPECT_EQ(hub.next_request().payload, "gone");
    EXPECT_TRUE(probe.closed());
    EXPECT_TRUE(newer.alive());
  }
  Probe evil(broker.port(), &dev1);
  ConnectWish foreign = device("dev-1");
  foreign.will_topic = "devices/dev-2/messages/events/";
  foreign.will_payload = "forged";
  ASSERT_EQ(evil.connect(foreign), 0);
  evil.drop();
  Probe revoked(broker.port(), &dev1);
  ASSERT_EQ(revoked.connect(wish), 0);
  hub.change_and_cut({record("dev-1", 1, 11)});
  EXPECT_TRUE(revoked.closed());
  hub.settle();
  EXPECT_EQ(hub.waiting_requests(), 0u);
}

TEST_P(HubGateLive, packets_sent_in_one_go_with_connect_are_served_in_order) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  Probe probe(broker.port(), &dev1);
  probe.send(Probe::connect_packet(device("dev-1")) +
             Probe::subscribe_packet(1, "devices/dev-1/messages/devicebound/#", 1) +
             Probe::publish_packet(2, "devices/dev-1/messages/events/", "early", 1, false));
  const auto opened = hub.next_opened();
  const auto request = hub.next_request();
  EXPECT_EQ(request.connection, opened.connection);
  EXPECT_EQ(request.payload, "early");
  EXPECT_TRUE(probe.alive());
  EXPECT_EQ(probe.history(), (std::vector<std::string>{"CONNACK", "SUBACK", "PUBACK", "PINGRESP"}));
}

TEST_P(HubGateLive, sighup_keeps_sessions_and_makes_no_decisions) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev2 = leaf("dev-2", 2, 20);
  ConnectWish kept = device("dev-2");
  kept.clean = false;
  {
    Probe stored(broker.port(), &dev2);
    ASSERT_EQ(stored.connect(kept), 0);
    stored.disconnect();
  }
  Probe probe(broker.port(), &dev1);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);
  hub.next_decision();
  hub.next_decision();
  const std::uint64_t before = hub.totals().counts[0];
  broker.reload();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(probe.alive());
    hub.settle();
  }
  EXPECT_EQ(try_connect(leaf("dev-1", 1, 9), device("dev-1")), 5);  // judged as ever
  EXPECT_EQ(hub.next_decision().reason, Reason::kIdentifierMismatch);
  EXPECT_EQ(hub.totals().counts[0], before);
  EXPECT_TRUE(probe.alive());
  Probe again(broker.port(), &dev2);
  EXPECT_EQ(again.connect(kept), 0);
}

TEST_P(HubGateLive, a_device_cannot_speak_as_the_hub_process) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  Probe probe(broker.port(), &dev1);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);
  Batch batch{hub.generation(), 2, false, hub::wire::kEndless, {DeviceGone{"dev-1"}}};
  const auto bytes = encode(batch);
  EXPECT_TRUE(probe.publish(std::string(hub::wire::kFeedTopic), std::string(bytes.begin(), bytes.end())));
  EXPECT_TRUE(probe.alive());
  EXPECT_EQ(try_connect(make_leaf(device_leaf("latchkey-hub", identifier(1, 10)), issuing), device("latchkey-hub")), 5);
  const auto ack = hub.change({});
  EXPECT_EQ(ack.applied, 2u);
  EXPECT_FALSE(ack.need_snapshot);
}

TEST_P(HubGateLive, a_lease_that_ends_cuts_and_refuses) {
  const Identity dev1 = leaf("dev-1", 1, 10);
  hub.snapshot({AnchorAdded{kIssuing, issuing.der()}, record("dev-1", 1, 10)}, 3000);
  Probe probe(broker.port(), &dev1);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);
  EXPECT_TRUE(probe.closed());  // as soon as it ends
  EXPECT_EQ(try_connect(dev1, device("dev-1")), Probe::kNoConnack);
  hub.change({});  // endless again
  EXPECT_EQ(try_connect(dev1, device("dev-1")), 0);
}

TEST_P(HubGateLive, a_hundred_reconnects_leave_nothing_behind) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  const auto cycle = [&](int count) {
    for (int i = 0; i < count; ++i) {
      Probe probe(broker.port(), &dev1);
      ASSERT_EQ(probe.connect(device("dev-1")), 0);
      ASSERT_EQ(probe.subscribe("devices/dev-1/messages/devicebound/#"), 1);
      probe.drop();
      hub.next_opened();
      hub.next_closed();
    }
  };
  cycle(100);
  const std::uint64_t before = broker.resident();
  cycle(100);
  hub.settle();
  EXPECT_LT(broker.resident(), before + 1'000'000);
  EXPECT_EQ(hub.waiting_opened(), 0u);
}

TEST_P(HubGateLive, many_sessions_are_cut_in_pieces_and_cut_is_said_at_the_end) {
  constexpr int kSessions = 600;
  std::vector<hub::wire::FeedChange> changes = {AnchorAdded{kIssuing, issuing.der()}};
  for (int i = 0; i < kSessions; ++i) changes.emplace_back(record("m" + std::to_string(i), 7, 70));
  hub.snapshot(changes);
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < kSessions; ++i) {
    const std::string id = "m" + std::to_string(i);
    const Identity identity = make_leaf(device_leaf(id, identifier(7, 70)), issuing);
    probes.push_back(std::make_unique<Probe>(broker.port(), &identity));
    ASSERT_EQ(probes.back()->connect(device(id)), 0);
  }
  const auto first = hub.change({AnchorGone{kIssuing}});
  EXPECT_EQ(first.applied, 2u);
  EXPECT_EQ(first.cut, 1u);  // not yet
  auto last = first;
  while (last.cut < 2) last = hub.next_ack();
  for (auto& probe : probes) EXPECT_TRUE(probe->closed());
  for (int i = 0; i < kSessions; ++i) hub.next_closed();
}

TEST_P(HubGateLive, the_broker_ends_cleanly_with_sessions_open) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  Probe probe(broker.port(), &dev1);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);
  Probe half(broker.port(), &dev1);  // TLS is up, CONNECT never came
  EXPECT_EQ(broker.stop(), 0);
}

TEST(GateOptions, a_broker_with_a_wrong_option_does_not_start) {
  EXPECT_THROW(Broker("hub", {"plugin_opt_max_unverified none"}), std::runtime_error);
  EXPECT_THROW(Broker("elsewhere"), std::runtime_error);
}

}  // namespace
}  // namespace latchkey::tests
