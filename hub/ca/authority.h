// SPDX-License-Identifier: Apache-2.0
// Authority: makes and signs everything that the hub's CAs sign: roots, issuing CAs, device leaves, CRLs (RFC 5280).
// It decides shape, never leave: whom to issue to, for how long and under which serial comes from the registry.
//
// Profile (after the real service's one public chain): rootca-<32 hex> signs ica-<32 hex> signs CN=<device id>; the
// leaf is for TLS clients and carries the DeviceIdentifier in a non-critical extension (platform/base/ids.h). P-256
// CAs sign with ecdsa-with-SHA256, P-384 CAs with ecdsa-with-SHA384.
//
// Threads: all functions may be called from any thread. Parsed CA certificates, and what the leaves below them have in
// common, are kept by uuid (CAs never change); keys are asked of the provider each time, so that a destroyed key signs
// no more.
#pragma once

#include <openssl/types.h>

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "hub/ca/crl_shards.h"
#include "hub/ca/csr.h"
#include "hub/ca/key_provider.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::ca {

namespace internal {
class LeafForm;
}

inline constexpr UnixMs kDayMs = 24LL * 60 * 60 * 1000;
inline constexpr UnixMs kBackdateMs = 5LL * 60 * 1000;      // a CA's notBefore lies five minutes back
inline constexpr UnixMs kRootLifetimeMs = 3650 * kDayMs;    // ten years
inline constexpr UnixMs kIssuingLifetimeMs = 365 * kDayMs;  // one year

class Authority {
 public:
  struct Options {
    // Addresses of folders; the certificate gets <crl_url>/<list_path of its issuer> and <aia_url>/<issuer's uuid>.cer.
    // And the OCSP responder's, one for all CAs. Empty: left out. Without commas.
    std::string crl_url;
    std::string aia_url;
    std::string ocsp_url;
    unsigned crl_shards = 1;  // leaves name one of so many parts of the list (hub/ca/crl_shards.h); 1: the whole list
    bool allow_rsa = false;   // accept RSA keys in CSRs
    bool p384_alone = false;  // accept EC keys on no other curve in CSRs
  };
  // `keys` outlives this object.
  Authority(KeyProvider& keys, Options options);
  ~Authority();

  // A new key and a self-signed root. kStorage, kInternal.
  registry::Outcome<registry::NewCa> make_root(registry::KeyProfile profile, UnixMs now);
  // A new key and an issuing CA below `root`, under a new subject every time, never valid beyond the root. Refusals:
  // kNotFound (the root's key is destroyed), kPreconditionFailed (the root has expired), kStorage, kInternal.
  registry::Outcome<registry::NewCa> make_issuing(const registry::CaCertificate& root, registry::KeyProfile profile,
                                                  UnixMs now);

  // 16 random octets, the first of them 1 to 127: positive in DER and without a leading zero.
  static registry::Bytes new_serial();

  // hub/ca/csr.h, with this authority's rules on RSA and curves.
  registry::Outcome<Csr> read_csr(std::string_view base64, std::optional<std::string_view> expected_cn) const;

  // The leaf's DER. Its CN is the grant's device_id, which may be spelled otherwise than the CSR's CN. Refusals:
  // kNotFound (the issuer's key is destroyed), kInternal.
  registry::Outcome<registry::Bytes> sign_leaf(const registry::CaCertificate& issuer,
                                               const registry::IssuanceGrant& grant, const Csr& csr);

  // Ends what this CA can sign, for good. kStorage, kInvalidArgument.
  registry::Outcome<void> destroy_key(const registry::CaCertificate& ca);

  // The CRL's DER (v2: authority key id, number, entries with their dates). Linear in the entries, plus a sort.
  // `addresses`: those of a shard, which its issuingDistributionPoint says, and that it speaks of leaves alone (RFC
  // 5280 section 5.2.5); none for a whole list. Refusals as above.
  registry::Outcome<registry::Bytes> sign_crl(const registry::CrlOrder& order, UnixMs this_update, UnixMs next_update,
                                              const std::vector<std::string>& addresses = {});

 private:
  using ParsedCertificate = std::shared_ptr<X509>;
  using FormPtr = std::shared_ptr<const internal::LeafForm>;
  registry::Outcome<ParsedCertificate> parsed(const registry::CaCertificate& ca);
  registry::Outcome<FormPtr> form_below(const registry::CaCertificate& issuer, EVP_PKEY* key, CrlShard shard);

  KeyProvider& keys_;
  const Options options_;
  std::shared_mutex mutex_;
  std::map<Uuid, ParsedCertificate> parsed_;            // guarded by mutex_
  std::map<std::pair<Uuid, unsigned>, FormPtr> forms_;  // guarded by mutex_; by the issuer and the shard's index
};

}  // namespace latchkey::hub::ca
