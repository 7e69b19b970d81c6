// SPDX-License-Identifier: Apache-2.0
#include "registry/firmware/statements.h"

#include <algorithm>

namespace latchkey::registry::firmware {
namespace {

using store::Database;
using store::Query;

// A counter, as no snapshot holds them.
std::string counter_of(StatementKind kind) { return "firmware_" + std::string(to_string(kind)); }

Outcome<std::uint64_t> last_version(Database& db, StatementKind kind) {
  LATCHKEY_TRY(last,
               db.query("SELECT value FROM counters WHERE name = $1", counter_of(kind)).first([](const Query& row) {
                 return row.integer(0);
               }));
  return static_cast<std::uint64_t>(last.value_or(0));
}

}  // namespace

std::string_view to_string(StatementKind kind) { return kind == StatementKind::kPins ? "pins" : "revocations"; }

Outcome<std::optional<Statement>> StatementRows::newest(StatementKind kind) {
  return rows_.looked<std::optional<Statement>>([&](Database& db) {
    return db
        .query(
            "SELECT kind, version, content, body, made FROM firmware_statements WHERE kind = $1 ORDER BY version "
            "DESC LIMIT 1",
            kind)
        .first([](const Query& row) {
          return Statement{row.value<StatementKind>(0), static_cast<std::uint64_t>(row.integer(1)), row.text(2),
                           row.bytes(3), row.integer(4)};
        });
  });
}

Outcome<std::uint64_t> StatementRows::next_version(StatementKind kind) {
  return rows_.looked<std::uint64_t>([&](Database& db) -> Outcome<std::uint64_t> {
    LATCHKEY_TRY(last, last_version(db, kind));
    return last + 1;
  });
}

Outcome<Nothing> StatementRows::add(const Call& call, const Statement& one) {
  const auto resource = "firmware/" + std::string(to_string(one.kind)) + "/" + std::to_string(one.version);
  return rows_.attempt(call, "firmware.statement", resource, [&](RowAct& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(last, last_version(act.db, one.kind));
    if (one.version > 0 && one.version <= last) {
      return refuse(Reason::kAlreadyExists, "there is a statement of version " + std::to_string(one.version));
    }
    if (one.version != last + 1) {
      return refuse(Reason::kPreconditionFailed, "the next version is " + std::to_string(last + 1));
    }
    act.note = one.content;
    std::replace(act.note.begin(), act.note.end(), '\n', ' ');
    LATCHKEY_TRY_VOID(act.db
                          .query("INSERT INTO counters (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET "
                                 "value = $2",
                                 counter_of(one.kind), one.version)
                          .run());
    return act.db
        .query("INSERT INTO firmware_statements (kind, version, content, body, made) VALUES ($1, $2, $3, $4, $5)",
               one.kind, one.version, one.content, one.body, one.made)
        .run();
  });
}

}  // namespace latchkey::registry::firmware
