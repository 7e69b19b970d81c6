// SPDX-License-Identifier: Apache-2.0
// Rows of the change feed, and the snapshot that a follower starts from.
#pragma once

#include <functional>

#include "registry/model/change.h"
#include "registry/store/sql.h"

namespace latchkey::registry::store {

Outcome<Nothing> insert(Database& database, const Change& change);
// Forgets changes up to and with `last`.
Outcome<Nothing> prune_changes(Database& database, Sequence last);

// The number of the newest change that was ever made.
Outcome<Sequence> newest_change(Database& database);
// The oldest that is still there; nothing when there is none.
Outcome<std::optional<Sequence>> oldest_change(Database& database);
Outcome<std::vector<Change>> changes_after(Database& database, Sequence after, std::size_t limit);

// Every anchor of the hub, then every device of its namespace, as they are now.
Outcome<Nothing> visit_state(Database& database, const Hub& hub, const std::function<void(ChangeBody)>& visit);

}  // namespace latchkey::registry::store
