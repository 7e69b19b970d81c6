// SPDX-License-Identifier: Apache-2.0
// The gate in a real Mosquitto, DPS endpoint: what the hub process is told, and who may hold an id there.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "hub/wire/hold.h"
#include "tests/integration/gate_broker.h"
#include "tests/integration/gate_hub_side.h"
#include "tests/integration/gate_pki.h"
#include "tests/integration/gate_probe.h"

namespace latchkey::tests {
namespace {

using hub::wire::Attest;
using hub::wire::CheckOutcome;
using hub::wire::Deliver;
using hub::wire::Opened;
using registry::Reason;

constexpr const char* kResponses = "$dps/registrations/res/#";
constexpr const char* kRegister = "$dps/registrations/PUT/iotdps-register/?$rid=1";
constexpr const char* kPoll = "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=5.x";

ConnectWish device(const std::string& id, const std::string& token = "") {
  ConnectWish wish;
  wish.client_id = id;
  wish.username = "0ne000001/registrations/" + id + "/api-version=2025-07-01-preview&ClientVersion=test";
  if (!token.empty()) wish.password = token;
  return wish;
}

hub::wire::Bytes bytes(const std::string& text) { return {text.begin(), text.end()}; }

class DpsGate : public ::testing::Test {
 protected:
  explicit DpsGate(const std::vector<std::string>& options = {}) : broker("dps", options), hub(broker.socket()) {
    hub.snapshot({});
  }
  // A connected device whose proof has the hub's verdict.
  struct Device {
    std::unique_ptr<Probe> probe;
    Opened opened;
  };
  Device connected(const ConnectWish& wish, const Identity* identity, bool verified) {
    Device made = pending(wish, identity);
    hub.send(Attest{made.opened.connection, verified});
    hub.settle();
    return made;
  }
  Device pending(const ConnectWish& wish, const Identity* identity) {
    Device made{std::make_unique<Probe>(broker.port(), identity), {}};
    EXPECT_EQ(made.probe->connect(wish), 0);
    made.opened = hub.next_opened();
    EXPECT_FALSE(made.opened.attempt);
    return made;
  }
  int try_connect(const ConnectWish& wish, const Identity* identity = nullptr) {
    Probe probe(broker.port(), identity);
    return probe.connect(wish);
  }
  Identity onboarding(const std::string& id) {
    LeafWish wish;
    wish.common_name = id;
    return make_leaf(wish, ca);
  }

