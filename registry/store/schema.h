// SPDX-License-Identifier: Apache-2.0
// The tables, as numbered steps. A database knows its number. A file of SQLite takes the steps that it lacks when it is
// opened; PostgreSQL, where other nodes may be at work, when somebody asks for it (latchkey db migrate), but for the
// first time. What follows is kStorage when the database was made by a newer program or is someone else's.
#pragma once

#include <string>
#include <vector>

#include "registry/store/sql.h"

namespace latchkey::registry::store {

inline constexpr int kSchemaVersion = 20;

// Brings the database to kSchemaVersion in one transaction.
Outcome<Nothing> migrate(Database& database);

// For whoever opens it to work with: kStorage also when PostgreSQL has an older one.
Outcome<Nothing> make_ready(Database& database);

// 0 of a database without any table.
Outcome<int> schema_version_of(Database& database);

// Every table, in the order of their making: one that refers to another comes after it.
const std::vector<std::string>& schema_tables();

}  // namespace latchkey::registry::store
