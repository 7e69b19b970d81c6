// SPDX-License-Identifier: Apache-2.0
// The state of a registry as a whole: copied to a file of its own, and put back from one. For rehearsals.
//
// State is every table but those that tell how it came about and go on whatever happens to it: the audit and its head,
// the counters, the settings, sealed keys, the nodes, the version of the schema.
#pragma once

#include <string>
#include <vector>

#include "registry/store/sql.h"

namespace latchkey::registry::store {

// A copy of all that is in `database`, as of its last commit, in a new SQLite file of mode 0600. `database` is not in a
// transaction. kAlreadyExists: there is a file of that name. kStorage.
Outcome<Nothing> copy_database(Database& database, const std::string& path);

// All of these run in the transaction of `database`.
Outcome<Nothing> clear_state(Database& database);
// Every row of `from`'s state, into tables that are empty. kPreconditionFailed: it is of another version of the schema.
Outcome<Nothing> copy_state(Database& from, Database& database);

// Revocation lists of signing CAs have numbers in their rows, and numbers never go back (RFC 5280 section 5.2.3): the
// highest that was given out is remembered before the state goes, as a setting, and what comes in its place counts on
// from there, with every list due.
Outcome<Nothing> remember_list_numbers(Database& database);
Outcome<Nothing> go_on_with_list_numbers(Database& database);

// The names of the keys that CAs have.
Outcome<std::vector<std::string>> key_refs(Database& database);
// "hub in default" for each hub and its namespace, the hub's name in lower case, in order.
Outcome<std::vector<std::string>> hub_links(Database& database);

}  // namespace latchkey::registry::store
