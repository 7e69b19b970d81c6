// SPDX-License-Identifier: Apache-2.0
// Rows of what became of long-running operations of the management API (registry::ActRecord).
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

// Also removes what has expired by `now`, and all but the newest `most`.
Outcome<Nothing> put_act(Database& database, const ActRecord& act, UnixMs now, std::int64_t most);
Outcome<std::optional<ActRecord>> find_act(Database& database, std::string_view id);

}  // namespace latchkey::registry::store
