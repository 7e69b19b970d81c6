// SPDX-License-Identifier: Apache-2.0
// Rows of leaves: reserved before they are signed, issued afterwards, revoked with their device.
#pragma once

#include "registry/store/cas.h"
#include "registry/store/sql.h"

namespace latchkey::registry::store {

// Stores the serial before the certificate exists. False: it is there already.
Outcome<bool> reserve(Database& database, const IssuedCertificate& certificate, UnixMs at);
Outcome<std::optional<IssuedCertificate>> find_certificate(Database& database, const Bytes& serial);
Outcome<std::vector<IssuedCertificate>> certificates_of(Database& database, const Uuid& device);  // oldest first

// What finishing a certificate hangs on.
struct UnfinishedRow {
  CertificateStatus status = CertificateStatus::kReserved;
  std::string device_id;
  Uuid ca;
  bool identifier_current = false;  // its device exists, and has the credential id that it carries
  bool own_root_deleted = false;    // its policy was deleted and has a root of its own
  std::string policy_name;
};
Outcome<std::optional<UnfinishedRow>> find_unfinished(Database& database, const Bytes& serial);
// As audit records have it.
std::string shown(CertificateStatus status);

// kIssued or kRevoked; `revoked_at` 0 unless revoked.
Outcome<Nothing> finish(Database& database, const Bytes& serial, CertificateStatus status, UnixMs issued_at,
                        UnixMs revoked_at);
// Revokes every issued certificate of the device that has not expired. Answers how many, and the CAs that issued them.
struct Revoked {
  std::int64_t certificates = 0;
  std::vector<Uuid> cas;
};
Outcome<Revoked> revoke_certificates(Database& database, const Uuid& device, UnixMs at, RevocationReason reason);
// Devices that hold a certificate of this policy which is issued, not revoked (nor is its CA) and not expired; the
// first `named` of them by id. Reads every certificate: for rare acts.
struct Holders {
  std::int64_t count = 0;
  std::vector<std::string> first;
};
Outcome<Holders> holders_of(Database& database, const Uuid& policy, UnixMs now, std::size_t named);
// Serials of this CA that are revoked and have not expired.
Outcome<std::vector<RevokedRow>> revoked_certificates(Database& database, const Uuid& ca, UnixMs now);

// What a certificate's standing hangs on.
struct StandingRow {
  CertificateStatus status = CertificateStatus::kReserved;
  UnixMs not_after = 0;
  UnixMs revoked_at = 0;
  RevocationReason reason = RevocationReason::kUnspecified;
  bool device_gone = false;
  bool identifier_current = false;  // it carries the credential id that the device has now
  UnixMs device_revoked = 0;        // when the device was revoked last
};
Outcome<std::optional<StandingRow>> standing_of(Database& database, const Uuid& ca, const Bytes& serial);

}  // namespace latchkey::registry::store
