// SPDX-License-Identifier: Apache-2.0
// Is this a signature over that digest by that key: RSA and ECDSA, by PSA. For firmware and what is signed about it.
// Needs crypto::init() before. Any thread.
#pragma once

#include "platform/crypto/digest.h"

namespace latchkey::crypto {

enum class Scheme : std::uint8_t { kPkcs1, kPss, kEcdsa };
enum class KeyCurve : std::uint8_t { kAny, kP256, kP384, kP521, kSecp256k1 };

struct SignatureKind {
  Scheme scheme = Scheme::kEcdsa;
  Hash hash = Hash::kSha256;
  KeyCurve curve = KeyCurve::kAny;  // that the key must be on; looked at for ECDSA alone
};

// `spki`: SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), DER. ECDSA: the two numbers side by side. RSA-PSS: the salt
// is as long as the digest.
//   kMalformed    not such a key
//   kUnsupported  a kind of key, a curve or a hash that this build has not
//   kMismatch     the signature is wrong, or key, digest and kind do not fit one another
//   kInternal     PSA is out of memory
Result<void> verify_digest(ByteView spki, SignatureKind kind, ByteView digest, ByteView signature);

// Bytes of one of an ECDSA signature's two numbers, for a key on that curve; 0 for a key that is on none.
std::size_t ecdsa_number_size(ByteView spki);

// ECDSA's other form, DER of two integers (RFC 3279 section 2.2.3), to numbers of `number_size` bytes side by side.
// kMalformed for what is not that form or does not fit; kTooLarge when `out` is too small.
Result<ByteView> ecdsa_raw_from_der(ByteView der, std::size_t number_size, MutableBytes out);
constexpr std::size_t kMaxEcdsaSize = 132;  // P-521

}  // namespace latchkey::crypto
