// SPDX-License-Identifier: Apache-2.0
// The gate over a broker on paper. What only a real broker can show is in tests/integration/gate_*.
#include "hub/gate/gate.h"

#include <gtest/gtest.h>

#include "tests/unit/hub/gate/certificates.h"
#include "tests/unit/hub/gate/fake_host.h"

namespace latchkey::hub::gate {
namespace {

using registry::Reason;
using test::id_of;
using wire::Check;
using wire::CheckOutcome;
using Answer = Gate::Answer;
using Access = Gate::Access;

constexpr const char* kSocket = "/run/latchkey/hub.sock";
constexpr const char* kResponses = "$dps/registrations/res/#";
constexpr const char* kRegister = "$dps/registrations/PUT/iotdps-register/?$rid=1";

Options options_for(Endpoint endpoint) {
  Options options;
  options.endpoint = endpoint;
  options.socket = kSocket;
  return options;
}

wire::DeviceRecord record(const std::string& id, std::uint8_t credential, bool enabled = true) {
  return {id, id_of<Uuid>(1), id_of<CredentialId>(credential), enabled, 0};
}

// The gate, a hub process and any number of clients.
class World {
 public:
  explicit World(const Options& options) : gate(options, host, 0xfeed0000) {
    host.on_kick = [this](const std::string& id) {
      if (id == hub_id) return gate.on_disconnect(&hub_handle);
      if (live.count(id) != 0) gate.on_disconnect(live[id]);
      live.erase(id);
    };
  }

  void connect_hub() {
    ConnectRequest request;
    request.client = &hub_handle;
    request.client_id = hub_id;
    request.peer = kSocket;
    request.protocol_version = 4;
    ASSERT_EQ(gate.on_connect(request), Answer::kAccept);
    ASSERT_EQ(gate.may_subscribe(&hub_handle, wire::kHubFilter, 1), Access::kAllow);
  }
  void feed(wire::Batch batch) { gate.on_control(&hub_handle, wire::kFeedTopic, encode(batch)); }
  void snapshot(std::vector<wire::FeedChange> changes, std::uint64_t valid_for_ms = wire::kEndless) {
    changes.push_back(wire::AnchorAdded{id_of<Uuid>(9), test::der_of(ca.get())});
    number = 1;
    feed({++generation, number, true, valid_for_ms, std::move(changes)});
  }
  void change(std::vector<wire::FeedChange> changes) {
    feed({generation, ++number, false, wire::kEndless, std::move(changes)});
  }
  void attest(wire::ConnectionId connection, bool verified) {
    gate.on_control(&hub_handle, wire::kAttestTopic, encode(wire::Attest{connection, verified}));
  }
  void deliver(wire::ConnectionId connection, const std::string& topic, int qos = 1) {
    gate.on_control(&hub_handle, wire::kDeliverTopic, encode(wire::Deliver{connection, topic, {'x'}, qos}));
  }

  // A good certificate, freshly verified.
  Leaf leaf(const std::string& name, std::uint8_t credential) {
    verdicts.push_back(std::make_unique<TlsVerdict>());
    verdicts.back()->complete = true;
    verdicts.back()->anchor = gate.anchor_of(ca.get());
    Leaf made;
    made.verdict = verdicts.back().get();
    names.push_back(std::make_unique<std::string>(name));
    made.common_name = *names.back();
    made.identifier = DeviceIdentifier{id_of<Uuid>(1), id_of<CredentialId>(credential)};
    made.digest.fill(credential);
    return made;
  }
  ClientHandle new_client() { return clients.emplace_back(std::make_unique<int>()).get(); }

  Answer connect(const std::string& id, const Leaf* shown, const std::string& password = "", int version = 4,
                 bool clean = true, const std::string& peer = "127.0.0.1") {
    const bool dps = gate.keeps_chain();
    const std::string username =
        dps ? "scope/registrations/" + id + "/api-version=2019-03-31" : "hub/" + id + "/?api-version=2021-04-12";
    ConnectRequest request;
    last_client = new_client();
    request.client = last_client;
    request.client_id = id;
    request.username = username;
    request.password = password;
    request.peer = peer;
    request.protocol_version = version;
    request.clean = clean;
    request.leaf = shown;
    const Answer answer = gate.on_connect(request);
    if (answer == Answer::kAccept) {
      const auto before = live.find(id);
      if (before != live.end()) gate.on_disconnect(before->second);  // the broker's take-over
      live[id] = last_client;
    }
    return answer;
  }

