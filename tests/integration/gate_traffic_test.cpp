// SPDX-License-Identifier: Apache-2.0
// The gate in a real Mosquitto, hub endpoint: which messages pass, from whom, to whom, and in which order.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/integration/gate_hub_world.h"

namespace latchkey::tests {
namespace {

using hub::wire::Batch;
using hub::wire::Deliver;
using hub::wire::DeviceGone;

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
        "devices/dev-1/messages/devicebound/x", "$iothub/twin/res/200/?$rid=1", "$iothub/methods/POST/x/?$rid=1",
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

// What the broker's log says of a client's SUBSCRIBE or UNSUBSCRIBE: the filter that went to its tree; "" when nothing.
std::string place_told(const std::string& log, const std::string& begin) {
  const auto at = log.rfind(begin + "$");
  return at == std::string::npos ? "" : log.substr(at + begin.size(), log.find('\n', at) - at - begin.size());
}

TEST_P(HubGateLive, devices_with_the_same_filter_have_places_of_their_own_in_the_brokers_tree) {
  const std::string filter = "$iothub/twin/res/#";
  const Broker talkative("hub", {"log_type subscribe", "log_type unsubscribe"});
  HubSide side(talkative.socket());
  side.snapshot({hub::wire::AnchorAdded{kIssuing, issuing.der()}, record("dev-1", 1, 10), record("dev-2", 2, 20)});
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev2 = leaf("dev-2", 2, 20);
  Probe first(talkative.port(), &dev1);
  Probe second(talkative.port(), &dev2);
  ASSERT_EQ(first.connect(device("dev-1")), 0);
  ASSERT_EQ(second.connect(device("dev-2")), 0);
  ASSERT_EQ(first.subscribe(filter), 1);
  ASSERT_EQ(second.subscribe(filter), 1);
  const auto place = place_told(talkative.log(), "dev-1 1 ");
  EXPECT_EQ(place.size(), filter.size()) << place;
  EXPECT_NE(place, filter);
  EXPECT_EQ(place_told(talkative.log(), "dev-2 1 ").size(), filter.size());
  EXPECT_NE(place_told(talkative.log(), "dev-2 1 "), place);
  first.unsubscribe(filter);
  EXPECT_EQ(place_told(talkative.log(), "dev-1 "), place);
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

}  // namespace
}  // namespace latchkey::tests
