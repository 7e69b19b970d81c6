// SPDX-License-Identifier: Apache-2.0
#include "registry/store/settings.h"

namespace latchkey::registry::store {

Outcome<std::optional<std::string>> find_setting(Database& database, std::string_view name) {
  return database.query("SELECT value FROM settings WHERE name = $1", name).first([](const Query& row) {
    return row.text(0);
  });
}

Outcome<Nothing> put_setting(Database& database, std::string_view name, std::string_view value) {
  return database
      .query(
          "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
          name, value)
      .run();
}

}  // namespace latchkey::registry::store
