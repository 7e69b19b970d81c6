// SPDX-License-Identifier: Apache-2.0
#include "registry/store/fleet.h"

#include <algorithm>
#include <tuple>

#include "registry/store/fold.h"

namespace latchkey::registry::store {
namespace {

// The literal status lets the partial index serve; the sub-select of the hubs' lists is made once for a run.
const std::string kTrusted = "IN (SELECT ca FROM hub_certificates) ";

// Devices in one statement: beyond some hundred it costs no less a device.
constexpr std::size_t kRun = 256;

std::optional<FleetDevice::Door> read_door(const Query& row, int column) {
  if (row.null(column)) return std::nullopt;
  return FleetDevice::Door{row.flag(column), row.text(column + 1)};
}

FleetDevice read_device(const Query& row) {
  FleetDevice device;
  device.uuid = row.id<Uuid>(0);
  device.id = row.text(1);
  device.credential_id = row.id<CredentialId>(2);
  device.enabled = row.flag(3);
  device.assigned_hub = row.optional_id<Uuid>(4);
  device.registered = row.integer(5);
  device.door = read_door(row, 6);
  if (!device.door) device.door = read_door(row, 8);
  return device;
}

// The group's row is looked for only where no individual enrollment speaks for the device.
std::string sql_of_run() {
  std::string sql =
      "SELECT d.uuid, d.id, d.credential_id, d.enabled, r.hub, r.updated, i.enabled, i.policy_name, "
      "g.enabled, g.policy_name, c.ca, c.not_before, c.not_after, c.issued_at FROM devices d "
      "LEFT JOIN registrations r ON r.folded_id = d.registration_id "
      "LEFT JOIN enrollments i ON i.folded_id = d.registration_id AND i.is_group = 0 AND i.namespace = d.namespace "
      "LEFT JOIN enrollments g ON g.uuid = CASE WHEN i.enabled IS NULL THEN r.enrollment END "
      "AND g.is_group = 1 AND g.namespace = d.namespace "
      "LEFT JOIN certificates c ON c.device = d.uuid AND c.status = 2 AND c.credential_id = d.credential_id "
      "WHERE d.uuid IN (";
  for (std::size_t i = 1; i <= kRun; ++i) sql += (i == 1 ? "$" : ", $") + std::to_string(i);
  return sql + ") ORDER BY d.uuid";
}

StandingCertificate read_standing(const Query& row) {
  StandingCertificate standing;
  standing.not_before = row.integer(1);
  standing.not_after = row.integer(2);
  standing.policy = row.id<Uuid>(3);
  standing.namespace_uuid = row.id<Uuid>(4);
  standing.enabled = row.flag(5);
  standing.assigned_hub = row.optional_id<Uuid>(6);
  return standing;
}

EndingCertificate read_ending(const Query& row) { return {read_standing(row), row.bytes(0), row.text(7)}; }

}  // namespace

Outcome<Nothing> each_device(Database& database, const std::vector<Uuid>& devices,
                             const std::function<void(const FleetDevice&)>& visit) {
  static const std::string sql = sql_of_run();
  for (std::size_t at = 0; at < devices.size(); at += kRun) {
    auto rows = database.query(sql);
    for (std::size_t i = at; i < at + kRun; ++i) rows.bind(devices[std::min(i, devices.size() - 1)]);
    std::optional<FleetDevice> device;  // its rows come one after the other, one for each certificate
    LATCHKEY_TRY_VOID(rows.each([&](const Query& row) {
      if (!device || device->uuid != row.id<Uuid>(0)) {
        if (device) visit(*device);
        device = read_device(row);
      }
      if (row.null(10)) return;
      device->held.push_back({row.id<Uuid>(10), row.integer(11), row.integer(12), row.integer(13)});
    }));
    if (device) visit(*device);
  }
  return Nothing{};
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

Outcome<Nothing> each_standing(Database& database, UnixMs after,
                               const std::function<void(const StandingCertificate&)>& visit) {
  static const std::string sql =
      "SELECT d.uuid, c.not_before, c.not_after, c.policy, d.namespace, d.enabled, r.hub, c.serial "
      "FROM devices d CROSS JOIN certificates c ON c.device = d.uuid AND c.credential_id = d.credential_id "
      "LEFT JOIN registrations r ON r.folded_id = d.registration_id "
      "WHERE c.status = 2 AND c.not_after > $1 AND +c.ca " +
      kTrusted + "ORDER BY d.uuid";
  // Rows of one device come one after the other. They are few: which is the last is told here, not by a sort for each.
  struct Newest {
    Uuid device;
    StandingCertificate certificate;
    Bytes serial;
  };
  std::optional<Newest> newest;
  LATCHKEY_TRY_VOID(database.stream(sql, after).each([&](const Query& row) {
    Newest one{row.id<Uuid>(0), read_standing(row), row.bytes(7)};
    const bool same = newest && newest->device == one.device;
    if (newest && !same) visit(newest->certificate);
    const auto end_of = [](const Newest& it) { return std::tie(it.certificate.not_after, it.serial); };
    if (!same || end_of(*newest) < end_of(one)) newest = std::move(one);
  }));
  if (newest) visit(newest->certificate);
  return Nothing{};
}

Outcome<Nothing> each_end(Database& database, const EndsQuery& query,
                          const std::function<bool(EndingCertificate)>& visit) {
  // The unary plus keeps the planner from going by device or CA: the order of the ends is what is wanted.
  static const std::string sql =
      "SELECT c.serial, c.not_before, c.not_after, c.policy, d.namespace, d.enabled, r.hub, d.id "
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
  auto rows = database.stream(sql, from, query.after.serial, query.until, query.now, query.percent_left);
  for (;;) {
    LATCHKEY_TRY(found, rows.next());
    if (!found) return Nothing{};
    if (!visit(read_ending(rows))) return Nothing{};
  }
}

}  // namespace latchkey::registry::store
