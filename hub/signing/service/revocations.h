// SPDX-License-Identifier: Apache-2.0
// Revoking certificates of a profile from a date on: irreversible, one or several in a single act, all or none. When
// revoke() answers, signing with them has stopped and the lists that name them are published.
//
// Threads: any.
#pragma once

#include <atomic>

#include "hub/signing/certificates/revocation_list.h"
#include "hub/signing/service/profile_certificates.h"

namespace latchkey::hub::signing {

// One of a request, as a caller gives it.
struct RevocationOrder {
  std::string serial;        // hex, either case
  std::string thumbprint;    // hex, either case: SHA-1 of the certificate
  UnixMs effective_at = 0;   // parts of a second are cut off
  std::string reason;        // "KeyCompromised", ...: one of the six of revocation_reason_by_name
  std::string remarks = {};  // at most kRemarksMax bytes
};

class Revocations {
 public:
  static constexpr std::size_t kRemarksMax = 1024;
  static constexpr std::size_t kOrdersMax = 100;

  // What happens to a profile whose newest certificate is revoked: it is disabled, and a new profile has to be made; or
  // it goes on, and gets a fresh certificate (ProfileCertificates::Options::reissue_after_revocation).
  enum class Current : bool { kDisables = false, kGoesOn = true };

  // All outlive it; `notices` may be null.
  Revocations(registry::signing::CertificateRows& rows, ProfileCertificates& certificates, Authorities& authorities,
              ProfileDirectory& directory, Notices* notices, Current current)
      : rows_(rows),
        certificates_(certificates),
        authorities_(authorities),
        directory_(directory),
        notices_(notices),
        current_(current) {}

  // Whether the caller may is for others to know. Refused:
  //   kInvalidArgument     no order or too many, names that are no hex, an unknown reason, remarks too long, a date
  //                        outside the certificate's validity, names of two different certificates
  //   kNotFound            the profile has no such certificate
  //   kCertificateRevoked  it was revoked before (409); the first revocation stays
  //   kStorage
  Answer<std::vector<registry::signing::Certificate>> revoke(const registry::Call& call, const ProfileFacts& profile,
                                                             const std::vector<RevocationOrder>& orders);
  // A rehearsal of revocations that take their time: from now on they stay in progress until settle(). Meanwhile the
  // certificate does not sign and stands on no list.
  void hold(bool held) { hold_ = held; }
  // Ends one that is in progress; with a reason for failure the certificate stays as it was and may be revoked again.
  Answer<registry::signing::Certificate> settle(const registry::Call& call, const ProfileFacts& profile,
                                                const std::string& serial, const std::string& failure);

 private:
  using Certificate = registry::signing::Certificate;
  Answer<registry::Nothing> finish(const registry::Call& call, const ProfileFacts& profile,
                                   const std::vector<Certificate>& revoked);

  registry::signing::CertificateRows& rows_;
  ProfileCertificates& certificates_;
  Authorities& authorities_;
  ProfileDirectory& directory_;
  Notices* const notices_;
  const Current current_;
  std::atomic<bool> hold_ = false;
};

}  // namespace latchkey::hub::signing
