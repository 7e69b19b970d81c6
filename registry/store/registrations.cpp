// SPDX-License-Identifier: Apache-2.0
#include "registry/store/registrations.h"

#include "registry/store/fold.h"

namespace latchkey::registry::store {
namespace {

const std::string kSelect =
    "SELECT r.registration_id, r.enrollment, r.namespace, r.device_id, h.host, r.created, r.updated, r.hub "
    "FROM registrations r JOIN hubs h ON h.uuid = r.hub ";

RegistrationRow read_registration(const Query& row) {
  RegistrationRow result;
  result.registration.registration_id = row.text(0);
  result.registration.enrollment = row.id<Uuid>(1);
  result.registration.namespace_uuid = row.id<Uuid>(2);
  result.registration.device_id = row.text(3);
  result.registration.hub = row.text(4);
  result.registration.created = row.integer(5);
  result.registration.updated = row.integer(6);
  result.hub = row.id<Uuid>(7);
  return result;
}

}  // namespace

Outcome<Nothing> put(Database& database, const RegistrationRow& row) {
  const Registration& registration = row.registration;
  return database
      .query(
          "INSERT INTO registrations (folded_id, registration_id, enrollment, namespace, device_id, hub, created, "
          "updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (folded_id) DO UPDATE SET "
          "enrollment = excluded.enrollment, namespace = excluded.namespace, device_id = excluded.device_id, "
          "hub = excluded.hub, updated = excluded.updated",
          fold(registration.registration_id), registration.registration_id, registration.enrollment,
          registration.namespace_uuid, registration.device_id, row.hub, registration.created, registration.updated)
      .run();
}

Outcome<std::optional<RegistrationRow>> find_registration(Database& database, std::string_view registration_id) {
  static const std::string sql = kSelect + "WHERE r.folded_id = $1";
  return database.query(sql, fold(registration_id)).first(read_registration);
}

Outcome<std::vector<Registration>> list_registrations(Database& database) {
  static const std::string sql = kSelect + "ORDER BY r.folded_id";
  return database.query(sql).all([](const Query& row) { return read_registration(row).registration; });
}

Outcome<Nothing> put(Database& database, const OperationRow& operation) {
  return database
      .query(
          "INSERT INTO operations (id, registration_id, status, body, expires) VALUES ($1, $2, $3, $4, $5) "
          "ON CONFLICT (id) DO UPDATE SET registration_id = excluded.registration_id, status = excluded.status, "
          "body = excluded.body, expires = excluded.expires",
          operation.id, operation.registration_id, operation.status, operation.body, operation.expires)
      .run();
}

Outcome<std::optional<OperationRow>> find_operation(Database& database, std::string_view id) {
  return database.query("SELECT id, registration_id, status, body, expires FROM operations WHERE id = $1", id)
      .first([](const Query& row) {
        return OperationRow{row.text(0), row.text(1), row.text(2), row.bytes(3), row.integer(4)};
      });
}

Outcome<Nothing> prune_operations(Database& database, UnixMs now) {
  return database.query("DELETE FROM operations WHERE expires <= $1", now).run();
}

}  // namespace latchkey::registry::store
