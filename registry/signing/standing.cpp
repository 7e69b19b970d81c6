// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/standing.h"

#include "registry/signing/certificates.h"

namespace latchkey::registry::signing {
namespace {

using store::Database;
using store::Query;

Outcome<CertificateStanding> standing_in(Database& db, const Uuid& authority, const Bytes& serial) {
  LATCHKEY_TRY(certificate,
               db.query("SELECT revocation, effective, reason FROM signing_certificates WHERE serial = $1 AND "
                        "authority = $2",
                        serial, authority)
                   .first([](const Query& row) {
                     const bool revoked = row.value<RevocationStatus>(0) == RevocationStatus::kSucceeded;
                     return CertificateStanding{true, revoked, row.integer(1), static_cast<int>(row.integer(2))};
                   }));
  if (certificate) return *certificate;
  LATCHKEY_TRY(below, db.query("SELECT 1 FROM signing_authorities WHERE serial = $1 AND issuer = $2", serial, authority)
                          .first([](const Query&) { return true; }));
  return CertificateStanding{below.has_value(), false, 0, 0};
}

}  // namespace

Outcome<std::vector<CertificateStanding>> standing_of(RowKeeper& rows, const Uuid& authority,
                                                      const std::vector<Bytes>& serials) {
  using All = std::vector<CertificateStanding>;
  return rows.looked<All>([&](Database& db) -> Outcome<All> {
    All all;
    for (const Bytes& serial : serials) {
      LATCHKEY_TRY(one, standing_in(db, authority, serial));
      all.push_back(one);
    }
    return all;
  });
}

Outcome<std::vector<std::string>> key_refs_in(const std::string& path) {
  LATCHKEY_TRY(copy, Database::open(path, Database::Access::kReadOnly));
  return copy
      ->query(
          "SELECT key_ref FROM signing_certificates WHERE key_ref <> '' UNION ALL "
          "SELECT key_ref FROM signing_authorities WHERE key_ref <> ''")
      .all([](const Query& row) { return row.text(0); });
}

}  // namespace latchkey::registry::signing
