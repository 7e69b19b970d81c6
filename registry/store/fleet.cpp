// SPDX-License-Identifier: Apache-2.0
#include "registry/store/fleet.h"

#include "registry/store/fold.h"

namespace latchkey::registry::store {
namespace {

// The literal status lets the partial index serve; the sub-select of the hubs' lists is made once for a run.
const std::string kTrusted = "IN (SELECT ca FROM hub_certificates) ";

std::optional<FleetDevice::Door> read_door(const Query& row, int column) {
  if (row.null(column)) return std::nullopt;
  return FleetDevice::Door{row.flag(column), row.text(column + 1)};
}

FleetDevice read_device(const Query& row) {
  FleetDevice device;
  device.uuid = row.id<Uuid>(0);
  device.id = row.text(1);
  device.namespace_uuid = row.id<Uuid>(2);
  device.credential_id = row.id<CredentialId>(3);
  device.enabled = row.flag(4);
  device.assigned_hub = row.optional_id<Uuid>(5);
  device.registered = row.integer(6);
  device.individual = read_door(row, 7);
  device.group = read_door(row, 9);
  return device;
}

StandingCertificate read_standing(const Query& row) {
  StandingCertificate standing;
  standing.serial = row.bytes(0);
  standing.not_before = row.integer(1);
  standing.not_after = row.integer(2);
  standing.policy = row.id<Uuid>(3);
  standing.device = row.text(4);
  standing.namespace_uuid = row.id<Uuid>(5);
  standing.enabled = row.flag(6);
  standing.assigned_hub = row.optional_id<Uuid>(7);
  return standing;
}

}  // namespace

Outcome<std::optional<FleetDevice>> fleet_device(Database& database, const Uuid& device) {
  return database
      .query(
          "SELECT d.uuid, d.id, d.namespace, d.credential_id, d.enabled, r.hub, r.updated, i.enabled, i.policy_name, "
          "g.enabled, g.policy_name FROM devices d "
          "LEFT JOIN registrations r ON r.folded_id = d.registration_id "
          "LEFT JOIN enrollments i ON i.folded_id = d.registration_id AND i.is_group = 0 "
          "AND i.namespace = d.namespace "
          "LEFT JOIN enrollments g ON g.uuid = r.enrollment AND g.is_group = 1 AND g.namespace = d.namespace "
          "WHERE d.uuid = $1",
          device)
      .first(read_device);
}

Outcome<std::optional<Uuid>> device_uuid(Database& database, const Uuid& ns, std::string_view id) {
  return database.query("SELECT uuid FROM devices WHERE namespace = $1 AND id = $2", ns, id)
      .first([](const Query& row) { return row.id<Uuid>(0); });
}

Outcome<bool> had_policy(Database& database, const Uuid& ns, std::string_view name) {
  LATCHKEY_TRY(found, database.query("SELECT 1 FROM policies WHERE namespace = $1 AND folded_name = $2", ns, fold(name))
                          .first([](const Query& row) { return row.integer(0); }));
  return found.has_value();
}

Outcome<std::vector<Uuid>> holders_below(Database& database, const Uuid& ca, UnixMs now) {
  return database.query("SELECT device FROM certificates WHERE status = 2 AND not_after > $1 AND ca = $2", now, ca)
      .all([](const Query& row) { return row.id<Uuid>(0); });
}

Outcome<std::vector<HeldCertificate>> held_by(Database& database, const Uuid& device, const CredentialId& current) {
  return database
      .query(
          "SELECT ca, not_before, not_after, issued_at FROM certificates WHERE device = $1 AND status = 2 "
          "AND credential_id = $2",
          device, current)
      .all([](const Query& row) {
        return HeldCertificate{row.id<Uuid>(0), row.integer(1), row.integer(2), row.integer(3)};
      });
}

Outcome<Nothing> each_end(Database& database, const EndsQuery& query,
                          const std::function<bool(StandingCertificate)>& visit) {
  // The unary plus keeps the planner from going by device or CA: the order of the ends is what is wanted.
  static const std::string sql =
      "SELECT c.serial, c.not_before, c.not_after, c.policy, d.id, d.namespace, d.enabled, r.hub "
      "FROM certificates c CROSS JOIN devices d ON d.uuid = c.device AND d.credential_id = c.credential_id "
      "LEFT JOIN registrations r ON r.folded_id = d.registration_id "
      "WHERE c.status = 2 AND c.not_after >= $1 AND (c.not_after > $1 OR c.serial > $2) "
      "AND (c.not_after <= $3 OR (c.not_after - $4) * 100 <= (c.not_after - c.not_before) * $5) "
      "AND +c.ca " +
      kTrusted +
      "AND NOT EXISTS (SELECT 1 FROM certificates n WHERE n.device = c.device AND n.status = 2 "
      "AND n.not_after >= c.not_after AND (n.not_after > c.not_after OR n.serial > c.serial) "
      "AND n.credential_id = c.credential_id AND +n.ca " +
      kTrusted + ") ORDER BY c.not_after, c.serial";
  // An empty serial is below every other: to begin behind a point of time, all that end at it are skipped.
  const UnixMs from = query.after.serial.empty() ? query.after.not_after + 1 : query.after.not_after;
  auto rows = database.query(sql, from, query.after.serial, query.until, query.now, query.percent_left);
  for (;;) {
    LATCHKEY_TRY(found, rows.next());
    if (!found) return Nothing{};
    if (!visit(read_standing(rows))) return Nothing{};
  }
}

}  // namespace latchkey::registry::store
