// SPDX-License-Identifier: Apache-2.0
// What SQLite spells its own way, in PostgreSQL's. The schema and the queries are written once, in the words that both
// know (sql.h); these are the few for which there are none:
//
//   SQLite                        PostgreSQL
//   +c.ca                         c.ca                   the unary plus only keeps SQLite's planner off an index
//   a CROSS JOIN b ON             a JOIN b ON            likewise, off another order of the tables
//   char(10)                      chr(10)
//   TEXT                          TEXT COLLATE "C"       of columns: SQLite orders by bytes
//   INTEGER PRIMARY KEY           BIGINT PRIMARY KEY     of columns
//   x'', zeroblob(32)             '\x...'::bytea         of columns and first rows
#pragma once

#include <string>
#include <string_view>

namespace latchkey::registry::store {

std::string postgres_query(std::string_view sql);
std::string postgres_schema(std::string_view sql);

}  // namespace latchkey::registry::store
