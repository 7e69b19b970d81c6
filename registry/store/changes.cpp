// SPDX-License-Identifier: Apache-2.0
#include "registry/store/changes.h"

namespace latchkey::registry::store {
namespace {

// Stored: never renumber.
enum class Kind : std::uint8_t { kDeviceState = 1, kDeviceGone = 2, kAnchorAdded = 3, kAnchorGone = 4 };

// The row of each kind; columns that a kind has no use for stay NULL. `scope` is what a follower filters by: the
// namespace of a device, the hub of an anchor.
struct RowWriter {
  Database& database;
  Sequence sequence;

  Outcome<Nothing> operator()(const DeviceState& device) const {
    return database
        .query(
            "INSERT INTO changes (sequence, kind, scope, id, uuid, credential_id, enabled, policy_number) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            sequence, Kind::kDeviceState, device.namespace_uuid, device.id, device.uuid, device.credential_id,
            device.enabled, device.policy_number)
        .run();
  }
  Outcome<Nothing> operator()(const DeviceGone& device) const {
    return database
        .query("INSERT INTO changes (sequence, kind, scope, id) VALUES ($1, $2, $3, $4)", sequence, Kind::kDeviceGone,
               device.namespace_uuid, device.id)
        .run();
  }
  Outcome<Nothing> operator()(const AnchorAdded& anchor) const {
    return database
        .query("INSERT INTO changes (sequence, kind, scope, uuid, der) VALUES ($1, $2, $3, $4, $5)", sequence,
               Kind::kAnchorAdded, anchor.hub, anchor.ca, anchor.der)
        .run();
  }
  Outcome<Nothing> operator()(const AnchorGone& anchor) const {
    return database
        .query("INSERT INTO changes (sequence, kind, scope, uuid) VALUES ($1, $2, $3, $4)", sequence, Kind::kAnchorGone,
               anchor.hub, anchor.ca)
        .run();
  }
};

Change read_change(const Query& row) {
  Change change;
  change.sequence = static_cast<Sequence>(row.integer(0));
  const Uuid scope = row.id<Uuid>(2);
  switch (row.value<Kind>(1)) {
    case Kind::kDeviceState:
      change.body = DeviceState{scope,           row.text(3),
                                row.id<Uuid>(4), row.id<CredentialId>(5),
                                row.flag(6),     static_cast<std::uint16_t>(row.integer(7))};
      break;
    case Kind::kDeviceGone: change.body = DeviceGone{scope, row.text(3)}; break;
    case Kind::kAnchorAdded: change.body = AnchorAdded{scope, row.id<Uuid>(4), row.bytes(8)}; break;
    case Kind::kAnchorGone: change.body = AnchorGone{scope, row.id<Uuid>(4)}; break;
  }
  return change;
}

}  // namespace

Outcome<Nothing> insert(Database& database, const Change& change) {
  return std::visit(RowWriter{database, change.sequence}, change.body);
}

Outcome<Nothing> prune_changes(Database& database, Sequence last) {
  return database.query("DELETE FROM changes WHERE sequence <= $1", last).run();
}

Outcome<Sequence> newest_change(Database& database) {
  LATCHKEY_TRY(newest, database.query("SELECT value FROM counters WHERE name = 'change'").first([](const Query& row) {
    return static_cast<Sequence>(row.integer(0));
  }));
  return newest.value_or(0);
}

Outcome<std::optional<Sequence>> oldest_change(Database& database) {
  return database.query("SELECT sequence FROM changes ORDER BY sequence LIMIT 1").first([](const Query& row) {
    return static_cast<Sequence>(row.integer(0));
  });
}

Outcome<std::vector<Change>> changes_after(Database& database, Sequence after, std::size_t limit) {
  return database
      .query(
          "SELECT sequence, kind, scope, id, uuid, credential_id, enabled, policy_number, der FROM changes "
          "WHERE sequence > $1 ORDER BY sequence LIMIT $2",
          after, limit)
      .all(read_change);
}

Outcome<Nothing> visit_state(Database& database, const Hub& hub, const std::function<void(ChangeBody)>& visit) {
  LATCHKEY_TRY_VOID(database
                        .query("SELECT h.ca, c.der FROM hub_certificates h JOIN cas c ON c.id = h.ca "
                               "WHERE h.hub = $1 ORDER BY h.name",
                               hub.uuid)
                        .each([&](const Query& row) {
                          visit(AnchorAdded{hub.uuid, row.id<Uuid>(0), row.bytes(1)});
                        }));
  return database
      .stream(
          "SELECT d.id, d.uuid, d.credential_id, d.enabled, COALESCE(p.number, 0) FROM devices d "
          "LEFT JOIN policies p ON p.uuid = d.policy WHERE d.namespace = $1",
          hub.namespace_uuid)
      .each([&](const Query& row) {
        visit(DeviceState{hub.namespace_uuid, row.text(0), row.id<Uuid>(1), row.id<CredentialId>(2), row.flag(3),
                          static_cast<std::uint16_t>(row.integer(4))});
      });
}

}  // namespace latchkey::registry::store
