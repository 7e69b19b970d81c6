// SPDX-License-Identifier: Apache-2.0
// An OCSP request (RFC 6960 section 4.1) after all checks of its form. Signatures and names of requestors are not
// looked at: everybody may ask.
//
// Threads: read_ocsp_request is pure; an OcspRequest belongs to one thread at a time.
#pragma once

#include <openssl/ocsp.h>

#include <optional>
#include <string>
#include <vector>

#include "platform/openssl/openssl_ptr.h"
#include "registry/model/resources.h"

namespace latchkey::hub::ca {

using OcspRequestPtr = openssl::Owner<OCSP_REQUEST, OCSP_REQUEST_free>;

inline constexpr int kOcspQuestionsMax = 256;      // single requests in one
inline constexpr std::size_t kOcspNonceMax = 32;   // octets, RFC 8954 section 2.1
inline constexpr std::size_t kOcspSerialMax = 20;  // octets, RFC 5280 section 4.1.2.2

// Which CA is meant: algorithm and both hashes of a CertID. Comparable, otherwise opaque.
using IssuerHash = std::string;
// Nothing when OpenSSL fails. `algorithm` is NID_sha1 or NID_sha256.
std::optional<IssuerHash> issuer_hash(X509* issuer, int algorithm);

struct OcspQuestion {
  OCSP_CERTID* id = nullptr;  // the request's
  IssuerHash issuer;          // empty: by an algorithm that we do not know
  registry::Bytes serial;     // big-endian; empty: a number that cannot be one of ours
};

struct OcspRequest {
  OcspRequestPtr message;
  std::vector<OcspQuestion> questions;  // 1 to kOcspQuestionsMax
  bool nonce = false;
};

// Nothing unless `der` is exactly one request with questions, without critical extensions (we know of none) and with at
// most one nonce, of 1 to 32 octets.
std::optional<OcspRequest> read_ocsp_request(ByteView der);

}  // namespace latchkey::hub::ca
