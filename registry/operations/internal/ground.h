// SPDX-License-Identifier: Apache-2.0
// The ground on which devices of one namespace stand: what its hubs trust, and what its policies would issue. All small
// tables, so that it can be taken within a transaction, before an act and behind it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "registry/operations/forecast.h"
#include "registry/store/fleet.h"
#include "registry/store/sql.h"

namespace latchkey::registry {

struct Ground {
  struct IssuingPolicy {
    Uuid uuid;
    Uuid ca;
    bool pending = false;
    UnixMs ca_ends = 0;
  };
  std::vector<Hub> hubs;                          // that are linked to it, by name
  std::map<Uuid, std::set<Uuid>> trusted;         // CAs by hub
  std::map<Uuid, Uuid> policy_of;                 // of the trusted CAs that came from one
  std::map<std::string, IssuingPolicy> policies;  // by folded name

  bool trusts(const Uuid& hub, const Uuid& ca) const {
    const auto found = trusted.find(hub);
    return found != trusted.end() && found->second.count(ca) > 0;
  }
  bool issues(const Uuid& policy) const;
};
Outcome<Ground> take_ground(store::Database& db, const Uuid& ns);

// What keeps that device from a certificate that its hub accepts, at `now`. Never kNotSeen. Which hub that is: the one
// that it was assigned to; any of them when that one is gone.
Obstacle obstacle_of(const store::FleetDevice& device, const Ground& ground, UnixMs now);

}  // namespace latchkey::registry
