// SPDX-License-Identifier: Apache-2.0
// Rows of namespaces and of their one credential.
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

Outcome<Nothing> insert(Database& database, const Namespace& ns);
Outcome<std::optional<Namespace>> find_namespace(Database& database, std::string_view name);
Outcome<std::vector<Namespace>> list_namespaces(Database& database);
// What keeps a namespace from being deleted: "a credential", "devices", ...; nothing when it is empty.
Outcome<std::optional<std::string>> occupant_of(Database& database, const Uuid& ns);
// With the records that only have a meaning inside it: deleted policies and registrations.
Outcome<Nothing> delete_namespace(Database& database, const Uuid& ns);

Outcome<Nothing> insert(Database& database, const Credential& credential);
Outcome<std::optional<Credential>> find_credential(Database& database, const Uuid& ns);
Outcome<Nothing> delete_credential(Database& database, const Uuid& credential);

}  // namespace latchkey::registry::store