  // What was said on one topic since the last time it was asked.
  template <class Decode>
  auto said(std::string_view topic, Decode decode) {
    gate.on_tick();
    std::vector<std::decay_t<decltype(*decode(ByteView()))>> messages;
    std::erase_if(host.published, [&](const FakeHost::Published& one) {
      if (one.topic != topic) return false;
      EXPECT_EQ(one.client_id, hub_id);
      messages.push_back(*decode(one.payload));
      return true;
    });
    return messages;
  }
  auto acks() { return said(wire::kAckTopic, wire::decode_ack); }
  auto opened() { return said(wire::kOpenedTopic, wire::decode_opened); }
  auto closed() { return said(wire::kClosedTopic, wire::decode_closed); }
  std::vector<wire::Decision> decisions() {
    std::vector<wire::Decision> all;
    for (const auto& message : said(wire::kDecisionsTopic, wire::decode_decisions)) {
      all.insert(all.end(), message.decisions.begin(), message.decisions.end());
    }
    return all;
  }
  std::vector<FakeHost::Published> to_device(const std::string& id) {
    gate.on_tick();
    std::vector<FakeHost::Published> messages;
    std::erase_if(host.published, [&](const FakeHost::Published& one) {
      if (one.client_id != id) return false;
      messages.push_back(one);
      return true;
    });
    return messages;
  }

  X509Ptr ca = test::make_certificate({"issuing"});
  FakeHost host;
  std::string hub_id = "hub";
  int hub_handle = 0;
  std::map<std::string, ClientHandle> live;
  std::vector<std::unique_ptr<int>> clients;
  std::vector<std::unique_ptr<TlsVerdict>> verdicts;
  std::vector<std::unique_ptr<std::string>> names;
  ClientHandle last_client = nullptr;
  std::uint64_t generation = 100;
  std::uint64_t number = 0;
  Gate gate;
};

class HubEndpoint : public ::testing::Test, public World {
 protected:
  HubEndpoint() : World(options_for(Endpoint::kHub)) { connect_hub(); }
  // The reason of a CONNECT that is not accepted.
  Reason reason_of(const std::string& id, const Leaf* shown, Answer answer = Answer::kRefuse, int version = 4) {
    decisions();
    EXPECT_EQ(connect(id, shown, "", version), answer);
    const auto made = decisions();
    EXPECT_EQ(made.size(), 1u);
    last = made.at(0);
    return last.reason;
  }
  CheckOutcome outcome(Check check) const { return last.checks[static_cast<std::size_t>(check)]; }
  wire::Decision last;
};

TEST_F(HubEndpoint, the_first_failed_check_gives_the_reason_and_the_others_are_noted) {
  snapshot({record("dev-1", 1), record("off", 1, false)});
  Leaf bad = leaf("dev-1", 2);  // outdated
  bad.verdict->expired = true;
  bad.verdict->untrusted = true;
  bad.verdict->malformed = true;
  EXPECT_EQ(reason_of("dev-1", &bad), Reason::kCertificateMalformed);
  EXPECT_EQ(outcome(Check::kChain), CheckOutcome::kFailed);
  EXPECT_EQ(outcome(Check::kIssuer), CheckOutcome::kFailed);
  EXPECT_EQ(outcome(Check::kValidity), CheckOutcome::kFailed);
  EXPECT_EQ(outcome(Check::kNames), CheckOutcome::kPassed);
  EXPECT_EQ(outcome(Check::kCurrent), CheckOutcome::kFailed);
  EXPECT_EQ(outcome(Check::kEnabled), CheckOutcome::kPassed);
  EXPECT_EQ(outcome(Check::kPlace), CheckOutcome::kSkipped);
  Leaf off = leaf("off", 2);  // outdated and disabled: who shows an old certificate does not learn the rest
  EXPECT_EQ(reason_of("off", &off), Reason::kIdentifierMismatch);
  EXPECT_EQ(outcome(Check::kEnabled), CheckOutcome::kFailed);
}

TEST_F(HubEndpoint, checks_without_ground_are_skipped) {
  Leaf good = leaf("dev-1", 1);
  EXPECT_EQ(connect("dev-1", &good), Answer::kClose);
  snapshot({record("dev-1", 1)});
  const auto made = decisions();
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].reason, Reason::kRegistryNotReady);
  for (int i = 1; i < wire::kCheckCount; ++i)
    EXPECT_EQ(made[0].checks[static_cast<std::size_t>(i)], CheckOutcome::kSkipped);
}

