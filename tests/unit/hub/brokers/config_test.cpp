// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <vector>

namespace latchkey::hub::brokers {
namespace {

BrokerConfig example() {
  BrokerConfig config;
  config.address = "127.0.0.2";
  config.port = 18883;
  config.certificate = "/data/server.pem";
  config.key = "/data/server.key";
  config.socket = "/data/gate.sock";
  config.gate = "/data/gate.so";
  config.gate_hash = 0xabc;
  return config;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

bool has(const BrokerConfig& config, const std::string& line) {
  const auto all = lines(render(config));
  return std::find(all.begin(), all.end(), line) != all.end();
}

TEST(ConfigTest, only_two_listeners_are_open) {
  const auto all = lines(render(example()));
  EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const auto& line) { return line.starts_with("listener "); }), 2);
  EXPECT_TRUE(has(example(), "listener 0 /data/gate.sock"));
  EXPECT_TRUE(has(example(), "listener 18883 127.0.0.2"));
}

TEST(ConfigTest, gate_keeps_sessions_behind_its_lease_only_when_it_is_told_to) {
  EXPECT_EQ(render(example()).find("keep_sessions"), std::string::npos);
  auto config = example();
  config.keep_sessions = true;
  EXPECT_TRUE(has(config, "plugin_opt_keep_sessions yes"));
}

TEST(ConfigTest, tls_material_belongs_to_the_network_listener) {
  const auto text = render(example());
  const auto network = text.find("listener 18883");
  ASSERT_NE(network, std::string::npos);
  EXPECT_GT(text.find("certfile /data/server.pem"), network);
  EXPECT_GT(text.find("keyfile /data/server.key"), network);
  EXPECT_EQ(text.find("cafile"), std::string::npos) << "the gate holds the anchors, not the broker";
}

TEST(ConfigTest, gate_decides_at_either_endpoint) {
  auto config = example();
  EXPECT_TRUE(has(config, "plugin /data/gate.so"));
  EXPECT_TRUE(has(config, "plugin_opt_endpoint hub"));
  EXPECT_TRUE(has(config, "max_packet_size 1048576"));
  config.endpoint = Endpoint::kDps;
  EXPECT_TRUE(has(config, "plugin_opt_endpoint dps"));
  EXPECT_TRUE(has(config, "max_packet_size 100352"));
}

TEST(ConfigTest, user_is_named_only_when_there_is_one_to_drop_to) {
  auto config = example();
  EXPECT_EQ(render(config).find("\nuser "), std::string::npos);
  config.user = "mosquitto";
  EXPECT_TRUE(has(config, "user mosquitto"));
}

TEST(ConfigTest, whatever_differs_shows_in_the_text) {
  const auto text = render(example());
  auto other_gate = example();
  other_gate.gate_hash = 0xabd;
  EXPECT_NE(render(other_gate), text) << "a broker with another plugin would be adopted";
  auto other_port = example();
  other_port.port = 18884;
  EXPECT_NE(render(other_port), text);
  auto other_address = example();
  other_address.address = "127.0.0.3";
  EXPECT_NE(render(other_address), text);
  EXPECT_EQ(render(example()), text);
}

}  // namespace
}  // namespace latchkey::hub::brokers
