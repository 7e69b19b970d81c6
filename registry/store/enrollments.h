// SPDX-License-Identifier: Apache-2.0
// Rows of enrollments. They hold symmetric keys: nothing here is for logs.
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

Outcome<Nothing> insert(Database& database, const Enrollment& enrollment);
Outcome<Nothing> update(Database& database, const Enrollment& enrollment);  // policy name, enabled, updated
Outcome<Nothing> delete_enrollment(Database& database, const Uuid& uuid);
// Ids compare case-insensitively; an individual enrollment and a group may share one.
Outcome<std::optional<Enrollment>> find_enrollment(Database& database, std::string_view id, bool group);
Outcome<std::optional<Enrollment>> find_enrollment_by_uuid(Database& database, const Uuid& uuid);
Outcome<std::vector<Enrollment>> list_enrollments(Database& database);

}  // namespace latchkey::registry::store