TEST_F(HubEndpoint, a_verdict_is_good_for_one_connect) {
  snapshot({record("dev-1", 1)});
  Leaf good = leaf("dev-1", 1);
  EXPECT_EQ(connect("dev-1", &good), Answer::kAccept);
  EXPECT_EQ(reason_of("dev-1", &good), Reason::kStaleVerdict);
  Leaf unfinished = leaf("dev-1", 1);
  unfinished.verdict->complete = false;
  EXPECT_EQ(reason_of("dev-1", &unfinished), Reason::kStaleVerdict);
  Leaf none = leaf("dev-1", 1);
  none.verdict = nullptr;
  EXPECT_EQ(reason_of("dev-1", &none), Reason::kStaleVerdict);
}

TEST_F(HubEndpoint, an_anchor_of_the_same_name_but_another_certificate_is_not_trusted) {
  snapshot({record("dev-1", 1)});
  Leaf before = leaf("dev-1", 1);
  const X509Ptr other = test::make_certificate({"issuing"});
  change({wire::AnchorAdded{id_of<Uuid>(9), test::der_of(other.get())}});
  EXPECT_EQ(reason_of("dev-1", &before), Reason::kIssuerNotTrusted);
}

TEST_F(HubEndpoint, a_snapshot_between_handshake_and_connect_with_the_same_anchor_is_no_hindrance) {
  snapshot({record("dev-1", 1)});
  Leaf before = leaf("dev-1", 1);
  snapshot({record("dev-1", 1)});
  EXPECT_EQ(connect("dev-1", &before), Answer::kAccept);
}

TEST_F(HubEndpoint, only_the_hub_process_controls) {
  snapshot({record("dev-1", 1)});
  Leaf good = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &good), Answer::kAccept);
  acks();
  gate.on_control(live["dev-1"], wire::kFeedTopic, encode(wire::Batch{generation, 2, false, wire::kEndless, {}}));
  EXPECT_TRUE(acks().empty());
  EXPECT_EQ(gate.may_write(live["dev-1"], wire::kFeedTopic, {}, 1), Access::kDeny);
  EXPECT_EQ(gate.may_write(&hub_handle, wire::kFeedTopic, {}, 1), Access::kAllow);
  EXPECT_EQ(gate.may_write(&hub_handle, "devices/dev-1/messages/devicebound/", {}, 1), Access::kDeny);
  EXPECT_EQ(gate.may_subscribe(&hub_handle, "#", 1), Access::kDeny);
  EXPECT_EQ(gate.may_read(&hub_handle, "latchkey/v1/request/0/x"), Access::kAllow);
  EXPECT_EQ(gate.may_read(&hub_handle, "$SYS/x"), Access::kDeny);
}

TEST_F(HubEndpoint, no_device_may_have_the_hub_process_s_client_id) {
  snapshot({record("hub", 1)});
  Leaf good = leaf("hub", 1);
  EXPECT_EQ(reason_of("hub", &good), Reason::kMalformedClientId);
  gate.on_disconnect(&hub_handle);
  Leaf again = leaf("hub", 1);
  EXPECT_EQ(connect("hub", &again), Answer::kRefuse);
}

TEST_F(HubEndpoint, strangers_may_nothing) {
  const ClientHandle stranger = new_client();
  EXPECT_EQ(gate.may_write(stranger, "devices/x/messages/events/", {}, 1), Access::kDeny);
  EXPECT_EQ(gate.may_subscribe(stranger, "devices/x/messages/devicebound/#", 1), Access::kDeny);
  EXPECT_EQ(gate.may_read(stranger, "devices/x/messages/devicebound/"), Access::kDeny);
  EXPECT_EQ(gate.on_publish(stranger, "devices/x/messages/events/", {}, 1), "");
  gate.on_unsubscribe(stranger, "x");
  gate.on_disconnect(stranger);
}

