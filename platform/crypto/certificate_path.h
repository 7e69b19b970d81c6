// SPDX-License-Identifier: Apache-2.0
// Certificates of others, down from a root that the device was given: who signed firmware, who stamped it with a time.
// Nothing here looks at a clock: the caller compares validity periods with the time that it has reason to believe.
#pragma once

#include <array>

#include "platform/base/ids.h"
#include "platform/crypto/certificate.h"
#include "platform/crypto/digest.h"

namespace latchkey::crypto {

// What one certificate says of its owner. Views point into the DER.
struct SignerFacts {
  UnixMs not_before = 0;
  UnixMs not_after = 0;  // the last second that counts, included
  ByteView issuer;       // Name, DER
  ByteView subject;
  ByteView serial;  // magnitude, big-endian, without leading zeros
  ByteView spki;    // SubjectPublicKeyInfo, DER
  bool is_ca = false;
  bool may_sign = false;                     // key usage digitalSignature, or none said
  ByteView extended_key_usage;               // object identifiers one behind the other, DER; empty: none said
  bool extended_key_usage_critical = false;  // and that extension is critical
};
// kMalformed: not one certificate and nothing behind it, or an unknown critical extension.
Result<SignerFacts> inspect_signer(ByteView der);

// Which certificate: the SHA-256 of its issuer's SubjectPublicKeyInfo, and its serial. Issuers of the same name are
// told apart by their keys.
struct CertificateId {
  Sha256 issuer_key{};
  std::array<std::uint8_t, kMaxSerialSize> serial_bytes{};
  std::uint8_t serial_size = 0;
  ByteView serial() const { return {serial_bytes.data(), serial_size}; }
};

// The way from a certificate up to a root, the root left out.
struct CertificatePath {
  std::array<CertificateId, kMaxChain> certificates{};  // leaf first
  std::size_t size = 0;
  // While all CAs above the leaf are valid, the root too.
  UnixMs authorities_begin = 0;
  UnixMs authorities_end = 0;
};

// Judges a chain, leaf first, each certified by the next, `count` from 1 to kMaxChain; the last one is certified by one
// of the roots. Names, signatures, CA flags, key usages and path lengths are looked at, validity periods are not.
//   kInvalidArgument  `count` out of range
//   kMalformed        one of them does not parse
//   kNotTrusted       it does not lead to a root
// Takes 2 to 3 KB of stack beside what a signature takes, and heap for each certificate: mbedTLS's.
Result<CertificatePath> check_path(const ByteView* ders, std::size_t count, const ByteView* roots,
                                   std::size_t root_count);

}  // namespace latchkey::crypto
