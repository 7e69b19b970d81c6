// SPDX-License-Identifier: Apache-2.0
// The certificates of profiles: each lives 72 hours, a new one comes every day (and at need), the newest signs, and all
// are kept for ever; the keys of those that will never sign again are erased.
//
// Whether a profile gets a new certificate: account and profile are active and its validation is completed. With a
// validation that has lapsed the last certificate signs to its end.
//
// Threads: any. A certificate is handed out after its row is durable.
#pragma once

#include <map>
#include <mutex>

#include "hub/signing/base/digest_signer.h"
#include "hub/signing/service/authorities.h"

namespace latchkey::hub::signing {

// Who signs now. Immutable, so that threads may sign with it at once.
struct Signer {
  Bytes serial;
  openssl::X509Ptr certificate;
  std::unique_ptr<const DigestSigner> key;
  UnixMs not_before = 0;
  UnixMs not_after = 0;
  Bytes collection;  // certificate, issuing CA and root as certs-only SignedData (RFC 5652 section 5), DER
};

class ProfileCertificates {
 public:
  struct Options {
    UnixMs renew_after_ms = 24LL * 60 * 60 * 1000;
    // Whether a profile whose current certificate was revoked gets a fresh one. Without it, it needs a new profile.
    bool reissue_after_revocation = false;
  };
  // All outlive it.
  ProfileCertificates(registry::signing::CertificateRows& rows, KeyStore& keys, Authorities& authorities,
                      ServiceClock clock, Options options)
      : rows_(rows), keys_(keys), authorities_(authorities), clock_(std::move(clock)), options_(options) {}

  // The one that signs now; makes it when there is none or a day has passed. kUnauthorized: the profile may not sign
  // (see check), or its current certificate was revoked. kStorage, kInternal. May take seconds: a key is made.
  Answer<std::shared_ptr<const Signer>> current(const ProfileFacts& profile);
  // Whether current() would answer at once, with no certificate to be read or made. Never waits.
  bool ready(const Uuid& profile);
  // As current(), for whoever only renews: does nothing where nothing may be renewed.
  Answer<registry::Nothing> renew(const ProfileFacts& profile);
  // Something happened to the profile's certificates: they are read again.
  void forget(const Uuid& profile);
  // Erases keys that will never sign again. The first failure is answered, the others are tried.
  Answer<registry::Nothing> erase_idle_keys();

  // The collection of any certificate that the service made, as Signer has it. Empty when OpenSSL fails.
  Bytes collection_of(const registry::signing::Certificate& certificate) const;

 private:
  struct Slot {
    std::mutex mutex;
    std::shared_ptr<const Signer> signer;  // null: read or make it
  };

  std::shared_ptr<Slot> slot_of(const Uuid& profile);
  Answer<std::shared_ptr<const Signer>> signer_of(const registry::signing::Certificate& row) const;
  Answer<std::shared_ptr<const Signer>> issue(const ProfileFacts& profile);
  Answer<std::shared_ptr<const Signer>> read_or_issue(const ProfileFacts& profile);
  bool is_due(const Signer& signer, UnixMs now) const;

  registry::signing::CertificateRows& rows_;
  KeyStore& keys_;
  Authorities& authorities_;
  const ServiceClock clock_;
  const Options options_;
  std::mutex mutex_;
  std::map<Uuid, std::shared_ptr<Slot>> slots_;  // guarded by mutex_; by profile
};

// Whether the profile may sign at all (403 otherwise): account and profile active, validation completed or lapsed.
// kUnauthorized, in words that do not tell why a stranger is refused.
Answer<registry::Nothing> check_may_sign(const ProfileFacts& profile);
bool may_renew(const ProfileFacts& profile);

}  // namespace latchkey::hub::signing