TEST_F(HubEndpoint, big_cuts_go_in_pieces_and_cut_follows_the_last) {
  std::vector<wire::FeedChange> devices;
  for (int i = 0; i < 600; ++i) devices.emplace_back(record("d" + std::to_string(i), 1));
  snapshot(devices);
  for (int i = 0; i < 600; ++i) {
    const std::string id = "d" + std::to_string(i);
    Leaf good = leaf(id, 1);
    ASSERT_EQ(connect(id, &good), Answer::kAccept);
  }
  acks();
  change({wire::AnchorGone{id_of<Uuid>(9)}});
  EXPECT_EQ(host.kicked.size(), 256u);
  EXPECT_EQ(gate.may_write(live["d599"], "devices/d599/messages/events/", {}, 1), Access::kDeny);  // condemned
  EXPECT_EQ(gate.on_publish(live["d599"], "devices/d599/messages/events/", {}, 1), "");
  const auto first = acks();  // a tick has passed
  ASSERT_FALSE(first.empty());
  EXPECT_EQ(first[0].applied, 2u);
  EXPECT_EQ(first[0].cut, 1u);
  EXPECT_EQ(host.kicked.size(), 512u);
  const auto last_acks = acks();
  ASSERT_FALSE(last_acks.empty());
  EXPECT_EQ(last_acks.back().cut, 2u);
  EXPECT_EQ(host.kicked.size(), 600u);
  EXPECT_TRUE(acks().empty());
}

TEST_F(HubEndpoint, a_condemned_session_that_leaves_by_itself_is_cut_too) {
  std::vector<wire::FeedChange> devices;
  for (int i = 0; i < 300; ++i) devices.emplace_back(record("d" + std::to_string(i), 1));
  snapshot(devices);
  for (int i = 0; i < 300; ++i) {
    const std::string id = "d" + std::to_string(i);
    Leaf good = leaf(id, 1);
    ASSERT_EQ(connect(id, &good), Answer::kAccept);
  }
  acks();
  change({wire::AnchorGone{id_of<Uuid>(9)}});
  for (const auto& [id, client] : std::map(live)) gate.on_disconnect(client);
  EXPECT_EQ(acks().back().cut, 2u);
  EXPECT_EQ(host.kicked.size(), 256u);
}

TEST_F(HubEndpoint, a_revoked_device_that_is_back_already_is_not_cut_again) {
  snapshot({record("dev-1", 1)});
  Leaf old = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &old), Answer::kAccept);
  change({record("dev-1", 2)});
  EXPECT_EQ(host.kicked, (std::vector<std::string>{"dev-1"}));
  Leaf fresh = leaf("dev-1", 2);
  ASSERT_EQ(connect("dev-1", &fresh), Answer::kAccept);
  gate.on_tick();
  EXPECT_EQ(host.kicked.size(), 1u);
}

TEST_F(HubEndpoint, a_lease_that_ends_cuts_everybody_once) {
  snapshot({record("dev-1", 1)}, 500);
  Leaf good = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &good), Answer::kAccept);
  host.boot += 499;
  gate.on_tick();
  EXPECT_TRUE(host.kicked.empty());
  host.boot += 1;
  gate.on_tick();
  EXPECT_EQ(host.kicked.size(), 1u);
  Leaf again = leaf("dev-1", 1);
  EXPECT_EQ(reason_of("dev-1", &again, Answer::kClose), Reason::kRegistryNotReady);
  change({});
  Leaf third = leaf("dev-1", 1);
  EXPECT_EQ(connect("dev-1", &third), Answer::kAccept);
}

TEST_F(HubEndpoint, a_reload_is_no_sign_in) {
  snapshot({record("dev-1", 1)});
  Leaf good = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &good), Answer::kAccept);
  decisions();
  opened();
  gate.on_reload();
  ConnectRequest again;
  again.client = live["dev-1"];
  again.client_id = "dev-1";
  again.protocol_version = 4;
  EXPECT_EQ(gate.on_connect(again), Answer::kAccept);
  EXPECT_TRUE(decisions().empty());
  EXPECT_TRUE(opened().empty());
  EXPECT_EQ(connect("dev-2", nullptr), Answer::kRefuse);  // the tick has ended it
}

