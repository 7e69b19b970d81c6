// SPDX-License-Identifier: Apache-2.0
// Timestamp tokens as a verifier sees them (RFC 3161 section 2.4.2), and requests as a signer makes them. Threads: any.
#pragma once

#include <optional>

#include "hub/signing/base/algorithm.h"
#include "hub/signing/certificates/revocation_list.h"

namespace latchkey::hub::signing {

// What to do where no list in force speaks of a certificate.
enum class UnknownRevocation : std::uint8_t { kRefuse, kAccept };

struct TimestampTrust {
  std::vector<X509*> roots;
  const RevocationLists* lists = nullptr;  // null: none
  UnknownRevocation unknown = UnknownRevocation::kRefuse;
};

struct Timestamp {
  UnixMs at = 0;           // genTime; parts of a millisecond count as a whole one
  UnixMs accuracy_ms = 0;  // rounded up; 0 when the token says none
  std::string authority;   // subject
  std::string policy;      // dotted

  // The last moment at which the stamped thing can have been made.
  UnixMs latest() const { return at + accuracy_ms; }
};

// A token that holds: it is over `stamped`, its signature is right, its authority's certificate is for timestamping
// alone, chains to a root and was valid at that time. Revocation of the authority as RFC 3161 section 4 has it: with a
// reason among unspecified, affiliationChanged, superseded and cessationOfOperation tokens from before it stay good;
// without a reason or with any other, none does.
//
// kMalformed; kTooLarge over kTokenMax bytes; kMismatch: over something else; kUnsupported: another hash; kNotTrusted:
// signature, chain, purpose or revocation.
Outcome<Timestamp> check_timestamp(ByteView token, ByteView stamped, const TimestampTrust& trust, UnixMs now);

inline constexpr std::size_t kTokenMax = std::size_t{32} * 1024;

// DER of a TimeStampReq over `stamped`: asks for certificates, with a nonce when one is given (big-endian, not 0).
Outcome<Bytes> make_timestamp_request(Hash hash, ByteView stamped, ByteView nonce);
// The token out of a TimeStampResp. kRefused, with the authority's words, when it granted none; kMalformed.
Outcome<Bytes> token_of_response(ByteView response);

}  // namespace latchkey::hub::signing
