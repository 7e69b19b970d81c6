// SPDX-License-Identifier: Apache-2.0
// Rows of CA certificates. They are never deleted.
//
// Each CA has two CRL numbers: the last one published, and the one that the list as it is now has to bear. Every
// change of the list takes a new number, so a CRL that was ordered before a change cannot be mistaken for one that
// holds it; numbers of published CRLs increase, with gaps (RFC 5280 section 5.2.3 asks no more).
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

// With its first, empty CRL due.
Outcome<Nothing> insert(Database& database, const CaCertificate& ca);
Outcome<std::optional<CaCertificate>> find_ca(Database& database, const Uuid& id);
Outcome<std::vector<CaCertificate>> list_cas(Database& database);

Outcome<Nothing> revoke_ca(Database& database, const Uuid& id, UnixMs at);
// Forgets the keys of every CA of this policy or credential and answers their names; an active CA becomes retired,
// a revoked one stays revoked.
Outcome<std::vector<std::string>> retire_cas(Database& database, const Uuid& owner);

// A CA with its list's number.
struct DueCrl {
  CaCertificate ca;
  std::uint64_t number = 0;
};
// The list of this CA changed. Without effect when its key is gone: nobody could sign the next CRL.
Outcome<Nothing> order_crl(Database& database, const Uuid& ca);
Outcome<std::vector<DueCrl>> due_cas(Database& database);
Outcome<std::uint64_t> wanted_crl(Database& database, const Uuid& ca);
Outcome<Nothing> crl_published(Database& database, const Uuid& ca, std::uint64_t number);
// Issuing CAs below this root that are revoked and have not expired.
struct RevokedRow {
  Bytes serial;
  UnixMs revoked_at = 0;
};
Outcome<std::vector<RevokedRow>> revoked_cas(Database& database, const Uuid& issuer, UnixMs now);

}  // namespace latchkey::registry::store