TEST_F(HubEndpoint, requests_take_the_long_way_until_the_connection_is_announced) {
  snapshot({record("dev-1", 1)});
  Leaf good = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &good), Answer::kAccept);
  const std::string topic = "devices/dev-1/messages/events/";
  EXPECT_EQ(gate.on_publish(live["dev-1"], topic, wire::Bytes{'1'}, 1), "");
  gate.on_tick();
  std::vector<std::string> order;
  for (const auto& one : host.published) order.push_back(one.topic);
  const auto announced = std::find(order.begin(), order.end(), wire::kOpenedTopic);
  const auto request = std::find_if(order.begin(), order.end(),
                                    [](const std::string& one) { return one.starts_with(wire::kRequestPrefix); });
  ASSERT_NE(request, order.end());
  EXPECT_LT(announced, request);
  EXPECT_EQ(gate.on_publish(live["dev-1"], topic, wire::Bytes{'2'}, 1), *request);
}

TEST_F(HubEndpoint, a_reply_is_not_inherited_by_who_takes_over_in_the_same_pass) {
  snapshot({record("dev-1", 1)});
  Leaf good = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &good), Answer::kAccept);
  const auto first = opened();
  ASSERT_EQ(gate.may_subscribe(live["dev-1"], "devices/dev-1/messages/devicebound/#", 1), Access::kAllow);
  deliver(first[0].connection, "devices/dev-1/messages/devicebound/");
  Leaf again = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &again), Answer::kAccept);
  ASSERT_EQ(gate.may_subscribe(live["dev-1"], "devices/dev-1/messages/devicebound/#", 1), Access::kAllow);
  EXPECT_TRUE(to_device("dev-1").empty());
  EXPECT_EQ(closed().at(0).connection, first[0].connection);
}

TEST_F(HubEndpoint, renewals_in_flight_are_bounded_and_forgotten_in_time) {
  snapshot({record("dev-1", 1)});
  Leaf good = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &good), Answer::kAccept);
  opened();
  ASSERT_EQ(gate.may_subscribe(live["dev-1"], "$iothub/credentials/res/#", 0), Access::kAllow);
  const std::string topic = "$iothub/credentials/POST/issueCertificate/?$rid=abcd";
  for (std::size_t i = 0; i < Options{}.max_outstanding_per_connection; ++i) {
    EXPECT_NE(gate.on_publish(live["dev-1"], topic, {}, 1), "");
  }
  EXPECT_EQ(gate.on_publish(live["dev-1"], topic, {}, 1), "");
  const auto refused = to_device("dev-1");
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].topic, "$iothub/credentials/res/429/?$rid=abcd");
  EXPECT_EQ(refused[0].qos, 0);
  host.boot += 60'000;
  EXPECT_NE(gate.on_publish(live["dev-1"], topic, {}, 1), "");
}

TEST_F(HubEndpoint, telemetry_without_a_hub_process_is_swallowed) {
  snapshot({record("dev-1", 1)});
  Leaf good = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &good), Answer::kAccept);
  gate.on_tick();
  gate.on_disconnect(&hub_handle);
  host.published.clear();
  EXPECT_EQ(gate.may_write(live["dev-1"], "devices/dev-1/messages/events/", {}, 1), Access::kAllow);
  EXPECT_EQ(gate.on_publish(live["dev-1"], "devices/dev-1/messages/events/", {}, 1), "");
  gate.on_tick();
  EXPECT_TRUE(host.published.empty());
  connect_hub();
  snapshot({record("dev-1", 1)});
  const auto told = opened();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].resent);
}

TEST_F(HubEndpoint, another_hub_process_displaces_the_first) {
  snapshot({});
  ConnectRequest request;
  int second = 0;
  request.client = &second;
  request.client_id = "second";
  request.peer = kSocket;
  EXPECT_EQ(gate.on_connect(request), Answer::kAccept);
  EXPECT_EQ(host.kicked, (std::vector<std::string>{"hub"}));
  gate.on_control(&hub_handle, wire::kFeedTopic, encode(wire::Batch{generation, 2, false, wire::kEndless, {}}));
  host.published.clear();
  gate.on_tick();
  EXPECT_TRUE(host.published.empty());
}

