// SPDX-License-Identifier: Apache-2.0
// Rows of the audit, one for each attempt at a mutation, never changed, never deleted; and its head, a row of its own
// that moves in the transaction of the records: a tail that is cut off is missed.
#pragma once

#include "registry/model/audit.h"
#include "registry/store/sql.h"

namespace latchkey::registry::store {

// Texts are cut at 512 bytes; control characters and what is not ASCII become '?': they may be a stranger's.
void make_printable(AuditRecord& record);

// As it is: the hash was computed over these very texts.
Outcome<Nothing> insert(Database& database, const AuditRecord& record);
// Newest first, numbers below `before` (0: from the newest).
Outcome<std::vector<AuditRecord>> audit_before(Database& database, std::uint64_t before, std::size_t limit);
// Oldest first, numbers from `first` on.
Outcome<std::vector<AuditRecord>> audit_from(Database& database, std::uint64_t first, std::size_t limit);

// kStorage when the row is not there, or not one.
Outcome<AuditHead> find_audit_head(Database& database);
Outcome<Nothing> put_audit_head(Database& database, const AuditHead& head);
// Of the first and the last record in the table, whatever the head says; both 0: there is none.
struct AuditNumbers {
  std::int64_t first = 0;
  std::int64_t last = 0;
};
Outcome<AuditNumbers> audit_numbers(Database& database);

}  // namespace latchkey::registry::store
