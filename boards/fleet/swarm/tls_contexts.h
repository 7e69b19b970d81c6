// SPDX-License-Identifier: Apache-2.0
// OpenSSL's side of a fleet's connections: whom to believe, and what to show to whom.
//
// One SSL_CTX for each host that is spoken to, shared by all devices; a context for each device would weigh more than
// all the rest of it. What belongs to one attempt, its identity and what the server said, is in a Handshake. OpenSSL's
// callbacks find it through the thread: whoever calls into a TLS library for a device holds an InHand meanwhile.
//
// Each context checks the server's chain against the trust store, and its name (or address) against the host. Sessions
// are never resumed: every connection costs a full handshake and proves possession of the key.
#pragma once

#include <openssl/ssl.h>

#include <map>
#include <string>
#include <string_view>

#include "boards/fleet/swarm/identity.h"

namespace latchkey::boards::fleet::swarm {

// One attempt to connect.
struct Handshake {
  const Identity* identity = nullptr;  // whoever connects owns it; null: it shows none
  bool done = false;                   // TLS stands, as far as we can tell
  bool not_trusted = false;            // the server's certificate, or its name, was refused by us
  int alert = 0;                       // what the server ended it with (RFC 8446 section 6.2); 0: nothing

  void clear() { *this = {}; }
};

// While it lives, OpenSSL's callbacks on this thread are about that attempt.
class InHand {
 public:
  explicit InHand(Handshake& handshake);
  ~InHand();
  InHand(const InHand&) = delete;
  InHand& operator=(const InHand&) = delete;

 private:
  Handshake* const before_;
};

// One thread.
class TlsContexts {
 public:
  // `trust_store`: a PEM file of the CAs that may certify servers. kNotFound: it cannot be read or holds none.
  static Result<TlsContexts> load(const std::string& trust_store);

  // Lives as long as this; null when OpenSSL fails.
  SSL_CTX* for_host(std::string_view host);
  // Of the devices that connect with these contexts.
  Issuers& issuers() { return issuers_; }

 private:
  using ContextPtr = openssl::Owner<SSL_CTX, SSL_CTX_free>;
  explicit TlsContexts(openssl::X509StorePtr trusted) : trusted_(std::move(trusted)) {}
  ContextPtr make(const std::string& host) const;

  openssl::X509StorePtr trusted_;
  std::map<std::string, ContextPtr, std::less<>> contexts_;
  Issuers issuers_;
};

}  // namespace latchkey::boards::fleet::swarm
