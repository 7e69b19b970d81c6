// SPDX-License-Identifier: Apache-2.0
#include "hub/app/nodes/node_status.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "registry/cluster/rows.h"

namespace latchkey::hub::app {

using nlohmann::json;
using registry::Sequence;
using registry::cluster::Node;
using registry::cluster::NodeState;

namespace {

constexpr std::string_view kPath = "/status";

// Of one that does not live, what it once confirmed says nothing.
json node_json(const Node& node, const NodeStatus::Seen& seen, Sequence newest) {
  const bool live = node.state == NodeState::kLive;
  const bool self = node.name == seen.name;
  json one = {{"name", node.name},
              {"state", state_text(node)},
              {"self", self},
              {"onDuty", live && registry::cluster::mark_of(node.name, node.incarnation) == seen.state.duty},
              {"address", node.address},
              {"version", node.version},
              {"leaseMs", node.lease_ms},
              {"sessions", live ? json(node.sessions) : json()},
              {"behind", live ? json(newest > node.cut ? newest - node.cut : 0) : json()}};
  if (self) one["leaseLeftMs"] = std::max<std::int64_t>(seen.state.lease_end_ms - seen.now_ms, 0);
  return one;
}

}  // namespace

std::string_view state_text(const Node& node) {
  switch (node.state) {
    case NodeState::kLive: return !node.draining ? "live" : node.drained ? "drained" : "draining";
    case NodeState::kLost: return "lost";
    case NodeState::kLeft: return "left";
  }
  return "unknown";
}

management::Response NodeStatus::handle(const management::Request& request, const Next& next) const {
  auto response = next(request);
  if (request.path != kPath || request.method != management::Method::kGet || response.status != 200) return response;
  auto body = json::parse(response.body, nullptr, false);
  if (!body.is_object()) return response;
  const auto newest = body.value("newestSequence", Sequence{0});
  const auto seen = look_();
  auto nodes = json::array();
  for (const auto& node : seen.state.nodes) nodes.push_back(node_json(node, seen, newest));
  body["nodes"] = std::move(nodes);
  response.body = body.dump();
  return response;
}

}  // namespace latchkey::hub::app
