// SPDX-License-Identifier: Apache-2.0
#include "registry/store/devices.h"

namespace latchkey::registry::store {
namespace {

const std::string kSelect =
    "SELECT uuid, namespace, id, credential_id, enabled, policy, registration_id, version, created, updated, "
    "last_revoked FROM devices ";

Device read_device(const Query& row) {
  Device device;
  device.uuid = row.id<Uuid>(0);
  device.namespace_uuid = row.id<Uuid>(1);
  device.id = row.text(2);
  device.credential_id = row.id<CredentialId>(3);
  device.enabled = row.flag(4);
  device.policy = row.optional_id<Uuid>(5);
  device.registration_id = row.text(6);
  device.version = static_cast<std::uint64_t>(row.integer(7));
  device.created = row.integer(8);
  device.updated = row.integer(9);
  device.last_revoked = row.integer(10);
  return device;
}

}  // namespace

Outcome<Nothing> insert(Database& database, const Device& device) {
  return database
      .query(
          "INSERT INTO devices (uuid, namespace, id, credential_id, enabled, policy, registration_id, version, "
          "created, updated, last_revoked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
          device.uuid, device.namespace_uuid, device.id, device.credential_id, device.enabled, device.policy,
          device.registration_id, device.version, device.created, device.updated, device.last_revoked)
      .run();
}

Outcome<Nothing> update(Database& database, const Device& device) {
  return database
      .query(
          "UPDATE devices SET credential_id = $1, enabled = $2, policy = $3, registration_id = $4, version = $5, "
          "updated = $6, last_revoked = $7 WHERE uuid = $8",
          device.credential_id, device.enabled, device.policy, device.registration_id, device.version, device.updated,
          device.last_revoked, device.uuid)
      .run();
}

Outcome<Nothing> delete_device(Database& database, const Uuid& uuid) {
  return database.query("DELETE FROM devices WHERE uuid = $1", uuid).run();
}

Outcome<std::optional<Device>> find_device(Database& database, const Uuid& ns, std::string_view id) {
  static const std::string sql = kSelect + "WHERE namespace = $1 AND id = $2";
  return database.query(sql, ns, id).first(read_device);
}

Outcome<std::optional<Device>> find_device(Database& database, const std::string& ns, std::string_view id) {
  static const std::string sql =
      kSelect + "WHERE namespace = (SELECT uuid FROM namespaces WHERE name = $1) AND id = $2";
  return database.query(sql, ns, id).first(read_device);
}

Outcome<std::optional<Device>> find_device_by_uuid(Database& database, const Uuid& uuid) {
  static const std::string sql = kSelect + "WHERE uuid = $1";
  return database.query(sql, uuid).first(read_device);
}

Outcome<std::vector<Device>> devices_after(Database& database, const Uuid& ns, std::string_view after,
                                           std::size_t limit) {
  static const std::string sql = kSelect + "WHERE namespace = $1 AND id > $2 ORDER BY id LIMIT $3";
  return database.query(sql, ns, after, limit).all(read_device);
}

Outcome<std::pair<std::uint64_t, std::uint64_t>> count_devices(Database& database, const Uuid& ns) {
  const auto number = [](const Query& row) { return static_cast<std::uint64_t>(row.integer(0)); };
  LATCHKEY_TRY(all, database.query("SELECT COUNT(*) FROM devices WHERE namespace = $1", ns).first(number));
  // The literal value lets the partial index serve.
  LATCHKEY_TRY(disabled,
               database.query("SELECT COUNT(*) FROM devices WHERE namespace = $1 AND enabled = 0", ns).first(number));
  return std::pair(all.value_or(0), all.value_or(0) - disabled.value_or(0));
}

Outcome<bool> has_devices(Database& database, const Uuid& ns, std::uint64_t count) {
  if (count == 0) return true;
  LATCHKEY_TRY(last, database.query("SELECT 1 FROM devices WHERE namespace = $1 LIMIT 1 OFFSET $2", ns, count - 1)
                         .first([](const Query& row) { return row.integer(0); }));
  return last.has_value();
}

}  // namespace latchkey::registry::store
