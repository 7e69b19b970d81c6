// SPDX-License-Identifier: Apache-2.0
#include "registry/store/registrations.h"

#include "registry/store/fold.h"

namespace latchkey::registry::store {
namespace {

const std::string kSelect =
    "SELECT r.registration_id, r.enrollment, r.namespace, r.device_id, h.host, r.created, r.updated, r.hub, h.name, "
    "r.substatus "
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
  result.registration.hub_name = row.text(8);
  result.registration.substatus = row.value<Substatus>(9);
  return result;
}

}  // namespace

Outcome<Nothing> put(Database& database, const RegistrationRow& row) {
  const Registration& registration = row.registration;
  return database
      .query(
          "INSERT INTO registrations (folded_id, registration_id, enrollment, namespace, device_id, hub, created, "
          "updated, substatus) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (folded_id) DO UPDATE SET "
          "enrollment = excluded.enrollment, namespace = excluded.namespace, device_id = excluded.device_id, "
          "hub = excluded.hub, updated = excluded.updated, substatus = excluded.substatus",
          fold(registration.registration_id), registration.registration_id, registration.enrollment,
          registration.namespace_uuid, registration.device_id, row.hub, registration.created, registration.updated,
          registration.substatus)
      .run();
}

Outcome<Nothing> delete_registration(Database& database, std::string_view registration_id) {
  return database.query("DELETE FROM registrations WHERE folded_id = $1", fold(registration_id)).run();
}

Outcome<std::optional<RegistrationRow>> find_registration(Database& database, std::string_view registration_id) {
  static const std::string sql = kSelect + "WHERE r.folded_id = $1";
  return database.query(sql, fold(registration_id)).first(read_registration);
}

Outcome<std::optional<std::string>> disabled_enrollment_of(Database& database, std::string_view registration_id) {
  return database
      .query(
          "SELECT e.id FROM registrations r JOIN enrollments e ON e.uuid = r.enrollment WHERE r.folded_id = $1 AND "
          "e.enabled = 0",
          fold(registration_id))
      .first([](const Query& row) { return row.text(0); });
}

Outcome<std::vector<Registration>> list_registrations(Database& database) {
  static const std::string sql = kSelect + "ORDER BY r.folded_id";
  return database.query(sql).all([](const Query& row) { return read_registration(row).registration; });
}

Outcome<std::vector<Registration>> registrations_after(Database& database, const Uuid& enrollment,
                                                       std::string_view after, std::size_t limit) {
  static const std::string sql = kSelect + "WHERE r.enrollment = $1 AND r.folded_id > $2 ORDER BY r.folded_id LIMIT $3";
  return database.query(sql, enrollment, fold(after), limit).all([](const Query& row) {
    return read_registration(row).registration;
  });
}

Outcome<AssignedTo> assigned_to(Database& database, const Uuid& hub, std::size_t limit) {
  AssignedTo assigned;
  LATCHKEY_TRY(count,
               database.query("SELECT COUNT(*) FROM registrations WHERE hub = $1", hub).first([](const Query& row) {
                 return row.integer(0);
               }));
  assigned.count = count.value_or(0);
  LATCHKEY_TRY(
      first,
      database.query("SELECT device_id FROM registrations WHERE hub = $1 ORDER BY folded_id LIMIT $2", hub, limit)
          .all([](const Query& row) { return row.text(0); }));
  assigned.first = std::move(first);
  return assigned;
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
