// SPDX-License-Identifier: Apache-2.0
// Rows of registrations (which registration id was assigned to which device and hub) and of the provisioning
// operations that devices poll.
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

// The row names the hub by uuid, so that it is answered under the host that the hub has now.
struct RegistrationRow {
  Registration registration;  // `hub` and `hub_name` are read, not stored
  Uuid hub;
};
Outcome<Nothing> put(Database& database, const RegistrationRow& row);
Outcome<Nothing> delete_registration(Database& database, std::string_view registration_id);
Outcome<std::optional<RegistrationRow>> find_registration(Database& database, std::string_view registration_id);
// The id of the enrollment that this registration came through, if it exists and is disabled.
Outcome<std::optional<std::string>> disabled_enrollment_of(Database& database, std::string_view registration_id);
Outcome<std::vector<Registration>> list_registrations(Database& database);
// Of those that came through one enrollment, in the order of their ids, which compare without regard to case; those
// behind `after`.
Outcome<std::vector<Registration>> registrations_after(Database& database, const Uuid& enrollment,
                                                       std::string_view after, std::size_t limit);
// How many are assigned to that hub, and the first of them in the order of their ids.
struct AssignedTo {
  std::int64_t count = 0;
  std::vector<std::string> first;
};
Outcome<AssignedTo> assigned_to(Database& database, const Uuid& hub, std::size_t limit);

struct OperationRow {
  std::string id;
  std::string registration_id;
  std::string status;
  Bytes body;
  UnixMs expires = 0;
};
Outcome<Nothing> put(Database& database, const OperationRow& operation);
Outcome<std::optional<OperationRow>> find_operation(Database& database, std::string_view id);
Outcome<Nothing> prune_operations(Database& database, UnixMs now);  // expired ones

}  // namespace latchkey::registry::store
