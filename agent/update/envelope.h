// SPDX-License-Identifier: Apache-2.0
// The signed envelope of a firmware bundle: COSE_Sign1 (RFC 9052 section 4.2) whose payload is the manifest, with the
// certificate chain as x5chain (RFC 9360) and a timestamp as 3161-ctt (RFC 9921) in its unprotected header. Reading
// allocates nothing; views point into the text.
//
// To verify: hash signed_head() and then `payload`; that digest is what `signature` is over.
#pragma once

#include <array>
#include <cstdint>

#include "platform/base/bytes.h"

namespace latchkey::agent {

struct Envelope {
  static constexpr std::size_t kChainMax = 4;
  static constexpr std::size_t kSizeMax = std::size_t{16} * 1024;  // of the whole envelope

  std::int64_t algorithm = 0;               // IANA "COSE Algorithms"
  ByteView protected_header;                // inside its byte string
  std::array<ByteView, kChainMax> chain{};  // DER, leaf first
  std::size_t chain_size = 0;
  ByteView token;      // DER of the timestamp token; empty: none
  ByteView payload;    // the manifest
  ByteView signature;  // ECDSA: the two numbers side by side
  ByteView stamped;    // what the token is over: the signature with the head of its byte string
};

struct Bundle {
  Envelope envelope;
  std::uint64_t image_at = 0;    // where the image begins, from the bundle's first byte
  std::uint64_t image_size = 0;  // as the head behind the envelope says; to be held against the manifest
};

// `text` is the bundle's beginning: the envelope and the head of the image's byte string, or more. kNotReady when that
// cannot be read from fewer than kSizeMax bytes: more of them may help, and when there are no more the bundle is
// damaged. kTooLarge, kMalformed: no more will help.
Result<Bundle> read_bundle(ByteView text);
// The envelope alone, and nothing behind it.
Result<Envelope> read_envelope(ByteView text);

// What comes before the payload in Sig_structure (RFC 9052 section 4.4), head of its byte string included. kTooLarge
// when `out` is too small; kSignedHeadMax always does.
inline constexpr std::size_t kSignedHeadMax = 64;
Result<ByteView> signed_head(const Envelope& envelope, MutableBytes out);

}  // namespace latchkey::agent
