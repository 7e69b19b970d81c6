// SPDX-License-Identifier: Apache-2.0
// The claims' rows. Whoever writes takes the counter of claims first: numbers follow the order of commits whichever
// node gives them, and no two writers wait for each other's rows.
//
// kStorage from each.
#pragma once

#include <string>
#include <vector>

#include "registry/cluster/claims.h"
#include "registry/store/sql.h"

namespace latchkey::registry::cluster {

// The last number that was given: the row of it, and all before it, are there for whoever reads behind this.
Outcome<ClaimNumber> newest_claim(store::Database& database);
// Those with a greater number, by their numbers; at most so many.
Outcome<std::vector<ClaimRow>> claims_behind(store::Database& database, ClaimNumber number, std::size_t most);
Outcome<std::vector<ClaimRow>> claims_of(store::Database& database, const Uuid& node);

// One transaction, durable when it answers: the rows of the claims that took their places.
Outcome<std::vector<ClaimRow>> write_claims(store::Database& database, const Uuid& node, const ClaimBatch& batch);
// Whether a live node claimed that place last, other than the one of that name; and the devices of which that is so at
// a hub.
Outcome<bool> claimed_by_others(store::Database& database, const Place& place, const std::string& but);
Outcome<std::vector<std::string>> claimed_by_others(store::Database& database, const std::string& hub,
                                                    const std::string& but);
// Those of nodes that do not live.
Outcome<Nothing> forget_void_claims(store::Database& database);

}  // namespace latchkey::registry::cluster
