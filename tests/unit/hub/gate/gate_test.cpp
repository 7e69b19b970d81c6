// SPDX-License-Identifier: Apache-2.0
// The gate of the hub endpoint over a broker on paper. What only a real broker can show is in tests/integration/gate_*.
#include "hub/gate/gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/unit/hub/gate/gate_world.h"

namespace latchkey::hub::gate {
namespace {

using registry::Reason;
using test::id_of;
using test::record;
using wire::Check;
using wire::CheckOutcome;
using Answer = Gate::Answer;
using Access = Gate::Access;

class HubEndpoint : public ::testing::Test, public test::World {
 protected:
  HubEndpoint() : World(test::options_for(Endpoint::kHub)) { connect_hub(); }
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

TEST_F(HubEndpoint, handshake_by_anchors_from_before_is_no_reason_to_refuse_for_good) {
  const void* const before = gate.store();  // a broker that starts: none are known
  snapshot({record("dev-1", 1)});
  Leaf early = leaf("dev-1", 1);
  early.verdict->untrusted = true;
  early.verdict->anchor = {};
  early.verdict->store = before;
  EXPECT_EQ(reason_of("dev-1", &early, Answer::kClose), Reason::kRegistryNotReady);
  EXPECT_EQ(outcome(Check::kIssuer), CheckOutcome::kFailed);
}

TEST_F(HubEndpoint, handshake_by_the_anchors_of_now_without_a_chain_is_refused_for_good) {
  snapshot({record("dev-1", 1)});
  Leaf strange = leaf("dev-1", 1);
  strange.verdict->untrusted = true;
  strange.verdict->anchor = {};
  strange.verdict->store = gate.store();
  EXPECT_EQ(reason_of("dev-1", &strange), Reason::kIssuerNotTrusted);
}

TEST_F(HubEndpoint, handshake_by_an_anchor_that_was_taken_away_is_refused_for_good) {
  snapshot({record("dev-1", 1)});
  Leaf before = leaf("dev-1", 1);
  before.verdict->store = gate.store();
  change({wire::AnchorGone{id_of<Uuid>(9)}});
  EXPECT_EQ(reason_of("dev-1", &before), Reason::kIssuerNotTrusted);
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

// So many devices are connected, and each takes a millisecond to cut.
class BigCut : public HubEndpoint {
 protected:
  void connect_all(int devices) {
    std::vector<wire::FeedChange> changes;
    for (int i = 0; i < devices; ++i) changes.emplace_back(record("d" + std::to_string(i), 1));
    snapshot(changes);
    for (int i = 0; i < devices; ++i) {
      const std::string id = "d" + std::to_string(i);
      Leaf good = leaf(id, 1);
      ASSERT_EQ(connect(id, &good), Answer::kAccept);
    }
    acks();
    host.ms_per_kick = 1;
  }
  void withdraw_trust() { change({wire::AnchorGone{id_of<Uuid>(9)}}); }
  // The places of what was published on a topic.
  std::vector<std::size_t> places(std::string_view topic) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < host.published.size(); ++i) {
      if (host.published[i].topic == topic) found.push_back(i);
    }
    return found;
  }
};

TEST_F(BigCut, goes_in_pieces_and_cut_follows_the_last) {
  connect_all(1200);
  withdraw_trust();
  EXPECT_EQ(host.kicked.size(), 500u);
  EXPECT_EQ(gate.may_write(live["d1199"], "devices/d1199/messages/events/", {}, 1), Access::kDeny);  // condemned
  EXPECT_EQ(gate.on_publish(live["d1199"], "devices/d1199/messages/events/", {}, 1), "");
  const auto first = acks();  // a tick has passed
  ASSERT_FALSE(first.empty());
  EXPECT_EQ(first[0].applied, 2u);
  EXPECT_EQ(first[0].cut, 1u);
  EXPECT_EQ(host.kicked.size(), 1000u);
  const auto last_acks = acks();
  ASSERT_FALSE(last_acks.empty());
  EXPECT_EQ(last_acks.back().cut, 2u);
  EXPECT_EQ(host.kicked.size(), 1200u);
  EXPECT_TRUE(acks().empty());
}

TEST_F(BigCut, takes_nobody_new_until_the_last_is_cut) {
  connect_all(1200);
  host.taken_new.clear();
  withdraw_trust();
  EXPECT_EQ(host.taken_new, std::vector<bool>{false}) << "before the broker takes whoever waits";
  gate.on_tick();
  EXPECT_EQ(host.taken_new, std::vector<bool>{false});
  gate.on_tick();
  EXPECT_EQ(host.kicked.size(), 1200u);
  EXPECT_EQ(host.taken_new, (std::vector<bool>{false, true}));
}

TEST_F(BigCut, that_is_over_at_once_leaves_the_door_alone) {
  connect_all(100);
  host.taken_new.clear();
  withdraw_trust();
  gate.on_tick();
  EXPECT_EQ(host.kicked.size(), 100u);
  EXPECT_TRUE(host.taken_new.empty());
}

TEST_F(BigCut, is_confirmed_before_each_end_is_told) {
  connect_all(300);
  const auto newest = opened().back().connection;
  withdraw_trust();
  gate.on_tick();
  const auto confirmed = places(wire::kAckTopic);
  const auto told = places(wire::kClosedTopic);
  ASSERT_EQ(confirmed.size(), 1u);
  ASSERT_EQ(told.size(), 1u) << "one message for all";
  EXPECT_LT(confirmed[0], told[0]);
  const auto ends = closed();
  EXPECT_EQ(ends.size(), 300u);
  EXPECT_EQ(ends.back(), newest);
  EXPECT_TRUE(closed().empty());
}

TEST_F(BigCut, tells_each_end_once_in_messages_of_a_bounded_size) {
  connect_all(5000);
  host.ms_per_kick = 0;
  std::set<wire::ConnectionId> expected;
  for (const auto& one : opened()) expected.insert(one.connection);
  ASSERT_EQ(expected.size(), 5000u);
  withdraw_trust();
  gate.on_tick();
  EXPECT_EQ(places(wire::kClosedTopic).size(), 2u);
  for (const std::size_t place : places(wire::kClosedTopic)) {
    EXPECT_LE(host.published[place].payload.size(), 64u * 1024);
  }
  const auto ends = closed();
  EXPECT_EQ(ends.size(), 5000u);
  EXPECT_EQ(std::set<wire::ConnectionId>(ends.begin(), ends.end()), expected);
}

TEST_F(HubEndpoint, ends_that_an_earlier_hub_process_was_to_hear_of_are_not_told_to_the_next) {
  snapshot({record("dev-1", 1), record("dev-2", 1)});
  for (const char* id : {"dev-1", "dev-2"}) {
    Leaf good = leaf(id, 1);
    ASSERT_EQ(connect(id, &good), Answer::kAccept);
  }
  const auto first = opened();
  gate.on_disconnect(live["dev-1"]);
  gate.on_disconnect(live["dev-2"]);  // by now the end of dev-1 waits to be told
  live.clear();
  gate.on_disconnect(&hub_handle);
  connect_hub();
  snapshot({record("dev-1", 1), record("dev-2", 1)});
  const auto ends = closed();
  EXPECT_EQ(std::count(ends.begin(), ends.end(), first[0].connection), 0);
  EXPECT_TRUE(opened().empty());
}

TEST_F(BigCut, one_that_leaves_by_itself_is_cut_too) {
  connect_all(600);
  withdraw_trust();
  for (const auto& [id, client] : std::map(live)) gate.on_disconnect(client);
  EXPECT_EQ(acks().back().cut, 2u);
  EXPECT_EQ(host.kicked.size(), 500u);
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
  snapshot({record("dev-1", 1)}, host.boot + 500);
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

TEST_F(HubEndpoint, nothing_is_taken_behind_the_end_of_a_lease_however_late_it_is_read) {
  snapshot({record("dev-1", 1)}, host.boot + 500);
  Leaf good = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &good), Answer::kAccept);
  EXPECT_EQ(gate.may_write(live["dev-1"], "devices/dev-1/messages/events/", {}, 1), Access::kAllow);
  host.boot += 500;  // the broker was stopped, and has had no tick
  EXPECT_EQ(gate.may_write(live["dev-1"], "devices/dev-1/messages/events/", {}, 1), Access::kDeny);
  Leaf again = leaf("dev-1", 1);
  EXPECT_EQ(reason_of("dev-1", &again, Answer::kClose), Reason::kRegistryNotReady);
}

TEST_F(HubEndpoint, a_gate_without_a_lease_refuses_and_cuts_nobody) {
  snapshot({record("dev-1", 1)}, 0);
  Leaf early = leaf("dev-1", 1);
  EXPECT_EQ(reason_of("dev-1", &early, Answer::kClose), Reason::kRegistryNotReady);
  feed({generation, ++number, false, host.boot + 500, {}});
  Leaf good = leaf("dev-1", 1);
  EXPECT_EQ(connect("dev-1", &good), Answer::kAccept);
  gate.on_tick();
  EXPECT_TRUE(host.kicked.empty());
}

TEST_F(HubEndpoint, a_batch_that_comes_behind_the_end_renews_nothing) {
  snapshot({record("dev-1", 1)}, host.boot + 500);
  Leaf good = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &good), Answer::kAccept);
  host.boot += 600;
  feed({generation, ++number, false, host.boot - 50, {}});  // held up on its way
  gate.on_tick();
  EXPECT_EQ(host.kicked.size(), 1u);
  Leaf again = leaf("dev-1", 1);
  EXPECT_EQ(reason_of("dev-1", &again, Answer::kClose), Reason::kRegistryNotReady);
}

class KeepingEndpoint : public ::testing::Test, public test::World {
 protected:
  static Options options() {
    Options options = test::options_for(Endpoint::kHub);
    options.keep_sessions = true;
    return options;
  }
  KeepingEndpoint() : World(options()) { connect_hub(); }
};

TEST_F(KeepingEndpoint, lets_sessions_go_on_behind_the_end_of_its_lease_and_nobody_in) {
  snapshot({record("dev-1", 1), record("dev-2", 2)}, host.boot + 500);
  Leaf good = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &good), Answer::kAccept);
  host.boot += 500;
  gate.on_tick();
  EXPECT_TRUE(host.kicked.empty());
  EXPECT_EQ(gate.may_write(live["dev-1"], "devices/dev-1/messages/events/", {}, 1), Access::kAllow);
  Leaf other = leaf("dev-2", 2);
  EXPECT_EQ(connect("dev-2", &other), Answer::kClose);
  change({record("dev-1", 9)});  // what it stood on is gone all the same
  EXPECT_EQ(host.kicked.size(), 1u);
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
  EXPECT_EQ(closed().at(0), first[0].connection);
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
  request.peer = test::kSocket;
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

}  // namespace
}  // namespace latchkey::hub::gate
