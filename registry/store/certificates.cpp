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

Outcome<Nothing> reserve(Database& database, const IssuedCertificate& certificate, UnixMs at) {
  return database
      .query(
          "INSERT INTO certificates (serial, device, device_id, policy, ca, credential_id, not_before, not_after, "
          "status, reserved_at, issued_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0)",
          certificate.serial, certificate.device, certificate.device_id, certificate.policy, certificate.ca,
          certificate.credential_id, certificate.not_before, certificate.not_after, CertificateStatus::kReserved, at)
      .run();
}

Outcome<std::optional<IssuedCertificate>> find_certificate(Database& database, const Bytes& serial) {
  static const std::string sql = kSelect + "WHERE serial = $1";
  return database.query(sql, serial).first(read_certificate);
}

Outcome<std::vector<IssuedCertificate>> certificates_of(Database& database, const Uuid& device) {
  static const std::string sql = kSelect + "WHERE device = $1 ORDER BY reserved_at, serial";
  return database.query(sql, device).all(read_certificate);
}

Outcome<Nothing> finish(Database& database, const Bytes& serial, CertificateStatus status, UnixMs issued_at,
                        UnixMs revoked_at) {
  return database
      .query("UPDATE certificates SET status = $1, issued_at = $2, revoked_at = $3 WHERE serial = $4", status,
             issued_at, revoked_at, serial)
      .run();
}

Outcome<Revoked> revoke_certificates(Database& database, const Uuid& device, UnixMs at) {
  Revoked revoked;
  LATCHKEY_TRY(cas, database
                        .query("SELECT DISTINCT ca FROM certificates WHERE device = $1 AND status = $2 "
                               "AND not_after > $3",
                               device, CertificateStatus::kIssued, at)
                        .all([](const Query& row) { return row.id<Uuid>(0); }));
  revoked.cas = std::move(cas);
  if (revoked.cas.empty()) return revoked;
  LATCHKEY_TRY_VOID(database
                        .query("UPDATE certificates SET status = $1, revoked_at = $2 WHERE device = $3 "
                               "AND status = $4 AND not_after > $2",
                               CertificateStatus::kRevoked, at, device, CertificateStatus::kIssued)
                        .run());
  revoked.certificates = database.changed();
  return revoked;
}

Outcome<std::vector<RevokedRow>> revoked_certificates(Database& database, const Uuid& ca, UnixMs now) {
  // The literal status lets the partial index serve.
  return database
      .query("SELECT serial, revoked_at FROM certificates WHERE status = 3 AND ca = $1 AND not_after > $2", ca, now)
      .all([](const Query& row) {
        return RevokedRow{row.bytes(0), row.integer(1)};
      });
}

}  // namespace latchkey::registry::store