TEST_F(HubEndpoint, a_batch_that_cannot_be_read_asks_for_a_snapshot_of_no_generation) {
  snapshot({record("dev-1", 1)});
  acks();
  gate.on_control(&hub_handle, wire::kFeedTopic, wire::Bytes{1, 2, 3});
  const auto said_acks = acks();
  ASSERT_EQ(said_acks.size(), 1u);
  EXPECT_TRUE(said_acks[0].need_snapshot);
  EXPECT_EQ(said_acks[0].generation, 0u);
  Leaf good = leaf("dev-1", 1);
  EXPECT_EQ(connect("dev-1", &good), Answer::kClose);
}

TEST_F(HubEndpoint, control_that_cannot_be_read_is_ignored) {
  snapshot({});
  gate.on_control(&hub_handle, wire::kDeliverTopic, wire::Bytes{9});
  gate.on_control(&hub_handle, wire::kAttestTopic, wire::Bytes{9});
  gate.on_control(&hub_handle, "$CONTROL/latchkey/v1/other", wire::Bytes{9});
  deliver(12345, "devices/x/messages/devicebound/");
  EXPECT_EQ(acks().size(), 1u);
}

class DpsEndpoint : public ::testing::Test, public World {
 protected:
  DpsEndpoint() : World(options_for(Endpoint::kDps)) {
    connect_hub();
    snapshot({});
  }
  wire::ConnectionId admitted(const std::string& id, const std::string& token, bool verified) {
    EXPECT_EQ(connect(id, nullptr, token), Answer::kAccept);
    const auto told = opened();
    EXPECT_EQ(told.size(), 1u);
    attest(told.at(0).connection, verified);
    return told.at(0).connection;
  }
};

TEST_F(DpsEndpoint, an_approval_is_good_once_and_for_thirty_seconds) {
  admitted("dev-1", "one", true);
  EXPECT_EQ(connect("dev-1", nullptr, "two"), Answer::kClose);
  attest(opened().at(0).connection, true);
  host.boot += 30'000;
  EXPECT_EQ(connect("dev-1", nullptr, "two"), Answer::kClose);  // too late
  attest(opened().at(0).connection, true);
  EXPECT_EQ(connect("dev-1", nullptr, "two"), Answer::kAccept);
  attest(opened().at(0).connection, true);
  EXPECT_EQ(connect("dev-1", nullptr, "two"), Answer::kClose);  // used up
}

TEST_F(DpsEndpoint, an_approval_is_for_one_id) {
  admitted("dev-1", "one", true);
  admitted("dev-2", "one", true);
  EXPECT_EQ(connect("dev-1", nullptr, "two"), Answer::kClose);
  attest(opened().at(0).connection, true);
  EXPECT_EQ(connect("dev-2", nullptr, "two"), Answer::kClose);
}

TEST_F(DpsEndpoint, attempts_of_one_peer_are_bounded) {
  admitted("dev-1", "one", true);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(connect("dev-1", nullptr, "bad " + std::to_string(i)), Answer::kClose);
  EXPECT_EQ(opened().size(), Options{}.max_attempts_per_peer);
  EXPECT_EQ(connect("dev-1", nullptr, "good", 4, true, "192.0.2.7"), Answer::kClose);
  EXPECT_EQ(opened().size(), 1u);
}

TEST_F(DpsEndpoint, a_verdict_may_be_taken_back) {
  const auto connection = admitted("dev-1", "one", true);
  host.boot += 20'000;
  gate.on_tick();
  EXPECT_TRUE(host.kicked.empty());
  attest(connection, false);
  host.boot += 9'999;
  gate.on_tick();
  EXPECT_TRUE(host.kicked.empty());
  host.boot += 1;
  gate.on_tick();
  EXPECT_EQ(host.kicked.size(), 1u);
}

TEST_F(DpsEndpoint, nobody_waits_longer_than_the_deadline) {
  ASSERT_EQ(connect("dev-1", nullptr, "t"), Answer::kAccept);
  host.boot += 5'000;
  ASSERT_EQ(connect("dev-2", nullptr, "t"), Answer::kAccept);
  host.boot += 5'000;
  gate.on_tick();
  EXPECT_EQ(host.kicked, (std::vector<std::string>{"dev-1"}));
}

