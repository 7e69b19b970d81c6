// SPDX-License-Identifier: Apache-2.0
#include "registry/store/act_records.h"

namespace latchkey::registry::store {

Outcome<Nothing> put_act(Database& database, const ActRecord& act, UnixMs now, std::int64_t most) {
  LATCHKEY_TRY_VOID(database.query("DELETE FROM acts WHERE expires <= $1", now).run());
  LATCHKEY_TRY(newest, database.query("SELECT MAX(number) FROM acts").first([](const Query& row) {
    return row.null(0) ? 0 : row.integer(0);
  }));
  const auto number = newest.value_or(0) + 1;
  LATCHKEY_TRY_VOID(database.query("DELETE FROM acts WHERE number <= $1", number - most).run());
  return database
      .query(
          "INSERT INTO acts (number, id, body, expires) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET "
          "body = excluded.body, expires = excluded.expires",
          number, act.id, act.body, act.expires)
      .run();
}

Outcome<std::optional<ActRecord>> find_act(Database& database, std::string_view id) {
  return database.query("SELECT id, body, expires FROM acts WHERE id = $1", id).first([](const Query& row) {
    return ActRecord{row.text(0), row.text(1), row.integer(2)};
  });
}

}  // namespace latchkey::registry::store
