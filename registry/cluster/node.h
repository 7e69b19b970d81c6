// SPDX-License-Identifier: Apache-2.0
// A node as the others know it: its row in the registry. Nodes know each other by nothing else (docs/consistency.md).
#pragma once

#include <cstdint>
#include <string>

#include "platform/base/ids.h"
#include "registry/model/change.h"

namespace latchkey::registry::cluster {

enum class NodeState : std::uint8_t {
  kLive = 1,
  kLost = 2,  // another node found that its leases have ended; it has to join anew
  kLeft = 3,  // by itself, when nobody was served any more
};

struct Node {
  std::string name;
  Uuid incarnation;  // another one with each time that it joins anew
  NodeState state = NodeState::kLive;
  std::int64_t beat = 0;      // goes on with each renewal; only ever compared for equality
  std::int64_t lease_ms = 0;  // what each renewal gives it: nodes may differ
  Sequence applied = 0;       // every gate of it knows the registry up to here
  Sequence cut = 0;           // and has closed what that condemned
  std::string address;        // what devices are told, as HOST:PORT
  std::string version;        // of its program
  bool draining = false;      // is to be told to no more devices
  // What it said of itself last; of one that is not live it means nothing.
  std::int64_t sessions = 0;  // of devices, at its brokers
  bool drained = false;       // it drains, balancers had time to see that, and no session is left
};

// What a node says of its devices.
struct Load {
  std::int64_t sessions = 0;
  bool drained = false;
  bool operator==(const Load& other) const = default;
};

enum class Confirmed : std::uint8_t { kApplied, kCut };

// Whether a change counts as enforced at that node: it says so, or it serves nobody. (What a lost node does before it
// has joined anew is nothing: its leases have ended, and it gets none.)
inline bool enforces(const Node& node, Sequence sequence, Confirmed confirmed) {
  if (node.state != NodeState::kLive) return true;
  return (confirmed == Confirmed::kApplied ? node.applied : node.cut) >= sequence;
}

// After so long without another beat, by the clock of whoever watches, a lease that the last one gave has ended by the
// clock of the node: clocks may go by 1 % too fast or too slow, and 1.01 / 0.99 is less than 1.025.
inline std::int64_t silence_ms(std::int64_t lease_ms) { return lease_ms + lease_ms / 40 + 100; }

}  // namespace latchkey::registry::cluster
