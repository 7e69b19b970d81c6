// SPDX-License-Identifier: Apache-2.0
#include "registry/store/namespaces.h"

#include <utility>

namespace latchkey::registry::store {
namespace {

Namespace read_namespace(const Query& row) { return {row.id<Uuid>(0), row.text(1), row.integer(2)}; }

constexpr std::pair<std::string_view, const char*> kOccupants[] = {
    {"SELECT 1 FROM credentials WHERE namespace = $1 LIMIT 1", "a credential"},
    {"SELECT 1 FROM policies WHERE namespace = $1 AND deleted = 0 LIMIT 1", "policies"},
    {"SELECT 1 FROM devices WHERE namespace = $1 LIMIT 1", "devices"},
    {"SELECT 1 FROM enrollments WHERE namespace = $1 LIMIT 1", "enrollments"},
    {"SELECT 1 FROM hubs WHERE namespace = $1 LIMIT 1", "a linked hub"},
};

}  // namespace

Outcome<Nothing> insert(Database& database, const Namespace& ns) {
  return database
      .query("INSERT INTO namespaces (uuid, name, created) VALUES ($1, $2, $3)", ns.uuid, ns.name, ns.created)
      .run();
}

Outcome<std::optional<Namespace>> find_namespace(Database& database, std::string_view name) {
  return database.query("SELECT uuid, name, created FROM namespaces WHERE name = $1", name).first(read_namespace);
}

Outcome<std::vector<Namespace>> list_namespaces(Database& database) {
  return database.query("SELECT uuid, name, created FROM namespaces ORDER BY name").all(read_namespace);
}

Outcome<std::optional<std::string>> occupant_of(Database& database, const Uuid& ns) {
  for (const auto& [sql, occupant] : kOccupants) {
    LATCHKEY_TRY(found, database.query(sql, ns).next());
    if (found) return std::optional<std::string>(occupant);
  }
  return std::optional<std::string>();
}

Outcome<Nothing> delete_namespace(Database& database, const Uuid& ns) {
  LATCHKEY_TRY_VOID(database.query("DELETE FROM policies WHERE namespace = $1", ns).run());
  LATCHKEY_TRY_VOID(database.query("DELETE FROM registrations WHERE namespace = $1", ns).run());
  return database.query("DELETE FROM namespaces WHERE uuid = $1", ns).run();
}

Outcome<Nothing> insert(Database& database, const Credential& credential) {
  return database
      .query("INSERT INTO credentials (uuid, namespace, ca, key_profile, created) VALUES ($1, $2, $3, $4, $5)",
             credential.uuid, credential.namespace_uuid, credential.ca, credential.key_profile, credential.created)
      .run();
}

Outcome<std::optional<Credential>> find_credential(Database& database, const Uuid& ns) {
  return database.query("SELECT uuid, namespace, ca, key_profile, created FROM credentials WHERE namespace = $1", ns)
      .first([](const Query& row) {
        return Credential{row.id<Uuid>(0), row.id<Uuid>(1), row.id<Uuid>(2), row.value<KeyProfile>(3), row.integer(4)};
      });
}

Outcome<Nothing> delete_credential(Database& database, const Uuid& credential) {
  return database.query("DELETE FROM credentials WHERE uuid = $1", credential).run();
}

}  // namespace latchkey::registry::store
