// SPDX-License-Identifier: Apache-2.0
#include "registry/store/policies.h"

#include <algorithm>

#include "registry/store/fold.h"

namespace latchkey::registry::store {
namespace {

const std::string kSelect =
    "SELECT uuid, namespace, name, validity_days, ca, key_profile, number, created, deleted, own_root FROM policies ";

Policy read_policy(const Query& row) {
  Policy policy;
  policy.uuid = row.id<Uuid>(0);
  policy.namespace_uuid = row.id<Uuid>(1);
  policy.name = row.text(2);
  policy.validity_days = static_cast<int>(row.integer(3));
  policy.ca = row.id<Uuid>(4);
  policy.key_profile = row.value<KeyProfile>(5);
  policy.number = static_cast<std::uint16_t>(row.integer(6));
  policy.created = row.integer(7);
  policy.own_root = row.flag(9);
  return policy;
}

}  // namespace

Outcome<Nothing> insert(Database& database, const Policy& policy) {
  return database
      .query(
          "INSERT INTO policies (uuid, namespace, name, folded_name, validity_days, ca, key_profile, number, created, "
          "deleted, own_root) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10)",
          policy.uuid, policy.namespace_uuid, policy.name, fold(policy.name), policy.validity_days, policy.ca,
          policy.key_profile, policy.number, policy.created, policy.own_root)
      .run();
}

Outcome<std::optional<Policy>> find_policy(Database& database, const Uuid& ns, std::string_view name) {
  static const std::string sql = kSelect + "WHERE namespace = $1 AND folded_name = $2 AND deleted = 0";
  return database.query(sql, ns, fold(name)).first(read_policy);
}

Outcome<std::optional<PolicyRow>> find_policy_row(Database& database, const Uuid& uuid) {
  static const std::string sql = kSelect + "WHERE uuid = $1";
  return database.query(sql, uuid).first([](const Query& row) { return PolicyRow{read_policy(row), row.flag(8)}; });
}

Outcome<std::vector<Policy>> list_policies(Database& database, const Uuid& ns) {
  static const std::string sql = kSelect + "WHERE namespace = $1 AND deleted = 0 ORDER BY folded_name";
  return database.query(sql, ns).all(read_policy);
}

Outcome<std::vector<DueRenewal>> due_renewals(Database& database, UnixMs before) {
  return database
      .query(
          "SELECT p.uuid, p.namespace, p.name, p.validity_days, p.ca, p.key_profile, p.number, p.created, p.deleted, "
          "p.own_root, n.name FROM policies p JOIN namespaces n ON n.uuid = p.namespace JOIN cas c ON c.id = p.ca "
          "WHERE p.own_root = 1 AND p.deleted = 0 AND c.status = $1 AND c.not_after <= $2 AND NOT EXISTS "
          "(SELECT 1 FROM cas w WHERE w.owner = p.uuid AND w.status = $3) ORDER BY p.created",
          CaStatus::kActive, before, CaStatus::kPending)
      .all([](const Query& row) {
        return DueRenewal{row.text(10), read_policy(row)};
      });
}

Outcome<std::int64_t> last_policy_number(Database& database, const Uuid& ns) {
  LATCHKEY_TRY(last, database.query("SELECT number FROM policies WHERE namespace = $1 ORDER BY number DESC LIMIT 1", ns)
                         .first([](const Query& row) { return row.integer(0); }));
  return last.value_or(0);
}

Outcome<Nothing> set_validity(Database& database, const Uuid& uuid, int days) {
  return database.query("UPDATE policies SET validity_days = $1 WHERE uuid = $2", days, uuid).run();
}

Outcome<Nothing> set_issuing_ca(Database& database, const Uuid& uuid, const Uuid& ca, KeyProfile profile) {
  return database.query("UPDATE policies SET ca = $1, key_profile = $2 WHERE uuid = $3", ca, profile, uuid).run();
}

Outcome<Nothing> mark_policy_deleted(Database& database, const Uuid& uuid, UnixMs at) {
  return database.query("UPDATE policies SET deleted = $1 WHERE uuid = $2", std::max<UnixMs>(at, 1), uuid).run();
}

}  // namespace latchkey::registry::store
