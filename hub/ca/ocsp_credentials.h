// SPDX-License-Identifier: Apache-2.0
// OcspCredentials: for each CA a key and certificate that answer for it (RFC 6960 section 4.2.2.2: signed by that CA,
// extended key usage id-kp-OCSPSigning), so that the CA's own key is used once in days and not once a question.
//
// They are short-lived and live in memory only: made at the first question, anew when half of their life is over, and
// after a start. Nobody checks them for revocation (id-pkix-ocsp-nocheck). When a CA is about to lose its key for good
// because its policy or credential was deleted, one last credential is made, valid as long as the CA, and kept: its
// leaves go on working, and devices can still be revoked, which no CRL will show any more. The price is a key that may
// say "good" until the CA's end; it can sign nothing else. It is kept as <folder>/<ca uuid>.pem (0600); or, where keys
// are shared with other nodes, its key with their provider, and its certificate and the key's name as a setting of the
// registry, so that all of them answer. A file that was made before is read all the same, where it is.
//
// Threads: all functions may be called from any thread.
#pragma once

#include <openssl/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <shared_mutex>

#include "hub/ca/authority.h"

namespace latchkey::hub::ca {

struct OcspCredential {
  std::shared_ptr<X509> certificate;
  SigningKey key;
  UnixMs not_before = 0;
  UnixMs not_after = 0;
};

class OcspCredentials {
 public:
  struct Options {
    // Of last credentials; made with 0700. Empty: no CA loses its key before its end, and none is kept.
    std::filesystem::path folder = {};
    UnixMs validity_ms = 7 * kDayMs;  // never beyond the CA's own end
    // Both or neither; they outlive this object. The provider destroys nothing by itself.
    KeyProvider* shared_keys = nullptr;
    registry::Registry* registry = nullptr;
  };
  using Credential = std::shared_ptr<const OcspCredential>;

  // `keys` outlives this object. kUnauthorized when the folder is open to others, kStorage.
  static registry::Outcome<std::unique_ptr<OcspCredentials>> open(KeyProvider& keys, Options options);

  // What answers for `ca` now. kPreconditionFailed: the CA has expired or is not valid yet. kNotFound: its key is gone,
  // and there is no last credential. kInternal.
  registry::Outcome<Credential> of(const registry::CaCertificate& ca, UnixMs now);
  // Durable when it returns; one that is there already stays. To be called while the CA still has its key, and with a
  // folder. kNotFound: it has not. A CA that has expired needs none. kStorage, kInternal.
  registry::Outcome<void> make_last(const registry::CaCertificate& ca, UnixMs now);

 private:
  OcspCredentials(KeyProvider& keys, Options options) : keys_(keys), options_(std::move(options)) {}
  registry::Outcome<Credential> renewed(const registry::CaCertificate& ca, UnixMs now);
  registry::Outcome<Credential> last_of(const registry::CaCertificate& ca);
  registry::Outcome<Credential> read_last(const registry::CaCertificate& ca);    // null: there is none
  registry::Outcome<Credential> read_shared(const registry::CaCertificate& ca);  // the same
  registry::Outcome<void> write_last(const registry::CaCertificate& ca, const SigningKey& issuer_key, UnixMs now);
  registry::Outcome<void> share_last(const registry::CaCertificate& ca, const SigningKey& issuer_key, UnixMs now);
  std::filesystem::path file_of(const Uuid& ca) const;

  KeyProvider& keys_;
  const Options options_;
  std::shared_mutex mutex_;
  std::map<Uuid, Credential> current_;  // guarded by mutex_
  std::map<Uuid, Credential> last_;     // guarded by mutex_; of CAs without a key
};

}  // namespace latchkey::hub::ca
