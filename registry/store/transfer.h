// SPDX-License-Identifier: Apache-2.0
// A registry from one database to another, whichever kind each is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "platform/ports/digest.h"
#include "registry/store/sql.h"

namespace latchkey::registry::store {

// What is in a table: how many rows, and the sum of their SHA-256 digests, in whatever order they come.
struct TableDigest {
  std::string table;
  std::int64_t rows = 0;
  std::array<std::uint64_t, 4> sum{};

  bool operator==(const TableDigest&) const = default;
};

// Of every table of the schema, in its order. In a transaction of `database`.
Outcome<std::vector<TableDigest>> digest_tables(Database& database, const ports::Digest& digest);

// Every row of every table, the audit and the settings too, as of one commit of `from`, in one transaction of `to`,
// which gets the schema first when it has none. Before the commit the rows of both are digested and compared. Answers
// what was copied.
//  kPreconditionFailed: `from` is of another schema version, or `to` is not empty.
//  kStorage: also when what came out is not what went in; then nothing is kept.
Outcome<std::vector<TableDigest>> copy_everything(Database& from, Database& to, const ports::Digest& digest);

// The same without comparing.
Outcome<Nothing> copy_everything(Database& from, Database& to);

// The rows of one table, into one without any; both in transactions.
Outcome<Nothing> copy_table(Database& from, Database& to, const std::string& table);

}  // namespace latchkey::registry::store
