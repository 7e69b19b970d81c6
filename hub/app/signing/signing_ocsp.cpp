// SPDX-License-Identifier: Apache-2.0
#include "hub/app/signing/signing_ocsp.h"

#include <algorithm>
#include <mutex>

#include "hub/signing/certificates/profile.h"
#include "registry/signing/certificates.h"
#include "registry/signing/standing.h"

namespace latchkey::hub::app {
namespace {

using registry::CaCertificate;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using registry::SerialStanding;
using registry::Standing;
using registry::signing::Authority;
using registry::signing::AuthorityRole;
using registry::signing::CertificateRows;

constexpr int kMaxAgeS = 1;  // as for devices (hub/revocation/service.h)

CaCertificate ca_of(const Authority& row) {
  CaCertificate ca;
  ca.id = row.id;
  ca.kind = row.role == AuthorityRole::kRoot ? registry::CaKind::kRoot : registry::CaKind::kIssuing;
  ca.issuer = row.issuer;
  const auto trust = signing::name_of(static_cast<signing::TrustKind>(row.trust));
  ca.subject = "CN=Latchkey Test " + std::string(row.role == AuthorityRole::kRoot ? "Root" : "Issuing CA") + " - " +
               std::string(trust);
  ca.serial = row.serial;
  ca.not_before = row.not_before;
  ca.not_after = row.not_after;
  ca.der = row.der;
  ca.key_ref = row.key_ref;
  return ca;
}

SerialStanding told(const registry::signing::CertificateStanding& row) {
  if (!row.issued) return {};
  if (!row.revoked) return {Standing::kGood, 0, registry::RevocationReason::kUnspecified};
  return {Standing::kRevoked, row.effective_at, static_cast<registry::RevocationReason>(row.reason)};
}

class Source final : public ca::OcspSource {
 public:
  explicit Source(registry::RowKeeper& rows) : rows_(rows) {}

  // The responder asks again when it meets an issuer that it does not know.
  Outcome<std::vector<CaCertificate>> cas() override {
    LATCHKEY_TRY(authorities, CertificateRows(rows_).authorities());
    std::vector<CaCertificate> cas;
    for (const Authority& row : authorities) {
      if (row.role != AuthorityRole::kTimestamper) cas.push_back(ca_of(row));
    }
    const std::lock_guard lock(mutex_);
    cas_ = cas;
    return cas;
  }
  Outcome<registry::StandingReport> standing(const Uuid& ca, const std::vector<registry::Bytes>& serials) override {
    LATCHKEY_TRY(known, find(ca));
    LATCHKEY_TRY(rows, registry::signing::standing_of(rows_, ca, serials));
    registry::StandingReport report{std::move(known), {}};
    for (const auto& row : rows) report.serials.push_back(told(row));
    return report;
  }

 private:
  Outcome<CaCertificate> find(const Uuid& ca) {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(cas_, [&](const CaCertificate& one) { return one.id == ca; });
    if (found == cas_.end()) return refuse(Reason::kNotFound, "not a CA of the signing service");
    return *found;
  }

  registry::RowKeeper& rows_;
  std::mutex mutex_;
  std::vector<CaCertificate> cas_;  // guarded by mutex_; those of the last question
};

}  // namespace

Outcome<std::unique_ptr<SigningOcsp>> SigningOcsp::open(registry::RowKeeper& rows, ca::KeyProvider& keys, Clock clock) {
  std::unique_ptr<SigningOcsp> made(new SigningOcsp());
  LATCHKEY_TRY(credentials, ca::OcspCredentials::open(keys, {}));  // these CAs keep their keys
  made->credentials_ = std::move(credentials);
  made->responder_ = std::make_unique<ca::OcspResponder>(std::make_unique<Source>(rows), *made->credentials_, clock,
                                                         ca::OcspResponder::Options{});
  made->answers_ = std::make_unique<OcspAnswers>(*made->responder_);
  made->face_ = std::make_unique<revocation::OcspFace>(*made->answers_, std::move(clock), kMaxAgeS);
  return made;
}

}  // namespace latchkey::hub::app