TEST_F(DpsEndpoint, one_peer_cannot_take_all_places) {
  for (std::size_t i = 0; i < Options{}.max_unverified_per_peer; ++i) {
    ASSERT_EQ(connect("d" + std::to_string(i), nullptr, "t"), Answer::kAccept);
  }
  EXPECT_EQ(connect("late", nullptr, "t"), Answer::kClose);
  EXPECT_EQ(decisions().back().reason, Reason::kTooManyConnections);
  EXPECT_EQ(connect("late", nullptr, "t", 4, true, "192.0.2.7"), Answer::kAccept);
}

TEST_F(DpsEndpoint, a_failed_one_goes_for_its_own_peers_newcomer_first) {
  ASSERT_EQ(connect("a", nullptr, "t", 4, true, "192.0.2.1"), Answer::kAccept);
  attest(opened().at(0).connection, false);
  for (std::size_t i = 0; i < Options{}.max_unverified_per_peer; ++i) {
    ASSERT_EQ(connect("d" + std::to_string(i), nullptr, "t"), Answer::kAccept);
    if (i == 5) attest(opened().back().connection, false);
  }
  EXPECT_EQ(connect("late", nullptr, "t"), Answer::kAccept);
  EXPECT_EQ(host.kicked, (std::vector<std::string>{"d5"}));
}

TEST_F(DpsEndpoint, persistent_sessions_of_strangers_are_bounded) {
  Options options = options_for(Endpoint::kDps);
  options.max_kept_sessions = 2;
  World world(options);
  world.connect_hub();
  world.snapshot({});
  for (const char* id : {"a", "b"}) {
    ASSERT_EQ(world.connect(id, nullptr, "t", 4, false), Answer::kAccept);
    world.gate.on_disconnect(world.live[id]);
    world.live.erase(id);
  }
  EXPECT_EQ(world.connect("c", nullptr, "t", 4, false), Answer::kClose);
  EXPECT_EQ(world.connect("c", nullptr, "t", 4, true), Answer::kAccept);
  EXPECT_EQ(world.connect("a", nullptr, "t", 4, false), Answer::kAccept);  // one that is kept already
  world.host.boot += 3'600'000;
  EXPECT_EQ(world.connect("d", nullptr, "t", 4, false), Answer::kAccept);
}

TEST_F(DpsEndpoint, requests_in_flight_are_bounded_in_all) {
  Options options = options_for(Endpoint::kDps);
  options.max_outstanding = 3;
  World world(options);
  world.connect_hub();
  world.snapshot({});
  for (const char* id : {"a", "b"}) {
    ASSERT_EQ(world.connect(id, nullptr, "t"), Answer::kAccept);
    ASSERT_EQ(world.gate.may_subscribe(world.live[id], kResponses, 1), Access::kAllow);
  }
  const auto told = world.opened();
  for (int i = 0; i < 2; ++i) EXPECT_NE(world.gate.on_publish(world.live["a"], kRegister, {}, 1), "");
  EXPECT_NE(world.gate.on_publish(world.live["b"], kRegister, {}, 1), "");
  EXPECT_EQ(world.gate.on_publish(world.live["b"], kRegister, {}, 1), "");
  EXPECT_EQ(world.to_device("b").at(0).topic, "$dps/registrations/res/429/?$rid=1&retry-after=5");
  world.deliver(told[0].connection, "$dps/registrations/res/200/?$rid=1");
  EXPECT_NE(world.gate.on_publish(world.live["b"], kRegister, {}, 1), "");
  EXPECT_EQ(world.gate.on_publish(world.live["b"], kRegister, {}, 1), "");
  world.gate.on_disconnect(world.live["a"]);  // its last one goes with it
  EXPECT_NE(world.gate.on_publish(world.live["b"], kRegister, {}, 1), "");
}

TEST_F(DpsEndpoint, a_token_is_forgotten_when_it_is_judged) {
  const auto connection = admitted("dev-1", "secret", true);
  gate.on_disconnect(&hub_handle);
  connect_hub();
  snapshot({});
  const auto told = opened();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].connection, connection);
  EXPECT_TRUE(told[0].verified);
  EXPECT_TRUE(told[0].password.empty());
  for (const auto& line : host.logged) EXPECT_EQ(line.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::hub::gate
