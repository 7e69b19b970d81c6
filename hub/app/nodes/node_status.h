// SPDX-License-Identifier: Apache-2.0
// GET /status of a hub that is one of several nodes: what management answers, and under "nodes" all of them, as this
// one saw them last. Who may read the rest may read that.
//
// Threads: any.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "hub/management/request.h"
#include "registry/cluster/cluster.h"

namespace latchkey::hub::app {

// live, draining, drained, lost, left.
std::string_view state_text(const registry::cluster::Node& node);

class NodeStatus {
 public:
  struct Seen {
    std::string name;  // this node's
    registry::cluster::Cluster::State state;
    std::int64_t now_ms = 0;  // by the clock of its lease
  };
  using Next = std::function<management::Response(const management::Request&)>;

  explicit NodeStatus(std::function<Seen()> look) : look_(std::move(look)) {}

  management::Response handle(const management::Request& request, const Next& next) const;

 private:
  const std::function<Seen()> look_;
};

}  // namespace latchkey::hub::app
