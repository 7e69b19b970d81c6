// SPDX-License-Identifier: Apache-2.0
// Rows of leaves: reserved before they are signed, issued afterwards, revoked with their device.
#pragma once

#include "registry/store/cas.h"
#include "registry/store/sql.h"

namespace latchkey::registry::store {

// Stores the serial before the certificate exists.
Outcome<Nothing> reserve(Database& database, const IssuedCertificate& certificate, UnixMs at);
Outcome<std::optional<IssuedCertificate>> find_certificate(Database& database, const Bytes& serial);
Outcome<std::vector<IssuedCertificate>> certificates_of(Database& database, const Uuid& device);  // oldest first

// kIssued or kRevoked; `revoked_at` 0 unless revoked.
Outcome<Nothing> finish(Database& database, const Bytes& serial, CertificateStatus status, UnixMs issued_at,
                        UnixMs revoked_at);
// Revokes every issued certificate of the device that has not expired. Answers how many, and the CAs that issued them.
struct Revoked {
  std::int64_t certificates = 0;
  std::vector<Uuid> cas;
};
Outcome<Revoked> revoke_certificates(Database& database, const Uuid& device, UnixMs at);
// Serials of this CA that are revoked and have not expired.
Outcome<std::vector<RevokedRow>> revoked_certificates(Database& database, const Uuid& ca, UnixMs now);

}  // namespace latchkey::registry::store
