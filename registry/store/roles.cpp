// SPDX-License-Identifier: Apache-2.0
#include "registry/store/roles.h"

#include <algorithm>

#include "registry/store/fold.h"

namespace latchkey::registry::store {

using roles::Principal;
using roles::RoleAssignment;
using roles::RoleDefinition;

namespace {

const std::string kSelectPrincipal = "SELECT uuid, name, digest, created, expires, revoked FROM principals ";
const std::string kSelectRole =
    "SELECT uuid, name, description, actions, not_actions, data_actions, not_data_actions, assignable_scopes, created "
    "FROM role_definitions ";
const std::string kSelectAssignment = "SELECT uuid, principal, role, scope, created FROM role_assignments ";

// A digest of another length proves nothing: it stays zero, which is nobody's.
Principal read_principal(const Query& row) {
  Principal principal;
  principal.id = row.id<Uuid>(0);
  principal.name = row.text(1);
  const auto digest = row.bytes(2);
  if (digest.size() == principal.digest.size()) std::copy(digest.begin(), digest.end(), principal.digest.begin());
  principal.created = row.integer(3);
  principal.expires = row.integer(4);
  principal.revoked = row.integer(5);
  return principal;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

RoleDefinition read_role(const Query& row) {
  RoleDefinition role;
  role.id = row.id<Uuid>(0);
  role.name = row.text(1);
  role.description = row.text(2);
  role.actions = lines_of(row.text(3));
  role.not_actions = lines_of(row.text(4));
  role.data_actions = lines_of(row.text(5));
  role.not_data_actions = lines_of(row.text(6));
  role.assignable_scopes = lines_of(row.text(7));
  role.created = row.integer(8);
  return role;
}

RoleAssignment read_assignment(const Query& row) {
  return {row.id<Uuid>(0), row.id<Uuid>(1), row.id<Uuid>(2), row.text(3), row.integer(4)};
}

}  // namespace

Outcome<Nothing> insert(Database& database, const Principal& principal) {
  return database
      .query(
          "INSERT INTO principals (uuid, name, folded_name, digest, created, expires, revoked) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7)",
          principal.id, principal.name, fold(principal.name), ByteView(principal.digest), principal.created,
          principal.expires, principal.revoked)
      .run();
}

Outcome<Nothing> set_revoked(Database& database, const Uuid& principal, UnixMs at) {
  return database.query("UPDATE principals SET revoked = $1 WHERE uuid = $2", std::max<UnixMs>(at, 1), principal).run();
}

Outcome<Nothing> delete_principal(Database& database, const Uuid& principal) {
  return database.query("DELETE FROM principals WHERE uuid = $1", principal).run();
}

Outcome<std::optional<Principal>> find_principal(Database& database, std::string_view name) {
  static const std::string sql = kSelectPrincipal + "WHERE folded_name = $1";
  return database.query(sql, fold(name)).first(read_principal);
}

Outcome<std::optional<Principal>> find_principal_by_uuid(Database& database, const Uuid& uuid) {
  static const std::string sql = kSelectPrincipal + "WHERE uuid = $1";
  return database.query(sql, uuid).first(read_principal);
}

Outcome<std::vector<Principal>> list_principals(Database& database) {
  static const std::string sql = kSelectPrincipal + "ORDER BY folded_name";
  return database.query(sql).all(read_principal);
}

Outcome<Nothing> insert(Database& database, const RoleDefinition& role) {
  return database
      .query(
          "INSERT INTO role_definitions (uuid, name, folded_name, description, actions, not_actions, data_actions, "
          "not_data_actions, assignable_scopes, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
          role.id, role.name, fold(role.name), role.description, joined(role.actions), joined(role.not_actions),
          joined(role.data_actions), joined(role.not_data_actions), joined(role.assignable_scopes), role.created)
      .run();
}

Outcome<Nothing> delete_role_definition(Database& database, const Uuid& role) {
  return database.query("DELETE FROM role_definitions WHERE uuid = $1", role).run();
}

Outcome<std::optional<RoleDefinition>> find_role_definition(Database& database, std::string_view name) {
  static const std::string sql = kSelectRole + "WHERE folded_name = $1";
  return database.query(sql, fold(name)).first(read_role);
}

Outcome<std::optional<RoleDefinition>> find_role_definition_by_uuid(Database& database, const Uuid& uuid) {
  static const std::string sql = kSelectRole + "WHERE uuid = $1";
  return database.query(sql, uuid).first(read_role);
}

Outcome<std::vector<RoleDefinition>> list_role_definitions(Database& database) {
  static const std::string sql = kSelectRole + "ORDER BY folded_name";
  return database.query(sql).all(read_role);
}

Outcome<Nothing> insert(Database& database, const RoleAssignment& assignment) {
  return database
      .query(
          "INSERT INTO role_assignments (uuid, principal, role, scope, folded_scope, created) "
          "VALUES ($1, $2, $3, $4, $5, $6)",
          assignment.id, assignment.principal, assignment.role, assignment.scope, fold(assignment.scope),
          assignment.created)
      .run();
}

Outcome<Nothing> delete_role_assignment(Database& database, const Uuid& assignment) {
  return database.query("DELETE FROM role_assignments WHERE uuid = $1", assignment).run();
}

Outcome<std::optional<RoleAssignment>> find_role_assignment(Database& database, const Uuid& uuid) {
  static const std::string sql = kSelectAssignment + "WHERE uuid = $1";
  return database.query(sql, uuid).first(read_assignment);
}

Outcome<std::optional<RoleAssignment>> find_role_assignment(Database& database, const Uuid& principal, const Uuid& role,
                                                            std::string_view scope) {
  static const std::string sql = kSelectAssignment + "WHERE principal = $1 AND role = $2 AND folded_scope = $3";
  return database.query(sql, principal, role, fold(scope)).first(read_assignment);
}

Outcome<std::vector<RoleAssignment>> list_role_assignments(Database& database) {
  static const std::string sql = kSelectAssignment + "ORDER BY created, uuid";
  return database.query(sql).all(read_assignment);
}

Outcome<std::vector<RoleAssignment>> role_assignments_of(Database& database, const Uuid& principal) {
  static const std::string sql = kSelectAssignment + "WHERE principal = $1 ORDER BY created, uuid";
  return database.query(sql, principal).all(read_assignment);
}

Outcome<bool> role_is_assigned(Database& database, const Uuid& role) {
  LATCHKEY_TRY(
      found, database.query("SELECT 1 FROM role_assignments WHERE role = $1 LIMIT 1", role).first([](const Query& row) {
        return row.integer(0);
      }));
  return found.has_value();
}

}  // namespace latchkey::registry::store
