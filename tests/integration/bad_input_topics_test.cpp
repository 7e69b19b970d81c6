// SPDX-License-Identifier: Apache-2.0
// Topics that are not the device's: it can touch its own and nothing else, by whatever way it tries.
#include <gtest/gtest.h>

#include "tests/integration/bad_input_mqtt.h"

namespace latchkey::tests {
namespace {

constexpr int kLongMs = kMqttLongMs;
constexpr int kSubscriptionRefused = 128;

class BadTopic : public BadMqtt {};

const std::vector<std::string> kForeignTopics = {
    "devices/other-1/messages/events/",
    "devices/other-1/messages/devicebound/",
    "devices/other-1/messages/devicebound/x=y",
    "devices/victim-1/messages/devicebound/",
    "devices/victim-1",
    "devices/victim-1/messages/events",
    "devices/VICTIM-1/messages/events/",
    "devices/victim-1/../other-1/messages/events/",
    "$iothub/credentials/res/200/?$rid=0001",
    "$iothub/twin/res/200/?$rid=1",
    "$dps/registrations/PUT/iotdps-register/?$rid=1",
    "$dps/registrations/res/200/?$rid=1",
    "latchkey/v1/opened",
    "latchkey/v1/feed",
    "latchkey/v1/request/1/devices/other-1/messages/events/",
    "$SYS/broker/uptime",
    "a",
    "/",
};

TEST_F(BadTopic, subscriptions_to_what_is_others_are_refused) {
  const auto client = session();
  const std::vector<std::string> filters = {"#",
                                            "+",
                                            "+/#",
                                            "/#",
                                            "devices/#",
                                            "devices/+/messages/devicebound/#",
                                            "devices/+/messages/events/#",
                                            "devices/other-1/messages/devicebound/#",
                                            "devices/other-1/#",
                                            "devices/victim-1/#",
                                            "devices/victim-1/messages/#",
                                            "devices/victim-1/messages/events/#",
                                            "devices/victim-1/messages/devicebound/+",
                                            "devices/VICTIM-1/messages/devicebound/#",
                                            "$SYS/#",
                                            "$SYS/broker/clients/#",
                                            "$CONTROL/#",
                                            "$CONTROL/latchkey/#",
                                            "latchkey/#",
                                            "latchkey/v1/#",
                                            "$dps/#",
                                            "$dps/registrations/res/#",
                                            "$iothub/#",
                                            "$iothub/+/res/#",
                                            "$share/group/#",
                                            "$share/group/devices/victim-1/messages/devicebound/#"};
  for (const auto& filter : filters) EXPECT_EQ(client->subscribe(filter, 1, kLongMs), kSubscriptionRefused) << filter;
  EXPECT_EQ(client->subscribe("devices/victim-1/messages/devicebound/#", 1, kLongMs), 1);
  EXPECT_TRUE(client->connected());
}

TEST_F(BadTopic, subscriptions_at_the_dps_endpoint_are_the_answers_or_nothing) {
  DeviceClient client(world().hub.dps_options("listener-1", world().hub.token("listener-1")));
  ASSERT_EQ(client.connect(kLongMs).text(), "accepted");
  for (const std::string filter : {"#", "$dps/#", "$dps/registrations/#", "$dps/registrations/res/+/#",
                                   "$dps/registrations/PUT/#", "$iothub/#", "$iothub/credentials/res/#", "$SYS/#",
                                   "$CONTROL/#", "latchkey/v1/#", "devices/listener-1/messages/devicebound/#"}) {
    EXPECT_EQ(client.subscribe(filter, 1, kLongMs), kSubscriptionRefused) << filter;
  }
  EXPECT_EQ(client.subscribe("$dps/registrations/res/#", 1, kLongMs), 1);
  EXPECT_TRUE(client.connected());
}

TEST_F(BadTopic, publishes_to_what_is_others_reach_nobody) {
  const auto other = listener();
  const auto client = session();
  for (const auto& topic : kForeignTopics) {
    client->publish(topic, "hostile", 1, kLongMs);
    EXPECT_TRUE(client->connected()) << topic;
  }
  expect_heard_nothing_but_the_last(*other);
}

TEST_F(BadTopic, control_topics_are_deaf_to_devices) {
  for (const std::string topic : {"$CONTROL/latchkey/v1/feed", "$CONTROL/latchkey/v1/deliver",
                                  "$CONTROL/latchkey/v1/attest", "$CONTROL/dynamic-security/v1", "$CONTROL/x"}) {
    const auto client = session();
    client->publish(topic, std::string("\x01\x00\x00\x00hostile", 11), 1, 2'000);
    // What matters is what it did to the others (see TearDown); its own session may be closed for it.
    const auto again = session();
    EXPECT_TRUE(again->publish("devices/victim-1/messages/events/", "fine", 1, kLongMs)) << topic;
  }
}

TEST_F(BadTopic, foreign_topics_at_the_dps_endpoint_close_the_session) {
  for (const std::string topic :
       {"$iothub/credentials/POST/issueCertificate/?$rid=0001", "devices/victim-1/messages/events/",
        "latchkey/v1/opened", "$dps/registrations/res/200/?$rid=1", "$dps/registrations/PUT/other/?$rid=1", "a"}) {
    DeviceClient client(world().hub.dps_options("closed-1", world().hub.token("closed-1")));
    ASSERT_EQ(client.connect(kLongMs).text(), "accepted");
    client.publish(topic, "{}", 1, kLongMs);
    EXPECT_TRUE(client.wait_closed(kLongMs).has_value()) << topic;
  }
}

TEST_F(BadTopic, will_on_a_foreign_topic_reaches_nobody) {
  const auto other = listener();
  for (const std::string topic : {"devices/other-1/messages/devicebound/", "devices/other-1/messages/events/",
                                  "$iothub/credentials/res/200/?$rid=0001", "latchkey/v1/opened", "a"}) {
    RawClient client(victim());
    ASSERT_TRUE(client.open(kLongMs));
    Packet connect = connect_packet(fields());
    // A will has to be put in by hand to die without DISCONNECT: flags, topic and payload behind the client id.
    const std::string id = World::kVictim;
    Packet will{static_cast<std::uint8_t>(topic.size() >> 8), static_cast<std::uint8_t>(topic.size())};
    will.insert(will.end(), topic.begin(), topic.end());
    for (const char c : std::string("\0\4gone", 6)) will.push_back(static_cast<std::uint8_t>(c));
    const auto variable = connect.begin() + (connect[1] >= 0x80 ? 3 : 2);
    Packet body(variable, connect.end());
    body[7] |= 0x04 | 0x08;  // a will, QoS 1
    body.insert(body.begin() + 10 + 2 + static_cast<std::ptrdiff_t>(id.size()), will.begin(), will.end());
    Packet packet{0x10};
    for (std::size_t length = body.size();; length /= 128) {
      packet.push_back(static_cast<std::uint8_t>(length % 128 | (length >= 128 ? 0x80 : 0)));
      if (length < 128) break;
    }
    packet.insert(packet.end(), body.begin(), body.end());
    EXPECT_EQ(client.connect(packet, kLongMs).text(), "accepted") << topic;
  }  // dies without a word
  expect_heard_nothing_but_the_last(*other);
}

// Nothing is kept for who comes later, and the publish itself is ordinary telemetry.
TEST_F(BadTopic, retained_publish_is_not_kept) {
  RawClient client(victim());
  ASSERT_TRUE(client.open(kLongMs));
  ASSERT_EQ(client.connect(connect_packet(fields()), kLongMs).text(), "accepted");
  for (const std::string topic : {"devices/victim-1/messages/events/", "devices/victim-1/messages/devicebound/",
                                  "devices/other-1/messages/devicebound/"}) {
    client.send(publish_packet(topic, "kept", 1, true));
    const auto answer = client.read(kLongMs);
    ASSERT_TRUE(answer.has_value()) << topic;
    EXPECT_EQ(kind_of(*answer), kPuback) << topic;
  }
  const auto other = listener();
  expect_heard_nothing_but_the_last(*other);
}

}  // namespace
}  // namespace latchkey::tests
