// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/rows.h"

#include "registry/store/changes.h"
#include "registry/store/settings.h"

namespace latchkey::registry::cluster {
namespace {

constexpr std::string_view kDuty = "node on duty";

constexpr const char* kColumns =
    "SELECT name, incarnation, state, beat, lease, applied, cut, address, version, draining, sessions, drained "
    "FROM nodes ";

Node read_node(const store::Query& row) {
  Node node;
  node.name = row.text(0);
  node.incarnation = row.id<Uuid>(1);
  node.state = row.value<NodeState>(2);
  node.beat = row.integer(3);
  node.lease_ms = row.integer(4);
  node.applied = static_cast<Sequence>(row.integer(5));
  node.cut = static_cast<Sequence>(row.integer(6));
  node.address = row.text(7);
  node.version = row.text(8);
  node.draining = row.flag(9);
  node.sessions = row.integer(10);
  node.drained = row.flag(11);
  return node;
}

// Of a statement that returns something for each row that it changed.
Outcome<bool> changes_one(store::Query query) {
  LATCHKEY_TRY(rows, query.all([](const store::Query& row) { return row.integer(0); }));
  return !rows.empty();
}

// The same, and others hear of it: they may wait for it.
Outcome<bool> changes_one_for_others(store::Database& database, store::Query query) {
  LATCHKEY_TRY(changed, changes_one(std::move(query)));
  if (changed) database.announce();
  return changed;
}

Outcome<std::optional<Sequence>> renew(store::Database& database, const std::string& name, const Uuid& incarnation) {
  LATCHKEY_TRY(live, changes_one(database.query("UPDATE nodes SET beat = beat + 1 WHERE name = $1 AND "
                                                "incarnation = $2 AND state = $3 RETURNING beat",
                                                name, incarnation, NodeState::kLive)));
  if (!live) return std::optional<Sequence>();
  LATCHKEY_TRY(newest, store::newest_change(database));
  return std::optional(newest);
}

Outcome<bool> confirm(store::Database& database, const std::string& name, const Uuid& incarnation, Sequence applied,
                      Sequence cut) {
  if (database.kind() == store::StoreKind::kPostgres) {
    LATCHKEY_TRY_VOID(database.query("SET LOCAL synchronous_commit = off").run());
  }
  return changes_one_for_others(
      database,
      database.query("UPDATE nodes SET applied = $1, cut = $2 WHERE name = $3 AND incarnation = $4 AND state = $5 "
                     "RETURNING beat",
                     applied, cut, name, incarnation, NodeState::kLive));
}

}  // namespace

Outcome<std::vector<Node>> list_nodes(store::Database& database) {
  return database.query(std::string(kColumns) + "ORDER BY name").all(read_node);
}

Outcome<std::optional<Node>> find_node(store::Database& database, const std::string& name) {
  return database.query(std::string(kColumns) + "WHERE name = $1", name).first(read_node);
}

Outcome<bool> insert_node(store::Database& database, const Node& node) {
  return changes_one(
      database.query("INSERT INTO nodes (name, incarnation, state, beat, lease, applied, cut, address, version, "
                     "draining) VALUES ($1, $2, $3, 0, $4, 0, 0, $5, $6, 0) ON CONFLICT (name) DO NOTHING "
                     "RETURNING beat",
                     node.name, node.incarnation, NodeState::kLive, node.lease_ms, node.address, node.version));
}

Outcome<bool> take_over_node(store::Database& database, const Node& before, const Node& node) {
  return changes_one(
      database.query("UPDATE nodes SET incarnation = $1, state = $2, beat = beat + 1, lease = $3, applied = 0, cut = "
                     "0, address = $4, version = $5, draining = 0, sessions = 0, drained = 0 WHERE name = $6 AND "
                     "incarnation = $7 AND state = $8 "
                     "AND beat = $9 RETURNING beat",
                     node.incarnation, NodeState::kLive, node.lease_ms, node.address, node.version, before.name,
                     before.incarnation, before.state, before.beat));
}

// Two statements: what the second reads is no older than the first, and so than the renewal.
Outcome<std::optional<Sequence>> renew_node(store::Database& database, const std::string& name,
                                            const Uuid& incarnation) {
  LATCHKEY_TRY_VOID(database.begin_write());
  auto renewed = renew(database, name, incarnation);
  if (!renewed) {
    database.rollback();
    return renewed;
  }
  LATCHKEY_TRY_VOID(database.commit());
  return renewed;
}

// What may be lost needs no disk and no standby to wait for: synchronous_commit is off for this transaction alone. Why
// that is right stands in docs/consistency.md.
Outcome<bool> confirm_node(store::Database& database, const std::string& name, const Uuid& incarnation,
                           Sequence applied, Sequence cut) {
  LATCHKEY_TRY_VOID(database.begin_write());
  auto confirmed = confirm(database, name, incarnation, applied, cut);
  auto done = confirmed ? database.commit() : Outcome<Nothing>(fail(confirmed.error()));
  if (done) return confirmed;
  database.rollback();
  return fail(done.error());
}

Outcome<bool> note_load(store::Database& database, const std::string& name, const Uuid& incarnation, const Load& load) {
  return changes_one(
      database.query("UPDATE nodes SET sessions = $1, drained = $2 WHERE name = $3 AND incarnation = $4 AND state = $5 "
                     "RETURNING beat",
                     load.sessions, load.drained ? 1 : 0, name, incarnation, NodeState::kLive));
}

Outcome<bool> leave_node(store::Database& database, const std::string& name, const Uuid& incarnation) {
  return changes_one_for_others(
      database,
      database.query("UPDATE nodes SET state = $1 WHERE name = $2 AND incarnation = $3 AND state = $4 RETURNING beat",
                     NodeState::kLeft, name, incarnation, NodeState::kLive));
}

Outcome<bool> lose_node(store::Database& database, const Node& node) {
  return changes_one_for_others(
      database,
      database.query("UPDATE nodes SET state = $1 WHERE name = $2 AND incarnation = $3 AND state = $4 AND beat = $5 "
                     "RETURNING beat",
                     NodeState::kLost, node.name, node.incarnation, NodeState::kLive, node.beat));
}

Outcome<bool> drain_node(store::Database& database, const std::string& name, bool draining) {
  return changes_one_for_others(
      database,
      database.query("UPDATE nodes SET draining = $1, drained = 0 WHERE name = $2 AND state = $3 RETURNING beat",
                     draining ? 1 : 0, name, NodeState::kLive));
}

std::string mark_of(const std::string& name, const Uuid& incarnation) {
  return name + " " + std::string(view(to_text(incarnation)));
}

Outcome<std::string> duty_holder(store::Database& database) {
  LATCHKEY_TRY(holder, store::find_setting(database, kDuty));
  return std::move(holder).value_or("");
}

Outcome<bool> take_duty(store::Database& database, const std::string& before, const std::string& ours) {
  return changes_one(
      database.query("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = "
                     "excluded.value WHERE settings.value = $3 RETURNING 1",
                     kDuty, ours, before));
}

Outcome<std::int64_t> shared_edition(store::Database& database) {
  LATCHKEY_TRY(edition,
               database.query("SELECT value FROM counters WHERE name = 'edition'").first([](const store::Query& row) {
                 return row.integer(0);
               }));
  return edition.value_or(0);
}

Outcome<std::string> agree(store::Database& database, const std::string& setting, const std::string& ours) {
  LATCHKEY_TRY_VOID(
      database.query("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", setting, ours)
          .run());
  LATCHKEY_TRY(agreed, store::find_setting(database, setting));
  if (agreed) return std::move(*agreed);
  return refuse(Reason::kStorage, "the registry does not keep its settings");
}

Outcome<bool> forget_node(store::Database& database, const std::string& name) {
  return changes_one(
      database.query("DELETE FROM nodes WHERE name = $1 AND state <> $2 RETURNING beat", name, NodeState::kLive));
}

}  // namespace latchkey::registry::cluster
