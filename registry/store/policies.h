// SPDX-License-Identifier: Apache-2.0
// Rows of policies. A deleted policy stays: its number is never reused, devices and certificates may still name it.
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

struct PolicyRow {
  Policy policy;
  bool deleted = false;
};

Outcome<Nothing> insert(Database& database, const Policy& policy);
// Of this name (compares case-insensitively), not deleted.
Outcome<std::optional<Policy>> find_policy(Database& database, const Uuid& ns, std::string_view name);
// Also a deleted one.
Outcome<std::optional<PolicyRow>> find_policy_row(Database& database, const Uuid& uuid);
Outcome<std::vector<Policy>> list_policies(Database& database, const Uuid& ns);  // not deleted, by name
// Policies with a root of their own whose issuing CA ends at `before` or earlier and for which no CSR waits.
struct DueRenewal {
  std::string namespace_name;
  Policy policy;
};
Outcome<std::vector<DueRenewal>> due_renewals(Database& database, UnixMs before);
Outcome<std::int64_t> last_policy_number(Database& database, const Uuid& ns);  // 0: there never was one

Outcome<Nothing> set_validity(Database& database, const Uuid& uuid, int days);
Outcome<Nothing> set_issuing_ca(Database& database, const Uuid& uuid, const Uuid& ca, KeyProfile profile);
Outcome<Nothing> mark_policy_deleted(Database& database, const Uuid& uuid, UnixMs at);

}  // namespace latchkey::registry::store
