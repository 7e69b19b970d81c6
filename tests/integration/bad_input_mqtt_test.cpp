// SPDX-License-Identifier: Apache-2.0
// MQTT at its edges: protocol versions, client ids, quality and size. Whatever a device tries costs at most its own
// session.
#include <gtest/gtest.h>

#include "tests/integration/bad_input_mqtt.h"

namespace latchkey::tests {
namespace {

constexpr int kLongMs = kMqttLongMs;

TEST_F(BadMqtt, mqtt_3_1_is_refused) {
  auto connect = fields();
  connect.protocol = "MQIsdp";
  connect.level = 3;
  EXPECT_EQ(judged_at_hub(connect), "refused: CONNACK 5, protocol version, protocol");
  connect = dps_fields("old-1");
  connect.protocol = "MQIsdp";
  connect.level = 3;
  EXPECT_EQ(judged_at_dps(connect), "refused: CONNACK 5, protocol version, protocol");
}

TEST_F(BadMqtt, mqtt_5_is_refused) {
  constexpr int kNotAuthorized = 0x87;  // MQTT 5.0 section 3.2.2.2
  auto connect = fields();
  connect.level = 5;
  EXPECT_EQ(judged_at_hub(connect),
            "refused: CONNACK " + std::to_string(kNotAuthorized) + ", protocol version, protocol");
  connect = dps_fields("new-1");
  connect.level = 5;
  EXPECT_EQ(judged_at_dps(connect),
            "refused: CONNACK " + std::to_string(kNotAuthorized) + ", protocol version, protocol");
}

TEST_F(BadMqtt, client_ids_that_break_the_rules_are_refused) {
  const std::vector<std::string> ids = {"victim+1",
                                        "victim#1",
                                        "+",
                                        "#",
                                        "victim/1",
                                        "-victim",
                                        "victim-",
                                        "victim 1",
                                        "$SYS",
                                        "..",
                                        "v\xc3\xafktim",
                                        "latchkey!",
                                        "a;b",
                                        std::string(129, 'a'),
                                        std::string(200, 'a')};
  for (const auto& id : ids) {
    auto connect = fields();
    connect.client_id = id;
    EXPECT_EQ(judged_at_hub(connect), "refused: CONNACK 5, malformed client id, client id") << id;
    connect = dps_fields("x");
    connect.client_id = id;
    EXPECT_EQ(judged_at_dps(connect), "refused: CONNACK 5, malformed client id, client id") << id;
  }
}

// The broker itself answers, as MQTT-3.1.3-9 says: identifier rejected.
TEST_F(BadMqtt, empty_client_id_is_refused) {
  for (const bool clean : {true, false}) {
    auto connect = fields();
    connect.client_id.clear();
    connect.clean = clean;
    EXPECT_EQ(refused_by_broker(victim(), connect_packet(connect)), "refused: CONNACK 2, no decision");
    connect = dps_fields("x");
    connect.client_id.clear();
    connect.clean = clean;
    EXPECT_EQ(refused_by_broker(world().hub.dps_options("x", ""), connect_packet(connect)),
              "refused: CONNACK 2, no decision");
  }
}

TEST_F(BadMqtt, junk_instead_of_a_connect_only_closes) {
  const std::vector<std::string> junk = {
      "GET / HTTP/1.1\r\nHost: hub\r\n\r\n",
      std::string("\x10\xff\xff\xff\xff\x7f", 6),  // a length of five bytes
      std::string("\x10\x02\x00\x04", 4),          // CONNECT cut short
      std::string("\x30\x05\x00\x01"
                  "a"
                  "xx",
                  7),                                   // PUBLISH first
      std::string("\x82\x06\x00\x01\x00\x01#\x01", 8),  // SUBSCRIBE first
      std::string("\xe0\x00", 2),                       // DISCONNECT first
  };
  for (const auto& bytes : junk) {
    for (const auto& options : {victim(), world().hub.dps_options("x", "")}) {
      RawClient client(options);
      ASSERT_TRUE(client.open(kLongMs));
      client.send(bytes);
      EXPECT_TRUE(client.wait_closed(kLongMs)) << bytes.substr(0, 8);
    }
  }
}

// MQTT-1.5.3-1 and -2: ill-formed UTF-8, a zero byte; the broker counts control characters to it.
TEST_F(BadMqtt, client_id_that_is_no_text_only_closes) {
  for (const std::string& id : {std::string("victim-1\0x", 10), std::string("victim\xff"), std::string("victim\xc3"),
                                std::string("victim\x7f"), std::string("victim\n")}) {
    auto connect = fields();
    connect.client_id = id;
    EXPECT_EQ(refused_by_broker(victim(), connect_packet(connect)), "closed without CONNACK, no decision") << id;
  }
}

TEST_F(BadMqtt, second_connect_of_one_connection_only_closes_it) {
  RawClient client(victim());
  ASSERT_TRUE(client.open(kLongMs));
  EXPECT_EQ(client.connect(connect_packet(fields()), kLongMs).text(), "accepted");
  auto connect = fields();
  connect.client_id = World::kBystander;
  connect.username = world().hub.hub_username(World::kBystander);
  client.send(connect_packet(connect));
  EXPECT_TRUE(client.wait_closed(kLongMs));
}

TEST_F(BadMqtt, publish_at_quality_2_closes_that_session_only) {
  for (const bool at_hub : {true, false}) {
    RawClient client(at_hub ? victim() : world().hub.dps_options("twice-1", ""));
    ASSERT_TRUE(client.open(kLongMs));
    ASSERT_EQ(client.connect(connect_packet(at_hub ? fields() : dps_fields("twice-1")), kLongMs).text(), "accepted");
    client.send(publish_packet(
        at_hub ? "devices/victim-1/messages/events/" : "$dps/registrations/PUT/iotdps-register/?$rid=1", "{}", 2));
    EXPECT_TRUE(client.wait_closed(kLongMs));
  }
}

TEST_F(BadMqtt, subscription_at_quality_2_is_granted_1) {
  const auto client = session();
  EXPECT_EQ(client->subscribe("devices/victim-1/messages/devicebound/#", 2, kLongMs), 1);
}

TEST_F(BadMqtt, wildcard_in_a_publish_closes_that_session_only) {
  for (const std::string topic : {"devices/+/messages/events/", "#", ""}) {
    RawClient client(victim());
    ASSERT_TRUE(client.open(kLongMs));
    ASSERT_EQ(client.connect(connect_packet(fields()), kLongMs).text(), "accepted");
    client.send(publish_packet(topic, "x", 1));
    EXPECT_TRUE(client.wait_closed(kLongMs)) << topic;
  }
}

TEST_F(BadMqtt, telemetry_over_the_limit_does_not_keep_the_device_from_going_on) {
  const auto client = session();
  constexpr std::size_t kTelemetryLimit = 256 * 1024;
  constexpr std::size_t kBrokerLimit = 1024 * 1024;
  for (const std::size_t size : {kTelemetryLimit + 1, kBrokerLimit + 1}) {
    client->publish("devices/victim-1/messages/events/", std::string(size, 'x'), 1, kLongMs);
    const auto again = session();
    EXPECT_TRUE(again->publish("devices/victim-1/messages/events/", "fine", 1, kLongMs)) << size;
  }
}

TEST_F(BadMqtt, packet_that_claims_256_mb_costs_the_hub_nothing) {
  for (const bool at_hub : {true, false}) {
    RawClient client(at_hub ? victim() : world().hub.dps_options("large-1", ""));
    ASSERT_TRUE(client.open(kLongMs));
    client.send(std::string("\x10\xff\xff\xff\x7f", 5));
    client.send(std::string(64, '\0'));
    EXPECT_TRUE(client.wait_closed(kLongMs)) << (at_hub ? "hub" : "dps");
  }
}

}  // namespace
}  // namespace latchkey::tests
