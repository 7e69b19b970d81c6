// SPDX-License-Identifier: Apache-2.0
// The configuration of an HAProxy before several hub nodes, for whoever runs one: it gives each TCP connection to one
// node and reads nothing of it, so TLS stays between device and broker. Whether a node may be given any it asks of the
// node itself. Unlike FrontConfig's, this HAProxy is not ours: it is printed, not started.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace latchkey::hub::brokers {

struct BalancerConfig {
  struct Endpoint {
    std::string address;  // numeric
    std::uint16_t port = 0;
  };
  struct Node {
    std::string name;  // of letters, digits, '-', '_' and '.'
    Endpoint dps;
    Endpoint hub;
    Endpoint health;  // answers GET /healthz with 200 while the node may be given connections
  };
  Endpoint dps;  // where devices come
  Endpoint hub;
  std::vector<Node> nodes;
};

std::string render(const BalancerConfig& config);

}  // namespace latchkey::hub::brokers
