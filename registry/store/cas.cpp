// SPDX-License-Identifier: Apache-2.0
#include "registry/store/cas.h"

namespace latchkey::registry::store {
namespace {

const std::string kSelect =
    "SELECT id, kind, status, owner, issuer, subject, serial, not_before, not_after, der, key_ref, revoked_at, "
    "crl_number, crl_wanted FROM cas ";
constexpr int kWantedColumn = 13;

CaCertificate read_ca(const Query& row) {
  CaCertificate ca;
  ca.id = row.id<Uuid>(0);
  ca.kind = row.value<CaKind>(1);
  ca.status = row.value<CaStatus>(2);
  ca.owner = row.id<Uuid>(3);
  ca.issuer = row.id<Uuid>(4);
  ca.subject = row.text(5);
  ca.serial = row.bytes(6);
  ca.not_before = row.integer(7);
  ca.not_after = row.integer(8);
  ca.der = row.bytes(9);
  ca.key_ref = row.text(10);
  ca.revoked_at = row.integer(11);
  ca.crl_number = static_cast<std::uint64_t>(row.integer(12));
  ca.crl_due = row.integer(kWantedColumn) > row.integer(12);
  return ca;
}

}  // namespace

Outcome<Nothing> insert(Database& database, const CaCertificate& ca) {
  return database
      .query(
          "INSERT INTO cas (id, kind, status, owner, issuer, subject, serial, not_before, not_after, der, key_ref, "
          "revoked_at, crl_number, crl_wanted) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 1)",
          ca.id, ca.kind, ca.status, ca.owner, ca.issuer, ca.subject, ca.serial, ca.not_before, ca.not_after, ca.der,
          ca.key_ref)
      .run();
}

Outcome<std::optional<CaCertificate>> find_ca(Database& database, const Uuid& id) {
  static const std::string sql = kSelect + "WHERE id = $1";
  return database.query(sql, id).first(read_ca);
}

Outcome<std::vector<CaCertificate>> list_cas(Database& database) {
  static const std::string sql = kSelect + "ORDER BY not_before, id";
  return database.query(sql).all(read_ca);
}

Outcome<Nothing> revoke_ca(Database& database, const Uuid& id, UnixMs at) {
  return database.query("UPDATE cas SET status = $1, revoked_at = $2 WHERE id = $3", CaStatus::kRevoked, at, id).run();
}

Outcome<std::vector<std::string>> retire_cas(Database& database, const Uuid& owner) {
  LATCHKEY_TRY(
      keys, database.query("SELECT key_ref FROM cas WHERE owner = $1 AND key_ref <> '' ORDER BY not_before, id", owner)
                .all([](const Query& row) { return row.text(0); }));
  LATCHKEY_TRY_VOID(
      database.query("UPDATE cas SET key_ref = '', crl_wanted = crl_number WHERE owner = $1", owner).run());
  LATCHKEY_TRY_VOID(database
                        .query("UPDATE cas SET status = $1 WHERE owner = $2 AND status = $3", CaStatus::kRetired, owner,
                               CaStatus::kActive)
                        .run());
  return keys;
}

Outcome<Nothing> order_crl(Database& database, const Uuid& ca) {
  return database.query("UPDATE cas SET crl_wanted = crl_wanted + 1 WHERE id = $1 AND key_ref <> ''", ca).run();
}

Outcome<std::vector<DueCrl>> due_cas(Database& database) {
  static const std::string sql = kSelect + "WHERE crl_wanted > crl_number";
  return database.query(sql).all([](const Query& row) {
    return DueCrl{read_ca(row), static_cast<std::uint64_t>(row.integer(kWantedColumn))};
  });
}

Outcome<std::uint64_t> wanted_crl(Database& database, const Uuid& ca) {
  LATCHKEY_TRY(wanted, database.query("SELECT crl_wanted FROM cas WHERE id = $1", ca).first([](const Query& row) {
    return static_cast<std::uint64_t>(row.integer(0));
  }));
  return wanted.value_or(0);
}

Outcome<Nothing> crl_published(Database& database, const Uuid& ca, std::uint64_t number) {
  // A number above the wanted one was not ordered here; it counts as seen, so that later ones are above it.
  return database
      .query(
          "UPDATE cas SET crl_number = $1, crl_wanted = CASE WHEN crl_wanted < $1 THEN $1 ELSE crl_wanted END "
          "WHERE id = $2 AND crl_number < $1",
          number, ca)
      .run();
}

Outcome<std::vector<RevokedRow>> revoked_cas(Database& database, const Uuid& issuer, UnixMs now) {
  return database
      .query(
          "SELECT serial, revoked_at FROM cas WHERE issuer = $1 AND status = $2 AND not_after > $3 "
          "ORDER BY revoked_at, serial",
          issuer, CaStatus::kRevoked, now)
      .all([](const Query& row) {
        return RevokedRow{row.bytes(0), row.integer(1)};
      });
}

}  // namespace latchkey::registry::store
