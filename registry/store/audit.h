// SPDX-License-Identifier: Apache-2.0
// Rows of the audit: one for each attempt at a mutation, never changed, never deleted.
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

// Texts are cut at 512 bytes; control characters and what is not ASCII become '?': they may be a stranger's.
Outcome<Nothing> insert(Database& database, const AuditRecord& record);
// Newest first, numbers below `before` (0: from the newest).
Outcome<std::vector<AuditRecord>> audit_before(Database& database, std::uint64_t before, std::size_t limit);

}  // namespace latchkey::registry::store
