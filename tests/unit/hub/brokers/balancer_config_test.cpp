// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/balancer_config.h"

#include <gtest/gtest.h>

namespace latchkey::hub::brokers {
namespace {

BalancerConfig example() {
  BalancerConfig config;
  config.dps = {"10.0.0.1", 8883};
  config.hub = {"10.0.0.2", 8883};
  config.nodes = {{"a", {"10.0.0.11", 8883}, {"10.0.0.11", 8884}, {"10.0.0.11", 8080}},
                  {"b", {"10.0.0.12", 8883}, {"10.0.0.12", 8884}, {"10.0.1.12", 8081}}};
  return config;
}

std::size_t count_lines(const std::string& text, const std::string& line) {
  std::size_t count = 0;
  for (auto at = text.find("\n  " + line + "\n"); at != std::string::npos;
       at = text.find("\n  " + line + "\n", at + 1)) {
    ++count;
  }
  return count;
}

TEST(BalancerConfig, gives_each_endpoint_to_every_node_that_says_it_is_well) {
  const auto text = render(example());
  EXPECT_EQ(count_lines(text, "bind 10.0.0.1:8883 backlog 4096"), 1U) << text;
  EXPECT_EQ(count_lines(text, "bind 10.0.0.2:8883 backlog 4096"), 1U) << text;
  EXPECT_EQ(count_lines(text, "server a 10.0.0.11:8883 check addr 10.0.0.11 port 8080"), 1U) << text;
  EXPECT_EQ(count_lines(text, "server a 10.0.0.11:8884 check addr 10.0.0.11 port 8080"), 1U) << text;
  EXPECT_EQ(count_lines(text, "server b 10.0.0.12:8884 check addr 10.0.1.12 port 8081"), 1U) << text;
  EXPECT_EQ(count_lines(text, "option httpchk GET /healthz"), 2U) << text;
}

TEST(BalancerConfig, reads_nothing_of_what_passes) {
  const auto text = render(example());
  EXPECT_EQ(count_lines(text, "mode tcp"), 1U) << text;
  EXPECT_EQ(text.find("ssl"), std::string::npos) << text;
  EXPECT_EQ(text.find("mode http"), std::string::npos) << text;
}

TEST(BalancerConfig, brackets_addresses_with_colons) {
  auto config = example();
  config.hub = {"2001:db8::1", 8883};
  config.nodes[0].hub = {"2001:db8::11", 8884};
  config.nodes[0].health = {"2001:db8::11", 8080};
  const auto text = render(config);
  EXPECT_EQ(count_lines(text, "bind [2001:db8::1]:8883 backlog 4096"), 1U) << text;
  EXPECT_EQ(count_lines(text, "server a [2001:db8::11]:8884 check addr 2001:db8::11 port 8080"), 1U) << text;
}

}  // namespace
}  // namespace latchkey::hub::brokers
