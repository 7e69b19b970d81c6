// SPDX-License-Identifier: Apache-2.0
// The service's own certificates: a test root and an issuing CA for each kind of trust, a timestamping root and a
// timestamper below it. Made at the first start and kept; keys at the key store, certificates in the registry. Issuing
// CAs and the timestamper are renewed, roots are not: others were given them to believe. And their revocation lists,
// each signed by whoever certified what it is about.
//
// An issuing CA of before keeps its key: its list goes on, as what it certified can be revoked for ever.
//
// Threads: any, after open().
#pragma once

#include <list>
#include <map>
#include <mutex>

#include "hub/signing/service/ports.h"
#include "hub/signing/timestamp/authority.h"

namespace latchkey::hub::signing {

class Authorities {
 public:
  struct Options {
    // RSA, because three of the five signatures that a device verifies before it takes a bundle are by CAs, and one by
    // RSA takes it a tenth of one by P-256 (docs/firmware-update.md). A first start makes them side by side, in
    // seconds.
    KeyKind ca_key = KeyKind::kRsa3072;
    KeyKind timestamper_key = KeyKind::kRsa3072;
    // A timestamper stamps that long, and then another one does, with a key of its own. Its certificate goes on for
    // what is left of its twenty years, so that tools which ask whether it is valid now take its last token for a long
    // time.
    UnixMs timestamper_use_ms = 5LL * 365 * 24 * 60 * 60 * 1000;
    // An issuing CA certifies that long, and then another one does, with a key of its own. Its certificate lives thrice
    // as long, and never longer than its root's.
    UnixMs issuing_use_ms = 10LL * 365 * 24 * 60 * 60 * 1000;
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
  // Who certifies now: of kPublic, kPublicTest or kPrivate. It stays where it is, also when another one takes over.
  const Ca& issuing(TrustKind kind) const;
  // A root or an issuing CA, those of before too; null when there is none of that id.
  const Ca* find(const Uuid& id) const;
  // Of all roots and issuing CAs.
  std::vector<Uuid> ids() const;
  // Who stamps now. Good for a request, also when another one takes over meanwhile.
  std::shared_ptr<const TimestampAuthority> timestamper() const;
  // What a certificate that it issues names.
  Addresses addresses_below(const Ca& ca) const;

  // The authority's certificate, DER; nothing when there is none of that id.
  std::optional<Bytes> certificate(const Uuid& id) const;
  // Its list, DER, as it was published last. kNotFound, kStorage.
  Answer<Bytes> list(const Uuid& id);
  // Signs every list on which somebody is missing or whose time has come. kStorage, kInternal.
  Answer<registry::Nothing> publish_lists();
  // Makes another timestamper when the one that stamps has done so for its time, has ended, or has not begun (a clock
  // that was set back); then erases the keys of those before. kPreconditionFailed: its root is not valid now. kStorage,
  // kInternal. By one at a time.
  Answer<registry::Nothing> renew_timestamper(const registry::Call& call);
  // The same for issuing CAs. kPreconditionFailed: a root is not valid now; the others are renewed nevertheless.
  Answer<registry::Nothing> renew_issuing(const registry::Call& call);

 private:
  struct Timestamper {
    Bytes serial;
    std::string key_ref;
    Window window;
    std::shared_ptr<const TimestampAuthority> authority;
  };
  Authorities(registry::signing::CertificateRows& rows, KeyStore& keys, ServiceClock clock, Options options)
      : rows_(rows), keys_(keys), clock_(std::move(clock)), options_(std::move(options)) {}

  Answer<registry::Nothing> load(const std::vector<registry::signing::Authority>& rows);
  Answer<registry::Nothing> make(const registry::Call& call);
  Answer<registry::Nothing> load_issuing(const registry::signing::Authority& row);
  Answer<registry::Nothing> make_issuing_ca(TrustKind kind, const KeyStore::Kept& kept,
                                            std::vector<registry::signing::Authority>& rows);
  Answer<registry::Nothing> renew_issuing_ca(TrustKind kind, const registry::Call& call);
  Answer<registry::Nothing> make_timestamper(const KeyStore::Kept& kept,
                                             std::vector<registry::signing::Authority>& rows);
  Answer<registry::Nothing> take_timestamper(const registry::signing::Authority& row, const SigningKey& key);
  const Ca* in_validity(TrustKind kind, UnixMs now) const;
  Answer<registry::Nothing> erase_former_timestampers();
  Answer<registry::Nothing> publish(const registry::signing::Authority& row);

  registry::signing::CertificateRows& rows_;
  KeyStore& keys_;
  const ServiceClock clock_;
  const Options options_;
  std::map<TrustKind, Ca> roots_;
  mutable std::mutex issuing_change_;
  std::list<Ca> issuing_;  // oldest first; guarded by issuing_change_, and none of them ever changes or goes
  mutable std::mutex stamping_;
  Timestamper timestamper_;          // guarded by stamping_
  std::vector<Timestamper> former_;  // that have a key yet
  std::mutex publishing_;            // one list after the other
};

// A random uuid, and a serial number: 16 octets, positive, without leading zeros.
Uuid random_id();
Bytes random_serial();
// A room's refusal in the registry's words.
registry::Refusal refusal_of(const Error& error);

}  // namespace latchkey::hub::signing
