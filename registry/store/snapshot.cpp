// SPDX-License-Identifier: Apache-2.0
#include "registry/store/snapshot.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "registry/store/schema.h"
#include "registry/store/settings.h"
#include "registry/store/transfer.h"

namespace latchkey::registry::store {
namespace {

constexpr std::string_view kListNumberSetting = "signing list number";

std::string first_text(const Query& row) { return row.text(0); }

bool is_state(const std::string& table) {
  return table != "audit" && table != "audit_head" && table != "counters" && table != "settings" &&
         table != "schema_version" && table != "sealed_keys" && table != "nodes" && table != "sessions" &&
         table != "device_news" && table != "calls" && table != "status_lists";
}

// The rows of all tables in the file, whose log is folded back into it as it is closed.
Outcome<Nothing> copy_into_file(Database& database, const std::string& path) {
  LATCHKEY_TRY(file, Database::open(path, Database::Access::kReadWrite));
  return copy_everything(database, *file);
}

}  // namespace

Outcome<Nothing> copy_database(Database& database, const std::string& path) {
  // VACUUM INTO takes an empty file as it is, and so its mode.
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (made < 0 && errno == EEXIST) return refuse(Reason::kAlreadyExists, path + " is there already");
  if (made < 0) return refuse(Reason::kStorage, "create " + path + ": " + std::strerror(errno));
  ::close(made);
  if (database.kind() == StoreKind::kSqlite) {
    LATCHKEY_TRY_VOID(database.query("VACUUM INTO $1", path).run());
  } else {
    LATCHKEY_TRY_VOID(copy_into_file(database, path));
  }
  // SQLite does not sync what it vacuums into.
  const int copy = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  const bool durable = copy >= 0 && ::fsync(copy) == 0;
  if (copy >= 0) ::close(copy);
  if (!durable) return refuse(Reason::kStorage, "sync " + path + ": " + std::strerror(errno));
  return Nothing{};
}

Outcome<Nothing> clear_state(Database& database) {
  const auto& tables = schema_tables();
  for (auto table = tables.rbegin(); table != tables.rend(); ++table) {
    if (is_state(*table)) LATCHKEY_TRY_VOID(database.query("DELETE FROM " + *table).run());
  }
  return Nothing{};
}

Outcome<Nothing> copy_state(Database& from, Database& database) {
  LATCHKEY_TRY(theirs, schema_version_of(from));
  LATCHKEY_TRY(ours, schema_version_of(database));
  if (theirs != ours) {
    return refuse(Reason::kPreconditionFailed, "the snapshot has schema version " + std::to_string(theirs) +
                                                   ", the registry " + std::to_string(ours));
  }
  LATCHKEY_TRY_VOID(from.begin_read());
  Outcome<Nothing> done = Nothing{};
  for (const auto& table : schema_tables()) {
    if (done && is_state(table)) done = copy_table(from, database, table);
  }
  from.end_read();
  return done;
}

Outcome<Nothing> remember_list_numbers(Database& database) {
  LATCHKEY_TRY(before, find_setting(database, kListNumberSetting));
  LATCHKEY_TRY(newest, database.query("SELECT MAX(list_number) FROM signing_authorities").first([](const Query& row) {
    return row.integer(0);  // 0 of none
  }));
  const std::int64_t known = before ? std::strtoll(before->c_str(), nullptr, 10) : 0;
  const std::int64_t highest = std::max<std::int64_t>(newest.value_or(0), known);
  return put_setting(database, kListNumberSetting, std::to_string(highest));
}

Outcome<Nothing> go_on_with_list_numbers(Database& database) {
  LATCHKEY_TRY(highest, find_setting(database, kListNumberSetting));
  if (!highest) return Nothing{};
  const auto number = static_cast<std::int64_t>(std::strtoll(highest->c_str(), nullptr, 10));
  LATCHKEY_TRY_VOID(database.query("UPDATE signing_authorities SET list_due = 1 WHERE role <> 3").run());
  return database.query("UPDATE signing_authorities SET list_number = $1 WHERE role <> 3 AND list_number < $1", number)
      .run();
}

Outcome<std::vector<std::string>> key_refs(Database& database) {
  return database.query("SELECT key_ref FROM cas WHERE key_ref <> '' ORDER BY key_ref").all(first_text);
}

Outcome<std::vector<std::string>> hub_links(Database& database) {
  return database
      .query(
          "SELECT h.folded_name || ' in ' || n.name FROM hubs h JOIN namespaces n ON n.uuid = h.namespace "
          "ORDER BY h.folded_name")
      .all(first_text);
}

}  // namespace latchkey::registry::store
