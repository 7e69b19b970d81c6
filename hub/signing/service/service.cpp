// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/service/service.h"

namespace latchkey::hub::signing {

using registry::Nothing;
using registry::signing::RevocationStatus;

Answer<std::unique_ptr<Service>> Service::open(registry::RowKeeper& rows, KeyStore& keys, ProfileDirectory& directory,
                                               Notices* notices, ServiceClock clock, Options options,
                                               const registry::Call& call) {
  const bool disables = !options.certificates.reissue_after_revocation;
  std::unique_ptr<Service> made(new Service(rows, directory, clock, disables));
  LATCHKEY_TRY(authorities, Authorities::open(made->certificate_rows_, keys, clock, options.authorities, call));
  made->authorities_ = std::move(authorities);
  made->certificates_ = std::make_unique<ProfileCertificates>(made->certificate_rows_, keys, *made->authorities_, clock,
                                                              options.certificates);
  made->revocations_ = std::make_unique<Revocations>(
      made->certificate_rows_, *made->certificates_, *made->authorities_, directory, notices,
      disables ? Revocations::Current::kDisables : Revocations::Current::kGoesOn);
  LATCHKEY_TRY(signing, SignService::start(made->operation_rows_, *made->certificates_, directory, std::move(clock),
                                           options.signing));
  made->signing_ = std::move(signing);
  return made;
}

Answer<Nothing> Service::tend(const ProfileFacts& profile) {
  LATCHKEY_TRY(newest, certificate_rows_.newest_of(profile.profile, clock_()));
  // A crash may have come between a revocation and this.
  if (disables_ && newest && newest->revocation.status == RevocationStatus::kSucceeded) {
    return directory_.disable({"signing service", clock_()}, profile);
  }
  return certificates_->renew(profile);
}

Answer<Nothing> Service::tick() {
  Answer<Nothing> answer = Nothing{};
  const auto note = [&answer](Answer<Nothing> done) {
    if (!done && answer) answer = std::move(done);
  };
  note(authorities_->renew_issuing({"signing service", clock_()}));  // before what they certify
  if (auto profiles = directory_.active()) {
    for (const ProfileFacts& profile : *profiles) {
      if (may_renew(profile)) note(tend(profile));
    }
  } else {
    note(fail(profiles.error()));
  }
  note(authorities_->publish_lists());
  note(authorities_->renew_timestamper({"signing service", clock_()}));
  note(certificates_->erase_idle_keys());
  return answer;
}

}  // namespace latchkey::hub::signing
