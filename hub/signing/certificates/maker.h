// SPDX-License-Identifier: Apache-2.0
// Makes the certificates of the signing service (RFC 5280): test roots, issuing CAs, profile certificates, timestamping
// authorities. It decides shape alone: keys, serials and times are given, and what may be issued to whom is the
// caller's. Threads: any.
#pragma once

#include "hub/signing/certificates/profile.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::signing {

inline constexpr UnixMs kLeafLifetimeMs = 72LL * 60 * 60 * 1000;

struct Window {
  UnixMs not_before = 0;
  UnixMs not_after = 0;
};

// Who signs. Both live as long as the call.
struct Issuer {
  X509* certificate = nullptr;
  EVP_PKEY* key = nullptr;
};

// Where others find what they need to judge a certificate: its issuer's revocation list (RFC 5280 section 4.2.1.13),
// certificate and OCSP responder (section 4.2.2.1). An empty one is not named.
struct Addresses {
  std::string list = {};
  std::string issuer = {};
  std::string ocsp = {};
};

// Statuses of all: kInvalidArgument for a window that is none or reaches beyond the issuer's, kInternal when OpenSSL
// fails. Serials are big-endian, positive and at most 20 octets.

// CN and O say that it is a test root: "Latchkey Test Root - Public Trust - Not For Production".
Outcome<openssl::X509Ptr> make_root(TrustKind kind, EVP_PKEY* key, ByteView serial, Window window);
Outcome<openssl::X509Ptr> make_issuing(TrustKind kind, Issuer root, EVP_PKEY* key, ByteView serial, Window window,
                                       const Addresses& addresses = {});

struct LeafRequest {
  ProfileType type = ProfileType::kPublicTrust;
  Subject subject;
  std::string durable_eku;  // one that durable_eku() made for the type
  EVP_PKEY* key = nullptr;  // its public half is certified
  ByteView serial;
  Window window;  // kLeafLifetimeMs long, in the service
  Addresses addresses = {};
};
// Also kInvalidArgument for the subject and the EKU.
Outcome<openssl::X509Ptr> make_leaf(const LeafRequest& request, Issuer issuer);

// A TSA's: extended key usage timeStamping alone, critical (RFC 3161 section 2.3).
Outcome<openssl::X509Ptr> make_timestamper(std::string_view common_name, EVP_PKEY* key, ByteView serial, Window window,
                                           Issuer issuer, const Addresses& addresses = {});

Window window_of(const X509* certificate);
UnixMs unix_ms(const ASN1_TIME* time);  // 0 when it is no time
Bytes certificate_der(const X509* certificate);
// Nothing but one certificate; null otherwise.
openssl::X509Ptr certificate_from_der(ByteView der);
std::vector<std::string> ekus_of(const X509* certificate);  // dotted; empty without the extension
std::string subject_of(const X509* certificate);            // one line, most specific part first
Bytes serial_of(const X509* certificate);                   // without leading zeros

}  // namespace latchkey::hub::signing
