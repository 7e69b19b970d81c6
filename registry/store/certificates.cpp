// SPDX-License-Identifier: Apache-2.0
#include "registry/store/certificates.h"

namespace latchkey::registry::store {
namespace {

const std::string kSelect =
    "SELECT serial, device, device_id, policy, ca, credential_id, not_before, not_after, status, issued_at, revoked_at "
    "FROM certificates ";

IssuedCertificate read_certificate(const Query& row) {
  IssuedCertificate certificate;
  certificate.serial = row.bytes(0);
  certificate.device = row.id<Uuid>(1);
  certificate.device_id = row.text(2);
  certificate.policy = row.id<Uuid>(3);
  certificate.ca = row.id<Uuid>(4);
  certificate.credential_id = row.id<CredentialId>(5);
  certificate.not_before = row.integer(6);
  certificate.not_after = row.integer(7);
  certificate.status = row.value<CertificateStatus>(8);
  certificate.issued_at = row.integer(9);
  certificate.revoked_at = row.integer(10);
  return certificate;
}

}  // namespace

Outcome<bool> reserve(Database& database, const IssuedCertificate& certificate, UnixMs at) {
  LATCHKEY_TRY_VOID(
      database
          .query(
              "INSERT INTO certificates (serial, device, device_id, policy, ca, credential_id, not_before, not_after, "
              "status, reserved_at, issued_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0) "
              "ON CONFLICT (serial) DO NOTHING",
              certificate.serial, certificate.device, certificate.device_id, certificate.policy, certificate.ca,
              certificate.credential_id, certificate.not_before, certificate.not_after, CertificateStatus::kReserved,
              at)
          .run());
  LATCHKEY_TRY(changed, database.changed());
  return changed == 1;
}

Outcome<std::optional<IssuedCertificate>> find_certificate(Database& database, const Bytes& serial) {
  static const std::string sql = kSelect + "WHERE serial = $1";
  return database.query(sql, serial).first(read_certificate);
}

Outcome<std::vector<IssuedCertificate>> certificates_of(Database& database, const Uuid& device) {
  static const std::string sql = kSelect + "WHERE device = $1 ORDER BY reserved_at, serial";
  return database.query(sql, device).all(read_certificate);
}

Outcome<std::optional<UnfinishedRow>> find_unfinished(Database& database, const Bytes& serial) {
  return database
      .query(
          "SELECT c.status, c.device_id, c.ca, c.credential_id, d.credential_id, p.own_root, p.deleted, p.name "
          "FROM certificates c LEFT JOIN devices d ON d.uuid = c.device LEFT JOIN policies p ON p.uuid = c.policy "
          "WHERE c.serial = $1",
          serial)
      .first([](const Query& row) {
        UnfinishedRow unfinished;
        unfinished.status = row.value<CertificateStatus>(0);
        unfinished.device_id = row.text(1);
        unfinished.ca = row.id<Uuid>(2);
        unfinished.identifier_current = !row.null(4) && row.id<CredentialId>(3) == row.id<CredentialId>(4);
        unfinished.own_root_deleted = row.flag(5) && row.flag(6);
        unfinished.policy_name = row.text(7);
        return unfinished;
      });
}

std::string shown(CertificateStatus status) {
  switch (status) {
    case CertificateStatus::kReserved: return "reserved";
    case CertificateStatus::kIssued: return "issued";
    case CertificateStatus::kRevoked: return "revoked";
  }
  return "unknown";
}

Outcome<Nothing> finish(Database& database, const Bytes& serial, CertificateStatus status, UnixMs issued_at,
                        UnixMs revoked_at) {
  return database
      .query("UPDATE certificates SET status = $1, issued_at = $2, revoked_at = $3 WHERE serial = $4", status,
             issued_at, revoked_at, serial)
      .run();
}

Outcome<Revoked> revoke_certificates(Database& database, const Uuid& device, UnixMs at, RevocationReason reason) {
  Revoked revoked;
  LATCHKEY_TRY(cas, database
                        .query("SELECT DISTINCT ca FROM certificates WHERE device = $1 AND status = $2 "
                               "AND not_after > $3",
                               device, CertificateStatus::kIssued, at)
                        .all([](const Query& row) { return row.id<Uuid>(0); }));
  revoked.cas = std::move(cas);
  if (revoked.cas.empty()) return revoked;
  LATCHKEY_TRY_VOID(database
                        .query("UPDATE certificates SET status = $1, revoked_at = $2, reason = $3 WHERE device = $4 "
                               "AND status = $5 AND not_after > $2",
                               CertificateStatus::kRevoked, at, reason, device, CertificateStatus::kIssued)
                        .run());
  LATCHKEY_TRY(changed, database.changed());
  revoked.certificates = changed;
  return revoked;
}

Outcome<Holders> holders_of(Database& database, const Uuid& policy, UnixMs now, std::size_t named) {
  const std::string live =
      "FROM certificates c JOIN devices d ON d.uuid = c.device AND d.credential_id = c.credential_id "
      "JOIN cas a ON a.id = c.ca WHERE c.policy = $1 AND c.status = $2 AND c.not_after > $3 AND a.status <> $4 ";
  Holders holders;
  LATCHKEY_TRY(
      count,
      database.query("SELECT COUNT(DISTINCT d.id) " + live, policy, CertificateStatus::kIssued, now, CaStatus::kRevoked)
          .first([](const Query& row) { return row.integer(0); }));
  holders.count = count.value_or(0);
  LATCHKEY_TRY(first, database
                          .query("SELECT DISTINCT d.id " + live + "ORDER BY d.id LIMIT $5", policy,
                                 CertificateStatus::kIssued, now, CaStatus::kRevoked, named)
                          .all([](const Query& row) { return row.text(0); }));
  holders.first = std::move(first);
  return holders;
}

Outcome<std::vector<RevokedRow>> revoked_certificates(Database& database, const Uuid& ca, UnixMs now) {
  // The literal status lets the partial index serve.
  return database
      .query("SELECT serial, revoked_at, reason FROM certificates WHERE status = 3 AND ca = $1 AND not_after > $2", ca,
             now)
      .all([](const Query& row) {
        return RevokedRow{row.bytes(0), row.integer(1), row.value<RevocationReason>(2)};
      });
}

Outcome<std::optional<StandingRow>> standing_of(Database& database, const Uuid& ca, const Bytes& serial) {
  return database
      .query(
          "SELECT c.status, c.not_after, c.revoked_at, c.reason, d.credential_id, c.credential_id, d.last_revoked "
          "FROM certificates c LEFT JOIN devices d ON d.uuid = c.device WHERE c.serial = $1 AND c.ca = $2",
          serial, ca)
      .first([](const Query& row) {
        StandingRow standing;
        standing.status = row.value<CertificateStatus>(0);
        standing.not_after = row.integer(1);
        standing.revoked_at = row.integer(2);
        standing.reason = row.value<RevocationReason>(3);
        standing.device_gone = row.null(4);
        standing.identifier_current = !standing.device_gone && row.bytes(4) == row.bytes(5);
        standing.device_revoked = standing.device_gone ? 0 : row.integer(6);
        return standing;
      });
}

}  // namespace latchkey::registry::store
