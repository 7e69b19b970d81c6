// SPDX-License-Identifier: Apache-2.0
// Which nodes have been silent for so long that no lease of theirs is in force.
//
// Why that holds: the lease that beat b gave counts from before b was written, so it ends no later than lease_ms after
// the first time that anybody saw b. Whoever sees b for silence_ms() and then sets the node to lost, on the condition
// that the beat still is b, knows that it has no other; and a lost node gets none.
//
// Times are those of the caller's own clock, one that does not stop in suspend; none is ever compared with another
// machine's. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "registry/cluster/node.h"

namespace latchkey::registry::cluster {

class Silence {
 public:
  // All rows, and when they were here: a time behind the answer, not before the question.
  void seen(const std::vector<Node>& nodes, std::int64_t now_ms);
  // Whether that row, as it was seen last, has stood still for silence_ms() of its lease. False for a row that was not
  // seen, or not with that incarnation and beat.
  bool over(const Node& node, std::int64_t now_ms) const;
  // When over() will be true if nothing happens; a row that was not seen: from now on.
  std::int64_t over_at(const Node& node, std::int64_t now_ms) const;

 private:
  struct Seen {
    Uuid incarnation;
    std::int64_t beat = 0;
    std::int64_t first_ms = 0;
  };
  const Seen* find(const Node& node) const;

  std::map<std::string, Seen> seen_;  // by name
};

}  // namespace latchkey::registry::cluster