  Identity ca = make_ca("some maker's CA");
  Broker broker;
  HubSide hub;
};

TEST_F(DpsGate, the_hub_process_is_told_what_a_token_client_showed) {
  auto device1 = pending(device("dev-1", "SharedAccessSignature sr=a&sig=b&se=1"), nullptr);
  EXPECT_EQ(device1.opened.client_id, "dev-1");
  EXPECT_EQ(device1.opened.username, *device("dev-1").username);
  EXPECT_EQ(device1.opened.password, "SharedAccessSignature sr=a&sig=b&se=1");
  EXPECT_TRUE(device1.opened.chain.empty());
  EXPECT_EQ(device1.opened.peer, "127.0.0.1");
  EXPECT_EQ(broker.log().find("SharedAccessSignature"), std::string::npos);
}

TEST_F(DpsGate, the_hub_process_is_told_the_presented_chain_in_both_versions) {
  const Identity identity = onboarding("dev-1");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Probe probe(broker.port(), &identity, version, &ca);
    ASSERT_EQ(probe.connect(device("dev-1")), 0);
    const Opened opened = hub.next_opened();
    ASSERT_EQ(opened.chain.size(), 2u);
    EXPECT_EQ(opened.chain[0], identity.der());
    EXPECT_EQ(opened.chain[1], ca.der());
    EXPECT_TRUE(opened.password.empty());
    probe.disconnect();
    hub.next_closed();
  }
}

TEST_F(DpsGate, a_request_goes_out_and_its_answer_comes_back_to_that_client_only) {
  auto device1 = connected(device("dev-1", "t1"), nullptr, true);
  auto device2 = connected(device("dev-2", "t2"), nullptr, true);
  ASSERT_EQ(device1.probe->subscribe(kResponses), 1);
  ASSERT_EQ(device2.probe->subscribe(kResponses), 1);
  EXPECT_TRUE(device1.probe->publish(kRegister, "{\"registrationId\":\"dev-1\"}"));
  const auto request = hub.next_request();
  EXPECT_EQ(request.connection, device1.opened.connection);
  EXPECT_EQ(request.topic, kRegister);
  hub.send(Deliver{request.connection, "$dps/registrations/res/202/?$rid=1&retry-after=3", bytes("{}"), 1});
  const auto answer = device1.probe->receive();
  EXPECT_EQ(answer.topic, "$dps/registrations/res/202/?$rid=1&retry-after=3");
  EXPECT_EQ(answer.qos, 1);
  EXPECT_TRUE(device1.probe->publish(kPoll, " ", 0));
  EXPECT_EQ(hub.next_request().topic, kPoll);
  EXPECT_TRUE(device2.probe->alive());
  EXPECT_EQ(device2.probe->waiting(), 0u);
}

TEST_F(DpsGate, newcomers_wait_while_the_hub_process_holds_the_door_and_those_inside_are_served) {
  constexpr auto kHeld = std::chrono::milliseconds(1'500);
  auto inside = connected(device("dev-1", "t1"), nullptr, true);
  ASSERT_EQ(inside.probe->subscribe(kResponses), 1);
  const auto began = std::chrono::steady_clock::now();
  hub.send_raw(hub::wire::kHoldTopic, encode(hub::wire::Hold{static_cast<std::uint32_t>(kHeld.count())}));
  hub.settle();
  std::chrono::steady_clock::time_point came;
  std::thread newcomer([&] {
    Probe probe(broker.port(), nullptr);
    EXPECT_EQ(probe.connect(device("dev-2", "t2")), 0);
    came = std::chrono::steady_clock::now();
  });
  EXPECT_TRUE(inside.probe->publish(kRegister, ""));
  EXPECT_EQ(hub.next_request().connection, inside.opened.connection);
  newcomer.join();
  EXPECT_GE(came - began, kHeld);
  EXPECT_EQ(hub.next_opened().client_id, "dev-2");
}

TEST_F(DpsGate, a_failed_client_is_answered_too) {
  auto device1 = connected(device("dev-1", "wrong"), nullptr, false);
  ASSERT_EQ(device1.probe->subscribe(kResponses), 1);
  EXPECT_TRUE(device1.probe->publish(kRegister, ""));
  hub.send(Deliver{hub.next_request().connection, "$dps/registrations/res/401/?$rid=1", bytes("{}"), 1});
  EXPECT_EQ(device1.probe->receive().topic, "$dps/registrations/res/401/?$rid=1");
}

TEST_F(DpsGate, any_other_topic_ends_the_connection) {
  for (const char* topic : {"devices/dev-1/messages/events/", "$dps/registrations/PUT/iotdps-register/", "x",
                            "$dps/registrations/res/200/?$rid=1", "$CONTROL/latchkey/v1/attest", "latchkey/v1/ack",
                            "$iothub/credentials/POST/issueCertificate/?$rid=abcd"}) {
    auto one = connected(device("dev-1", "t"), nullptr, true);
    EXPECT_FALSE(one.probe->publish(topic, "x")) << topic;
    hub.next_closed();
  }
  EXPECT_EQ(hub.waiting_requests(), 0u);
}

TEST_F(DpsGate, only_the_responses_may_be_subscribed) {
  auto one = connected(device("dev-1", "t"), nullptr, true);
  for (const char* filter : {"#", "$dps/#", "$dps/registrations/#", "$dps/registrations/res/+/#", "latchkey/v1/#",
                             "$share/g/$dps/registrations/res/#", "devices/dev-1/messages/devicebound/#", "$SYS/#"}) {
    EXPECT_EQ(one.probe->subscribe(filter), 0x80) << filter;
  }
  EXPECT_EQ(one.probe->subscribe(kResponses, 2), 1);
}

TEST_F(DpsGate, malformed_connects_are_refused_with_their_reason) {
  const auto refused = [this](const ConnectWish& wish, Reason reason, int connack = 5) {
    EXPECT_EQ(try_connect(wish), connack);
    EXPECT_EQ(hub.next_decision().reason, reason);
  };
  refused(device("dev-1"), Reason::kNoCredential);
  for (const char* id : {"#", "+", "dev/1", "-dev", "dev."}) refused(device(id, "t"), Reason::kMalformedClientId);
  ConnectWish other = device("dev-1", "t");
  other.username = device("dev-2").username;
  refused(other, Reason::kClientIdMismatch);
  other.username = "nonsense";
  refused(other, Reason::kClientIdMismatch);
  ConnectWish old = device("dev-1", "t");
  old.level = 3;
  refused(old, Reason::kProtocolVersion);
  old.level = 5;
  refused(old, Reason::kProtocolVersion, 135);
  EXPECT_EQ(hub.waiting_opened(), 0u);
}

TEST_F(DpsGate, nobody_takes_over_the_hub_process_s_connection) {
  EXPECT_EQ(try_connect(device("latchkey-hub", "t")), 5);
  EXPECT_EQ(hub.next_decision().reason, Reason::kMalformedClientId);
  hub.settle();
  pending(device("dev-1", "t"), nullptr);
}

TEST_F(DpsGate, nobody_is_let_in_while_no_hub_process_listens) {
  hub.leave();
  EXPECT_EQ(try_connect(device("dev-1", "t")), Probe::kNoConnack);
  HubSide next(broker.socket(), "next");
  EXPECT_EQ(try_connect(device("dev-1", "t")), Probe::kNoConnack);  // its state is not here yet
  next.snapshot({});
  EXPECT_EQ(try_connect(device("dev-1", "t")), 0);
}

TEST_F(DpsGate, a_session_that_waits_for_its_verdict_is_not_displaced) {
  auto first = pending(device("dev-1", "t"), nullptr);
  EXPECT_EQ(try_connect(device("dev-1", "t")), Probe::kNoConnack);
  EXPECT_EQ(try_connect(device("dev-1", "other")), Probe::kNoConnack);
  EXPECT_TRUE(first.probe->alive());
  hub.next_decision();
  EXPECT_EQ(hub.next_decision().reason, Reason::kSessionHeld);
  EXPECT_EQ(hub.waiting_opened(), 0u);  // not even reported
}

TEST_F(DpsGate, a_failed_session_is_displaced_by_anybody) {
  auto first = connected(device("dev-1", "wrong"), nullptr, false);
  auto second = pending(device("dev-1", "right"), nullptr);
  EXPECT_TRUE(first.probe->closed());
  EXPECT_EQ(hub.next_closed(), first.opened.connection);
  EXPECT_TRUE(second.probe->alive());
}

TEST_F(DpsGate, a_verified_session_gives_way_to_the_same_certificate_only) {
  const Identity own = onboarding("dev-1");
  const Identity forged = onboarding("dev-1");  // same name, other key
  auto first = connected(device("dev-1"), &own, true);
  EXPECT_EQ(try_connect(device("dev-1"), &forged), Probe::kNoConnack);
  EXPECT_EQ(try_connect(device("dev-1", "token")), Probe::kNoConnack);
  EXPECT_TRUE(first.probe->alive());
  EXPECT_TRUE(hub.next_opened().attempt);
  EXPECT_TRUE(hub.next_opened().attempt);
  auto second = pending(device("dev-1"), &own);
  EXPECT_TRUE(first.probe->closed());
}

TEST_F(DpsGate, a_verified_session_gives_way_to_a_token_that_the_hub_approved) {
  auto first = connected(device("dev-1", "token 1"), nullptr, true);
  EXPECT_EQ(try_connect(device("dev-1", "token 2")), Probe::kNoConnack);
  const Opened attempt = hub.next_opened();
  EXPECT_TRUE(attempt.attempt);
  EXPECT_EQ(attempt.password, "token 2");
  hub.send(Attest{attempt.connection, true});
  hub.settle();
  EXPECT_EQ(try_connect(device("dev-1", "token 3")), Probe::kNoConnack);  // approved was another one
  EXPECT_TRUE(hub.next_opened().attempt);
  EXPECT_TRUE(first.probe->alive());
  auto second = pending(device("dev-1", "token 2"), nullptr);
  EXPECT_TRUE(first.probe->closed());
}

TEST_F(DpsGate, an_attempt_that_the_hub_rejects_changes_nothing) {
  auto first = connected(device("dev-1", "good"), nullptr, true);
  ASSERT_EQ(first.probe->subscribe(kResponses), 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(try_connect(device("dev-1", "bad")), Probe::kNoConnack);
    hub.send(Attest{hub.next_opened().connection, false});
    hub.settle();
  }
  EXPECT_TRUE(first.probe->publish(kRegister, ""));
  hub.send(Deliver{hub.next_request().connection, "$dps/registrations/res/200/?$rid=1", bytes("secret"), 1});
  EXPECT_EQ(first.probe->receive().payload, "secret");
}

TEST_F(DpsGate, a_new_hub_process_is_told_who_lives_and_no_tokens_of_the_verified) {
  auto verified = connected(device("dev-1", "t1"), nullptr, true);
  auto waiting = pending(device("dev-2", "t2"), nullptr);
  hub.leave();
  HubSide next(broker.socket(), "next");
  next.snapshot({});
  const Opened first = next.next_opened();
  EXPECT_TRUE(first.resent && first.verified);
  EXPECT_EQ(first.connection, verified.opened.connection);
  EXPECT_TRUE(first.password.empty());
  const Opened second = next.next_opened();
  EXPECT_TRUE(second.resent && !second.verified);
  EXPECT_EQ(second.password, "t2");
  ASSERT_EQ(verified.probe->subscribe(kResponses), 1);
  EXPECT_TRUE(verified.probe->publish(kRegister, ""));
  EXPECT_EQ(next.next_request().connection, verified.opened.connection);
}

TEST_F(DpsGate, without_a_hub_process_requests_are_answered_429) {
  auto one = connected(device("dev-1", "t"), nullptr, true);
  ASSERT_EQ(one.probe->subscribe(kResponses), 1);
  hub.leave();
  while (broker.log().find("is gone") == std::string::npos) ASSERT_TRUE(one.probe->alive());
  EXPECT_TRUE(one.probe->publish(kRegister, ""));
  const auto answer = one.probe->receive();
  EXPECT_EQ(answer.topic, "$dps/registrations/res/429/?$rid=1&retry-after=5");
  EXPECT_NE(answer.payload.find("\"errorCode\":429001"), std::string::npos);
}

TEST_F(DpsGate, a_will_is_never_sent) {
  ConnectWish wish = device("dev-1", "t");
  wish.will_topic = kRegister;
  wish.will_payload = "{}";
  auto one = pending(wish, nullptr);
  one.probe->drop();
  hub.next_closed();
  EXPECT_EQ(hub.waiting_requests(), 0u);
}

TEST_F(DpsGate, the_broker_ends_cleanly) {
  const Identity own = onboarding("dev-1");
  auto one = pending(device("dev-1"), &own);
  EXPECT_EQ(broker.stop(), 0);
}

class DpsGateCaps : public DpsGate {
 protected:
  DpsGateCaps()
      : DpsGate({"plugin_opt_max_unverified 3", "plugin_opt_max_unverified_per_peer 3",
                 "plugin_opt_unverified_timeout_ms 60000", "plugin_opt_max_outstanding_per_connection 2"}) {}
};

class DpsGateDeadline : public DpsGate {
 protected:
  DpsGateDeadline() : DpsGate({"plugin_opt_unverified_timeout_ms 5000"}) {}
};

TEST_F(DpsGateCaps, a_newcomer_is_turned_away_while_all_places_wait_for_verdicts) {
  auto one = pending(device("dev-1", "t"), nullptr);
  auto two = pending(device("dev-2", "t"), nullptr);
  auto three = pending(device("dev-3", "t"), nullptr);
  EXPECT_EQ(try_connect(device("dev-4", "t")), Probe::kNoConnack);
  hub.send(Attest{two.opened.connection, true});  // no longer counts
  hub.settle();
  auto four = pending(device("dev-4", "t"), nullptr);
  EXPECT_TRUE(two.probe->alive());
}

TEST_F(DpsGateCaps, the_oldest_failed_one_makes_room) {
  auto one = connected(device("dev-1", "t"), nullptr, false);
  auto two = connected(device("dev-2", "t"), nullptr, false);
  auto three = pending(device("dev-3", "t"), nullptr);
  auto four = pending(device("dev-4", "t"), nullptr);
  EXPECT_TRUE(one.probe->closed());
  EXPECT_EQ(hub.next_closed(), one.opened.connection);
}

TEST_F(DpsGateDeadline, who_does_not_pass_is_cut_in_time_and_who_passed_stays) {
  auto passed = connected(device("dev-1", "t"), nullptr, true);
  auto failed = connected(device("dev-2", "t"), nullptr, false);
  auto waiting = pending(device("dev-3", "t"), nullptr);
  EXPECT_TRUE(failed.probe->closed());
  EXPECT_TRUE(waiting.probe->closed());
  EXPECT_TRUE(passed.probe->alive());
}

TEST_F(DpsGateCaps, too_many_requests_of_one_connection_are_answered_429) {
  auto one = connected(device("dev-1", "t"), nullptr, true);
  ASSERT_EQ(one.probe->subscribe(kResponses), 1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(one.probe->publish(kRegister, ""));
  EXPECT_EQ(one.probe->receive().topic, "$dps/registrations/res/429/?$rid=1&retry-after=5");
  const auto request = hub.next_request();
  hub.next_request();
  EXPECT_EQ(hub.waiting_requests(), 0u);
  hub.send(Deliver{request.connection, "$dps/registrations/res/202/?$rid=1", bytes("{}"), 1});
  EXPECT_EQ(one.probe->receive().topic, "$dps/registrations/res/202/?$rid=1");
  EXPECT_TRUE(one.probe->publish(kRegister, "again"));
  EXPECT_EQ(hub.next_request().payload, "again");
}

}  // namespace
}  // namespace latchkey::tests
