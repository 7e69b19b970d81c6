// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/balancer.h"

#include <algorithm>
#include <cctype>

#include "hub/brokers/balancer_config.h"

namespace latchkey::hub::app {
namespace {

using registry::Outcome;
using registry::Reason;
using registry::refuse;
using Node = brokers::BalancerConfig::Node;

constexpr std::size_t kNameMax = 64;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

constexpr const char* kForm = "--print-haproxy takes NAME=DPS,HUB,HEALTH, each but the name ADDRESS:PORT, not '";

// Here a port has to be said: what is printed is for other machines.
Outcome<brokers::BalancerConfig::Endpoint> to_endpoint(const std::string& text) {
  LATCHKEY_TRY(address, parse_address(text));
  if (address.port == 0 || !text.ends_with(":" + std::to_string(address.port))) {
    return refuse(Reason::kInvalidArgument, "'" + text + "' lacks its port, and a balancer cannot know it");
  }
  return brokers::BalancerConfig::Endpoint{address.host, address.port};
}

Outcome<Node> to_node(const std::string& text) {
  const auto equals = text.find('=');
  const auto first = text.find(',');
  const auto second = text.find(',', first == std::string::npos ? first : first + 1);
  if (equals == std::string::npos || second == std::string::npos || equals > first ||
      !is_name(text.substr(0, equals))) {
    return refuse(Reason::kInvalidArgument, kForm + text + "'");
  }
  LATCHKEY_TRY(dps, to_endpoint(text.substr(equals + 1, first - equals - 1)));
  LATCHKEY_TRY(hub, to_endpoint(text.substr(first + 1, second - first - 1)));
  LATCHKEY_TRY(health, to_endpoint(text.substr(second + 1)));
  return Node{text.substr(0, equals), dps, hub, health};
}

}  // namespace

Outcome<std::string> balancer_configuration(const Endpoints& endpoints, const std::vector<std::string>& nodes) {
  brokers::BalancerConfig config;
  if (endpoints.dps.text() == endpoints.hub.text() || endpoints.dps.port == 0 || endpoints.hub.port == 0) {
    return refuse(Reason::kInvalidArgument,
                  "--print-haproxy needs --dps and --hub: where devices come to the balancer, two addresses or ports");
  }
  config.dps = {endpoints.dps.host, endpoints.dps.port};
  config.hub = {endpoints.hub.host, endpoints.hub.port};
  for (const auto& text : nodes) {
    LATCHKEY_TRY(node, to_node(text));
    const auto same = [&](const auto& other) { return other.name == node.name; };
    if (std::any_of(config.nodes.begin(), config.nodes.end(), same)) {
      return refuse(Reason::kInvalidArgument, "--print-haproxy names '" + node.name + "' twice");
    }
    config.nodes.push_back(node);
  }
  return brokers::render(config);
}

}  // namespace latchkey::hub::app
