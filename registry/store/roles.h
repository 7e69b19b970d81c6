// SPDX-License-Identifier: Apache-2.0
// Rows of principals, custom role definitions and role assignments. Names compare without regard to case.
#pragma once

#include "registry/roles/role.h"
#include "registry/store/sql.h"

namespace latchkey::registry::store {

Outcome<Nothing> insert(Database& database, const roles::Principal& principal);
Outcome<Nothing> set_revoked(Database& database, const Uuid& principal, UnixMs at);
Outcome<Nothing> delete_principal(Database& database, const Uuid& principal);  // and its assignments
Outcome<std::optional<roles::Principal>> find_principal(Database& database, std::string_view name);
Outcome<std::optional<roles::Principal>> find_principal_by_uuid(Database& database, const Uuid& uuid);
Outcome<std::vector<roles::Principal>> list_principals(Database& database);  // by name

Outcome<Nothing> insert(Database& database, const roles::RoleDefinition& role);
Outcome<Nothing> delete_role_definition(Database& database, const Uuid& role);
Outcome<std::optional<roles::RoleDefinition>> find_role_definition(Database& database, std::string_view name);
Outcome<std::optional<roles::RoleDefinition>> find_role_definition_by_uuid(Database& database, const Uuid& uuid);
Outcome<std::vector<roles::RoleDefinition>> list_role_definitions(Database& database);  // by name

Outcome<Nothing> insert(Database& database, const roles::RoleAssignment& assignment);
Outcome<Nothing> delete_role_assignment(Database& database, const Uuid& assignment);
Outcome<std::optional<roles::RoleAssignment>> find_role_assignment(Database& database, const Uuid& uuid);
// Of that principal, that role and that scope.
Outcome<std::optional<roles::RoleAssignment>> find_role_assignment(Database& database, const Uuid& principal,
                                                                   const Uuid& role, std::string_view scope);
Outcome<std::vector<roles::RoleAssignment>> list_role_assignments(Database& database);  // oldest first
Outcome<std::vector<roles::RoleAssignment>> role_assignments_of(Database& database, const Uuid& principal);
Outcome<bool> role_is_assigned(Database& database, const Uuid& role);

}  // namespace latchkey::registry::store
