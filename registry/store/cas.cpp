// SPDX-License-Identifier: Apache-2.0
#include "registry/store/cas.h"

namespace latchkey::registry::store {
namespace {

const std::string kSelect =
    "SELECT id, kind, status, owner, issuer, subject, serial, not_before, not_after, der, key_ref, revoked_at, "
    "crl_number, crl_wanted, csr, root FROM cas ";
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
  ca.csr = row.bytes(14);
  ca.root = row.bytes(15);
  return ca;
}

}  // namespace

Outcome<Nothing> insert(Database& database, const CaCertificate& ca) {
  const int first_crl = ca.status == CaStatus::kPending ? 0 : 1;
  return database
      .query(
          "INSERT INTO cas (id, kind, status, owner, issuer, subject, serial, not_before, not_after, der, key_ref, "
          "revoked_at, crl_number, crl_wanted, csr) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, $12, "
          "$13)",
          ca.id, ca.kind, ca.status, ca.owner, ca.issuer, ca.subject, ca.serial, ca.not_before, ca.not_after, ca.der,
          ca.key_ref, first_crl, ca.csr)
      .run();
}

Outcome<std::optional<SignerRow>> find_signer(Database& database, const Uuid& id) {
  return database.query("SELECT status, not_after FROM cas WHERE id = $1", id).first([](const Query& row) {
    return SignerRow{row.value<CaStatus>(0), row.integer(1)};
  });
}

Outcome<std::optional<CaCertificate>> find_ca(Database& database, const Uuid& id) {
  static const std::string sql = kSelect + "WHERE id = $1";
  return database.query(sql, id).first(read_ca);
}

Outcome<std::vector<CaCertificate>> list_cas(Database& database) {
  static const std::string sql = kSelect + "ORDER BY not_before, id";
  return database.query(sql).all(read_ca);
}

Outcome<std::optional<CaCertificate>> pending_ca(Database& database, const Uuid& owner) {
  static const std::string sql = kSelect + "WHERE owner = $1 AND status = $2";
  return database.query(sql, owner, CaStatus::kPending).first(read_ca);
}

Outcome<std::vector<CaCertificate>> active_cas(Database& database, const Uuid& owner, UnixMs now) {
  static const std::string sql =
      kSelect + "WHERE owner = $1 AND status = $2 AND not_after > $3 ORDER BY not_before, id";
  return database.query(sql, owner, CaStatus::kActive, now).all(read_ca);
}

Outcome<Nothing> activate(Database& database, const CaCertificate& ca) {
  return database
      .query(
          "UPDATE cas SET status = $1, serial = $2, not_before = $3, not_after = $4, der = $5, root = $6, "
          "crl_wanted = crl_wanted + 1 WHERE id = $7 AND status = $8",
          CaStatus::kActive, ca.serial, ca.not_before, ca.not_after, ca.der, ca.root, ca.id, CaStatus::kPending)
      .run();
}

Outcome<Nothing> give_up_pending(Database& database, const Uuid& owner) {
  return database
      .query("UPDATE cas SET status = $1, key_ref = '' WHERE owner = $2 AND status = $3", CaStatus::kRetired, owner,
             CaStatus::kPending)
      .run();
}

Outcome<Nothing> revoke_ca(Database& database, const Uuid& id, UnixMs at, RevocationReason reason) {
  return database
      .query("UPDATE cas SET status = $1, revoked_at = $2, reason = $3 WHERE id = $4", CaStatus::kRevoked, at, reason,
             id)
      .run();
}

Outcome<Nothing> retire_cas(Database& database, const Uuid& owner) {
  LATCHKEY_TRY_VOID(
      database.query("UPDATE cas SET crl_wanted = crl_wanted + 1 WHERE owner = $1 AND key_ref <> ''", owner).run());
  return database
      .query("UPDATE cas SET status = $1 WHERE owner = $2 AND status = $3", CaStatus::kRetired, owner,
             CaStatus::kActive)
      .run();
}

Outcome<Nothing> forget_key(Database& database, const Uuid& ca) {
  return database.query("UPDATE cas SET key_ref = '' WHERE id = $1", ca).run();
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

Outcome<Nothing> keep_crl_due(Database& database, const Uuid& ca) {
  return database
      .query("UPDATE cas SET crl_wanted = crl_number + 1 WHERE id = $1 AND key_ref <> '' AND crl_wanted <= crl_number",
             ca)
      .run();
}

Outcome<std::vector<RevokedRow>> revoked_cas(Database& database, const Uuid& issuer, UnixMs now) {
  return database
      .query(
          "SELECT serial, revoked_at, reason FROM cas WHERE issuer = $1 AND status = $2 AND not_after > $3 "
          "ORDER BY revoked_at, serial",
          issuer, CaStatus::kRevoked, now)
      .all([](const Query& row) {
        return RevokedRow{row.bytes(0), row.integer(1), row.value<RevocationReason>(2)};
      });
}

Outcome<std::optional<CaStanding>> standing_of_ca(Database& database, const Uuid& issuer, const Bytes& serial) {
  return database.query("SELECT status, revoked_at, reason FROM cas WHERE issuer = $1 AND serial = $2", issuer, serial)
      .first([](const Query& row) {
        return CaStanding{row.value<CaStatus>(0), row.integer(1), row.value<RevocationReason>(2)};
      });
}

Outcome<RevocationReason> reason_of_ca(Database& database, const Uuid& id) {
  LATCHKEY_TRY(reason, database.query("SELECT reason FROM cas WHERE id = $1", id).first([](const Query& row) {
    return row.value<RevocationReason>(0);
  }));
  return reason.value_or(RevocationReason::kUnspecified);
}

}  // namespace latchkey::registry::store
