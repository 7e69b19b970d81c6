// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/balancer_config.h"

#include <sstream>
#include <utility>

namespace latchkey::hub::brokers {
namespace {

using Node = BalancerConfig::Node;
using Endpoint = BalancerConfig::Endpoint;

std::string text(const Endpoint& where) {
  const bool v4 = where.address.find(':') == std::string::npos;
  return (v4 ? where.address : "[" + where.address + "]") + ":" + std::to_string(where.port);
}

void service(std::ostream& out, const std::string& name, const Endpoint& where, const std::vector<Node>& nodes,
             Endpoint Node::*of_node) {
  out << "\nfrontend " << name << "\n"
      << "  bind " << text(where) << " backlog 4096\n"
      << "  default_backend " << name << "_nodes\n"
      << "backend " << name
      << "_nodes\n"
      // sessions are long: whoever has the fewest gets the next, also after a node came back without any
      << "  balance leastconn\n"
      << "  option httpchk GET /healthz\n"
      << "  http-check expect status 200\n";
  for (const auto& node : nodes) {
    out << "  server " << node.name << " " << text(node.*of_node) << " check addr " << node.health.address << " port "
        << node.health.port << "\n";
  }
}

}  // namespace

std::string render(const BalancerConfig& config) {
  std::ostringstream out;
  out << "# Printed by latchkey up --print-haproxy. TLS is between devices and nodes; no key is needed here.\n"
      << "global\n"
      << "  log stderr format raw local0 notice\n"
      << "defaults\n"
      << "  mode tcp\n"
      << "  log global\n"
      << "  option dontlog-normal\n"
      << "  timeout connect 5s\n"
      << "  timeout check 2s\n"
      // Silence is the broker's to judge, by the session's keep-alive; these are the longest that HAProxy can have.
      << "  timeout client 24d\n"
      << "  timeout server 24d\n"
      // but not once one side has said that it is done
      << "  timeout client-fin 10s\n"
      << "  timeout server-fin 10s\n"
      // a node that does not answer is passed over
      << "  retries 3\n"
      << "  option redispatch 1\n"
      // A node that says that it is not ready gets nothing new. What it has stays: a node that drains lets its sessions
      // go itself, and one that may serve nobody cuts them.
      << "  default-server inter 500ms fastinter 250ms fall 2 rise 2\n";
  service(out, "dps", config.dps, config.nodes, &Node::dps);
  service(out, "hub", config.hub, config.nodes, &Node::hub);
  return std::move(out).str();
}

}  // namespace latchkey::hub::brokers
