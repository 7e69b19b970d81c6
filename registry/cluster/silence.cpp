// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/silence.h"

#include <utility>

namespace latchkey::registry::cluster {

void Silence::seen(const std::vector<Node>& nodes, std::int64_t now_ms) {
  std::map<std::string, Seen> now;
  for (const Node& node : nodes) {
    const Seen* before = find(node);
    now[node.name] = before != nullptr ? *before : Seen{node.incarnation, node.beat, now_ms};
  }
  seen_ = std::move(now);
}

const Silence::Seen* Silence::find(const Node& node) const {
  const auto found = seen_.find(node.name);
  if (found == seen_.end()) return nullptr;
  const Seen& seen = found->second;
  return seen.incarnation == node.incarnation && seen.beat == node.beat ? &seen : nullptr;
}

bool Silence::over(const Node& node, std::int64_t now_ms) const {
  return find(node) != nullptr && now_ms >= over_at(node, now_ms);
}

std::int64_t Silence::over_at(const Node& node, std::int64_t now_ms) const {
  const Seen* seen = find(node);
  return (seen != nullptr ? seen->first_ms : now_ms) + silence_ms(node.lease_ms);
}

}  // namespace latchkey::registry::cluster
