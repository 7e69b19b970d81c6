// SPDX-License-Identifier: Apache-2.0
// Rows of CA certificates. They are never deleted.
//
// Each CA has two CRL numbers: the last one published, and the one that the list as it is now has to bear. Every
// change of the list takes a new number, so a CRL that was ordered before a change cannot be mistaken for one that
// holds it; numbers of published CRLs increase, with gaps (RFC 5280 section 5.2.3 asks no more).
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

// With its first, empty CRL due, unless it is pending.
Outcome<Nothing> insert(Database& database, const CaCertificate& ca);
// What of a CA matters to whether a leaf may be issued below it.
struct SignerRow {
  CaStatus status = CaStatus::kActive;
  UnixMs not_after = 0;
};
Outcome<std::optional<SignerRow>> find_signer(Database& database, const Uuid& id);
Outcome<std::optional<CaCertificate>> find_ca(Database& database, const Uuid& id);
Outcome<std::vector<CaCertificate>> list_cas(Database& database);

// Of a policy with a root of its own: the CA whose CSR waits for a certificate, and those that may be trusted at `now`.
Outcome<std::optional<CaCertificate>> pending_ca(Database& database, const Uuid& owner);
Outcome<std::vector<CaCertificate>> active_cas(Database& database, const Uuid& owner, UnixMs now);
// What waited was signed: it is active with the certificate that `ca` has, and its first, empty CRL is due.
Outcome<Nothing> activate(Database& database, const CaCertificate& ca);
// Nobody will sign it any more: it is retired, and no row names its key.
Outcome<Nothing> give_up_pending(Database& database, const Uuid& owner);

Outcome<Nothing> revoke_ca(Database& database, const Uuid& id, UnixMs at, RevocationReason reason);
// Every CA of this policy or credential owes its last CRL; an active one becomes retired, a revoked one stays revoked.
Outcome<Nothing> retire_cas(Database& database, const Uuid& owner);
// The last CRL is out.
Outcome<Nothing> forget_key(Database& database, const Uuid& ca);

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
// Takes another number if what was published is the list as it is now. Without effect when its key is gone.
Outcome<Nothing> keep_crl_due(Database& database, const Uuid& ca);
// Issuing CAs below this root that are revoked and have not expired.
struct RevokedRow {
  Bytes serial;
  UnixMs revoked_at = 0;
  RevocationReason reason = RevocationReason::kUnspecified;
};
// A CA as its issuer's responder sees it.
struct CaStanding {
  CaStatus status = CaStatus::kActive;
  UnixMs revoked_at = 0;
  RevocationReason reason = RevocationReason::kUnspecified;
};
Outcome<std::optional<CaStanding>> standing_of_ca(Database& database, const Uuid& issuer, const Bytes& serial);
Outcome<RevocationReason> reason_of_ca(Database& database, const Uuid& id);
Outcome<std::vector<RevokedRow>> revoked_cas(Database& database, const Uuid& issuer, UnixMs now);

}  // namespace latchkey::registry::store
