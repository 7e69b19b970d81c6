// SPDX-License-Identifier: Apache-2.0
// The issuing CAs that this hub trusts now, and the OpenSSL store that verifies against them.
//
// A change builds a new store and drops the old one, which lives on only in handshakes that have begun: nothing is
// ever removed from a store that OpenSSL may be caching from. OpenSSL failures other than bad input throw bad_alloc.
#pragma once

#include <openssl/x509.h>

#include <cstdint>
#include <map>
#include <memory>

#include "hub/gate/tls_verdict.h"
#include "hub/wire/feed.h"
#include "platform/base/bytes.h"
#include "platform/base/ids.h"

namespace latchkey::hub::gate {

struct X509Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using X509Ptr = std::unique_ptr<X509, X509Free>;

struct X509StoreFree {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
using X509StorePtr = std::unique_ptr<X509_STORE, X509StoreFree>;

class TrustSet {
 public:
  // Replaces an anchor of that name. False when `der` is not exactly one certificate; nothing is changed then.
  bool add(const Uuid& ca, ByteView der);
  // True when it was there.
  bool remove(const Uuid& ca);
  bool contains(const Uuid& ca) const { return anchors_.count(ca) != 0; }
  // True when that very certificate is the anchor of that name.
  bool contains(const AnchorRef& anchor) const;
  bool contains(const Uuid& ca, ByteView der) const { return contains(AnchorRef{ca, digest(der)}); }
  std::size_t size() const { return anchors_.size(); }

  // The anchor that this certificate is, or none.
  AnchorRef find(X509* certificate) const;
  // Holds every anchor, also ones that are not self-signed (X509_V_FLAG_PARTIAL_CHAIN). Owned by the set; built when
  // asked for after a change.
  X509_STORE* store();
  // Is that the store of the anchors as they are now? A handshake keeps the one that it began with.
  bool is_current(const void* store) const { return store == store_.get(); }

 private:
  struct Anchor {
    X509Ptr certificate;
    Sha256 digest{};
  };
  static Sha256 digest(ByteView der);

  std::map<Uuid, Anchor> anchors_;
  X509StorePtr store_;  // empty: out of date
};

// Is this chain (leaf first, an anchor last) that of a device: one certificate directly below the anchor, which is no
// CA (RFC 5280 section 4.2.1.9) and must not sign certificates (4.2.1.3)? OpenSSL's verification asks neither: it takes
// a CA's certificate for a client's, and does not count a CA that has its issuer's name (6.1.4 l) against the issuer's
// path length. An issuing CA's certificates are all in the registry; those of a CA below it would not be.
bool is_device_chain(const STACK_OF(X509) * chain);

// A certificate from DER with nothing behind it, or null.
X509Ptr parse_certificate(ByteView der);

}  // namespace latchkey::hub::gate
