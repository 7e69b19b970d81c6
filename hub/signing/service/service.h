// SPDX-License-Identifier: Apache-2.0
// The signing service as a whole: what its parts are, in the order in which they need each other, and what has to
// happen as time passes.
//
//   auto service = Service::open(rows_of(*registry), keys, directory, notices, clock, {}, call);
//   (*service)->signing().begin(call, profile, Algorithm::kRs256, digest);
//   (*service)->tick();   // every now and then: certificates are renewed, lists made anew, keys erased
//
// Threads: any; tick() by one at a time.
#pragma once

#include "hub/signing/service/revocations.h"
#include "hub/signing/service/sign_service.h"

namespace latchkey::hub::signing {

class Service {
 public:
  struct Options {
    Authorities::Options authorities;
    ProfileCertificates::Options certificates;
    SignService::Options signing;
  };
  // All outlive it; `notices` may be null. `call`: on whose behalf the first start makes the service's certificates.
  static Answer<std::unique_ptr<Service>> open(registry::RowKeeper& rows, KeyStore& keys, ProfileDirectory& directory,
                                               Notices* notices, ServiceClock clock, Options options,
                                               const registry::Call& call);

  // Everything that time asks for, as of the clock. The first failure is answered, everything else is done
  // nevertheless, and the next tick tries again.
  Answer<registry::Nothing> tick();
  void close() { signing_->close(); }

  ProfileDirectory& directory() { return directory_; }
  Authorities& authorities() { return *authorities_; }
  ProfileCertificates& certificates() { return *certificates_; }
  SignService& signing() { return *signing_; }
  Revocations& revocations() { return *revocations_; }
  UnixMs now() const { return clock_(); }
  // Every certificate of the profile, oldest first.
  Answer<std::vector<registry::signing::Certificate>> certificates_of(const ProfileFacts& profile) {
    return certificate_rows_.of_profile(profile.profile);
  }
  // Nothing when the service made none of that serial number.
  Answer<std::optional<registry::signing::Certificate>> certificate(const Bytes& serial) {
    return certificate_rows_.find(serial);
  }

 private:
  Service(registry::RowKeeper& rows, ProfileDirectory& directory, ServiceClock clock, bool disables)
      : certificate_rows_(rows),
        operation_rows_(rows),
        directory_(directory),
        clock_(std::move(clock)),
        disables_(disables) {}
  Answer<registry::Nothing> tend(const ProfileFacts& profile);

  registry::signing::CertificateRows certificate_rows_;
  registry::signing::OperationRows operation_rows_;
  ProfileDirectory& directory_;
  const ServiceClock clock_;
  const bool disables_;  // a profile whose current certificate was revoked
  std::unique_ptr<Authorities> authorities_;
  std::unique_ptr<ProfileCertificates> certificates_;
  std::unique_ptr<Revocations> revocations_;
  std::unique_ptr<SignService> signing_;  // the first to go
};

}  // namespace latchkey::hub::signing
