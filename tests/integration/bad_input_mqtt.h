// SPDX-License-Identifier: Apache-2.0
// For tests that send MQTT which the hub has to refuse: sessions of the good devices, and CONNECTs of any kind.
#pragma once

#include "tests/integration/bad_input_world.h"

namespace latchkey::tests {

inline constexpr int kMqttLongMs = 20'000;  // reached only by a failure

class BadMqtt : public BadInput {
 protected:
  DeviceClient::Options victim() { return world().hub.hub_options(World::kVictim, world().victim); }
  ConnectFields fields() {
    ConnectFields connect;
    connect.client_id = World::kVictim;
    connect.username = world().hub.hub_username(World::kVictim);
    return connect;
  }
  std::string judged_at_hub(const ConnectFields& connect) {
    return judged_raw(victim(), connect_packet(connect), "hub");
  }
  std::string judged_at_dps(const ConnectFields& connect) {
    return judged_raw(world().hub.dps_options("x", ""), connect_packet(connect), "dps");
  }
  ConnectFields dps_fields(const std::string& id) {
    ConnectFields connect;
    connect.client_id = id;
    connect.username = world().hub.dps_username(id);
    connect.password = world().hub.token(id);
    return connect;
  }
  // A session of the victim that is open.
  std::unique_ptr<DeviceClient> session() {
    auto client = std::make_unique<DeviceClient>(victim());
    EXPECT_EQ(client->connect(kMqttLongMs).text(), "accepted");
    return client;
  }
  // The other device's session, listening to all that it may hear.
  std::unique_ptr<DeviceClient> listener() {
    auto client = std::make_unique<DeviceClient>(world().hub.hub_options(World::kOther, world().other));
    EXPECT_EQ(client->connect(kMqttLongMs).text(), "accepted");
    EXPECT_EQ(client->subscribe("devices/other-1/messages/devicebound/#"), 1);
    EXPECT_EQ(client->subscribe("$iothub/credentials/res/#"), 1);
    return client;
  }
  // What was sent before this has arrived when this has.
  void expect_heard_nothing_but_the_last(DeviceClient& client) {
    const auto sent = world().hub.cli({"device", "send", "-n", World::kOther, "--message", "last"});
    EXPECT_EQ(sent.exit_status, 0) << sent.err;
    expect_audit("ok device.sendMessage namespaces/default/devices/other-1");
    const auto first = client.wait_message([](const Message&) { return true; }, kMqttLongMs);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->payload, "last") << first->topic;
    EXPECT_EQ(client.waiting_messages(), 0U);
    // Its session is not kept, so the next one would hear it again.
    EXPECT_EQ(world().hub.cli({"device", "message", "purge", "-n", World::kOther}).exit_status, 0);
    expect_audit("ok device.purgeMessages namespaces/default/devices/other-1");
  }
};

}  // namespace latchkey::tests
