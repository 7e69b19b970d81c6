// SPDX-License-Identifier: Apache-2.0
// How serials stand, for whoever cannot ask a gate: an OCSP responder.
#include "registry/operations/internal/rules.h"
#include "registry/store/cas.h"
#include "registry/store/certificates.h"

namespace latchkey::registry {
namespace {

SerialStanding revoked(UnixMs at, RevocationReason reason) { return {Standing::kRevoked, at, reason}; }

// Leaves below a revoked CA are dead because their CA is (RFC 6960 section 2.7): no row of theirs says so. That their
// CA was replaced says nothing of the leaf; that its key was lost does.
RevocationReason inherited(RevocationReason of_ca) {
  const bool compromised = of_ca == RevocationReason::kCaCompromise || of_ca == RevocationReason::kKeyCompromise;
  return compromised ? RevocationReason::kCaCompromise : RevocationReason::kUnspecified;
}

SerialStanding leaf_standing(const store::StandingRow& leaf, const CaCertificate& issuer, RevocationReason of_issuer) {
  if (leaf.status == CertificateStatus::kReserved) return {};
  if (leaf.status == CertificateStatus::kRevoked) return revoked(leaf.revoked_at, leaf.reason);
  // A revocation marks the certificates that were alive. Those that had expired by then carry an old identity all the
  // same; of a device that is gone nobody knows when it went, and its certificate meant nothing after its end.
  if (leaf.device_gone) return revoked(leaf.not_after, RevocationReason::kCessationOfOperation);
  if (!leaf.identifier_current) return revoked(leaf.device_revoked, RevocationReason::kUnspecified);
  if (issuer.status == CaStatus::kRevoked) return revoked(issuer.revoked_at, inherited(of_issuer));
  return {Standing::kGood, 0, RevocationReason::kUnspecified};
}

Outcome<SerialStanding> ca_standing(store::Database& db, const Uuid& root, const Bytes& serial) {
  LATCHKEY_TRY(ca, store::standing_of_ca(db, root, serial));
  if (!ca) return SerialStanding{};
  if (ca->status == CaStatus::kRevoked) return revoked(ca->revoked_at, ca->reason);
  return SerialStanding{Standing::kGood, 0, RevocationReason::kUnspecified};
}

}  // namespace

Outcome<StandingReport> SqlRegistry::standing(const Uuid& issuer, const std::vector<Bytes>& serials) {
  return read<StandingReport>([&](store::Database& db) -> Outcome<StandingReport> {
    LATCHKEY_TRY(ca, store::find_ca(db, issuer));
    if (!ca) return refuse(Reason::kNotFound, "there is no such CA certificate");
    LATCHKEY_TRY(reason, store::reason_of_ca(db, issuer));
    StandingReport report{std::move(*ca), {}};
    report.serials.reserve(serials.size());
    for (const Bytes& serial : serials) {
      if (report.issuer.kind == CaKind::kRoot) {
        LATCHKEY_TRY(standing, ca_standing(db, issuer, serial));
        report.serials.push_back(standing);
      } else {
        LATCHKEY_TRY(leaf, store::standing_of(db, issuer, serial));
        report.serials.push_back(leaf ? leaf_standing(*leaf, report.issuer, reason) : SerialStanding{});
      }
    }
    return report;
  });
}

}  // namespace latchkey::registry
