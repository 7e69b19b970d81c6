// SPDX-License-Identifier: Apache-2.0
// The service's own certificates: a test root and an issuing CA for each kind of trust, a timestamping root and a
// timestamper below it. Made once, at the first start, and kept; keys at the key store, certificates in the registry.
// And their revocation lists, each signed by whoever certified what it is about.
//
// Threads: any, after open().
#pragma once

#include <map>
#include <mutex>

#include "hub/signing/service/ports.h"
#include "hub/signing/timestamp/authority.h"

namespace latchkey::hub::signing {

class Authorities {
 public:
  struct Options {
    KeyKind ca_key = KeyKind::kEcP384;
    KeyKind timestamper_key = KeyKind::kRsa3072;
    // A list is in force that long, and made anew when half of it is over.
    UnixMs list_lifetime_ms = 7LL * 24 * 60 * 60 * 1000;
    // Below what lists, CA certificates and OCSP are served: "http://127.0.0.1:1234", then "/crl/ID.crl", "/ca/ID.cer"
    // (ID is the authority's) and "/ocsp". Empty: certificates name none of them.
    std::string base;
  };
  struct Ca {
    Uuid id;
    TrustKind trust = TrustKind::kPublic;
    openssl::X509Ptr certificate;
    SigningKey key;
    Issuer issuer() const { return {certificate.get(), key.get()}; }
  };

  // Makes what is missing; the call says by whom. Rows and keys outlive this object. kStorage, kInternal.
  static Answer<std::unique_ptr<Authorities>> open(registry::signing::CertificateRows& rows, KeyStore& keys,
                                                   ServiceClock clock, Options options, const registry::Call& call);

  const Ca& root(TrustKind kind) const { return roots_.at(kind); }
  // kPublic, kPublicTest or kPrivate.
  const Ca& issuing(TrustKind kind) const { return issuing_.at(kind); }
  const TimestampAuthority& timestamper() const { return *timestamper_; }
  // What a certificate that it issues names.
  Addresses addresses_below(const Ca& ca) const;

  // The authority's certificate, DER; nothing when there is none of that id.
  std::optional<Bytes> certificate(const Uuid& id) const;
  // Its list, DER, as it was published last. kNotFound, kStorage.
  Answer<Bytes> list(const Uuid& id);
  // Signs every list on which somebody is missing or whose time has come. kStorage, kInternal.
  Answer<registry::Nothing> publish_lists();

 private:
  Authorities(registry::signing::CertificateRows& rows, KeyStore& keys, ServiceClock clock, Options options)
      : rows_(rows), keys_(keys), clock_(std::move(clock)), options_(std::move(options)) {}

  Answer<registry::Nothing> load(const std::vector<registry::signing::Authority>& rows);
  Answer<registry::Nothing> make(const registry::Call& call);
  Answer<registry::Nothing> make_timestamper(std::vector<registry::signing::Authority>& rows);
  Answer<registry::Nothing> publish(const registry::signing::Authority& row);
  const Ca* find(const Uuid& id) const;

  registry::signing::CertificateRows& rows_;
  KeyStore& keys_;
  const ServiceClock clock_;
  const Options options_;
  std::map<TrustKind, Ca> roots_;
  std::map<TrustKind, Ca> issuing_;
  std::optional<TimestampAuthority> timestamper_;
  std::mutex publishing_;  // one list after the other
};

// A random uuid, and a serial number: 16 octets, positive, without leading zeros.
Uuid random_id();
Bytes random_serial();
// A room's refusal in the registry's words.
registry::Refusal refusal_of(const Error& error);

}  // namespace latchkey::hub::signing
