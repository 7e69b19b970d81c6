// SPDX-License-Identifier: Apache-2.0
// Rows of enrollments. They hold symmetric keys: nothing here is for logs.
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

Outcome<Nothing> insert(Database& database, const Enrollment& enrollment);
Outcome<Nothing> update(Database& database, const Enrollment& enrollment);  // not its id, namespace, proofs, device id
Outcome<Nothing> remove(Database& database, const Enrollment& enrollment);
// Ids compare case-insensitively; an individual enrollment and a group may share one.
Outcome<std::optional<Enrollment>> find_enrollment(Database& database, std::string_view id, bool group);
Outcome<std::optional<Enrollment>> find_enrollment_by_uuid(Database& database, const Uuid& uuid);
Outcome<std::vector<Enrollment>> list_enrollments(Database& database);
// In the order of their ids, which compare without regard to case; those behind `after`.
Outcome<std::vector<Enrollment>> enrollments_after(Database& database, bool group, std::string_view after,
                                                   std::size_t limit);
// Those that are proven with certificates, groups last, by id.
Outcome<std::vector<Enrollment>> list_with_certificates(Database& database);
// Groups alone, in the order of their ids. Reads the whole table: ask group_generation() first.
Outcome<std::vector<Enrollment>> list_groups(Database& database);
// Goes up with every group that is inserted, updated or removed; 0 before the first. One row.
Outcome<std::uint64_t> group_generation(Database& database);
// For whoever changes groups by other ways than those above.
Outcome<Nothing> next_group_generation(Database& database);

}  // namespace latchkey::registry::store
