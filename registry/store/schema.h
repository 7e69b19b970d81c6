// SPDX-License-Identifier: Apache-2.0
// The tables, as numbered steps. A database knows its number; opening it takes the steps that it lacks.
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

inline constexpr int kSchemaVersion = 14;

// Brings the database to kSchemaVersion in one transaction. kStorage when it was made by a newer program.
Outcome<Nothing> migrate(Database& database);

}  // namespace latchkey::registry::store
