// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/status_lists.h"

namespace latchkey::registry {
namespace {

using store::Database;
using store::Query;

// The counter's row is locked until the commit: versions become visible in their order.
Outcome<std::int64_t> next_version(Database& db) {
  LATCHKEY_TRY(version, db.query("UPDATE counters SET value = value + 1 WHERE name = 'status list' RETURNING value")
                            .first([](const Query& row) { return row.integer(0); }));
  if (version) return *version;
  return refuse(Reason::kStorage, "the registry lacks its counter of status lists");
}

}  // namespace

Outcome<std::int64_t> StatusLists::put(const std::string& path, std::uint64_t number, const Bytes& list) {
  std::int64_t version = 0;
  LATCHKEY_TRY(kept, rows_.keep_rows([&](Database& db) -> Outcome<Nothing> {
    LATCHKEY_TRY(fresh, next_version(db));
    LATCHKEY_TRY_VOID(db.query("INSERT INTO status_lists (path, version, number, list) VALUES ($1, $2, $3, $4) "
                               "ON CONFLICT (path) DO UPDATE SET version = excluded.version, "
                               "number = excluded.number, list = excluded.list "
                               "WHERE status_lists.number < excluded.number",
                               path, fresh, number, list)
                          .run());
    version = fresh;
    if (db.changed() == 1) return Nothing{};
    return refuse(Reason::kPreconditionFailed, "another node has published " + path + " with a greater number");
  }));
  static_cast<void>(kept);
  return version;
}

Outcome<std::optional<StatusList>> StatusLists::next(std::int64_t version) {
  return rows_.looked<std::optional<StatusList>>([&](Database& db) {
    return db.query("SELECT path, version, list FROM status_lists WHERE version > $1 ORDER BY version LIMIT 1", version)
        .first([](const Query& row) {
          return StatusList{row.text(0), row.integer(1), row.bytes(2)};
        });
  });
}

}  // namespace latchkey::registry
