// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/signature.h"

#include <psa/crypto.h>

#include <cstring>

#include "platform/crypto/der.h"

namespace latchkey::crypto {
namespace {

// Contents of object identifiers: RFC 8017, RFC 5480, SEC 2.
constexpr std::uint8_t kRsaEncryption[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01};
constexpr std::uint8_t kEcPublicKey[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
constexpr std::uint8_t kOidP256[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
constexpr std::uint8_t kOidP384[] = {0x2B, 0x81, 0x04, 0x00, 0x22};
constexpr std::uint8_t kOidP521[] = {0x2B, 0x81, 0x04, 0x00, 0x23};
constexpr std::uint8_t kOidSecp256k1[] = {0x2B, 0x81, 0x04, 0x00, 0x0A};

struct CurveFacts {
  KeyCurve curve;
  ByteView oid;
  psa_ecc_family_t family;
  std::size_t number_size;
};
constexpr CurveFacts kCurves[] = {
    {KeyCurve::kP256, {kOidP256, sizeof kOidP256}, PSA_ECC_FAMILY_SECP_R1, 32},
    {KeyCurve::kP384, {kOidP384, sizeof kOidP384}, PSA_ECC_FAMILY_SECP_R1, 48},
    {KeyCurve::kP521, {kOidP521, sizeof kOidP521}, PSA_ECC_FAMILY_SECP_R1, 66},
    {KeyCurve::kSecp256k1, {kOidSecp256k1, sizeof kOidSecp256k1}, PSA_ECC_FAMILY_SECP_K1, 32},
};

struct PublicKey {
  const CurveFacts* curve = nullptr;  // null: RSA
  ByteView bytes;                     // the point, or RSAPublicKey
};

Result<PublicKey> read_key(ByteView spki) {
  DerReader outer(spki);
  LATCHKEY_TRY(reader, outer.enter(kDerSequence));
  LATCHKEY_TRY(algorithm, reader.enter(kDerSequence));
  LATCHKEY_TRY(bits, reader.next(kDerBitString));
  LATCHKEY_TRY(kind, algorithm.next(kDerOid));
  if (!outer.at_end() || !reader.at_end() || bits.content.empty() || bits.content[0] != 0) {
    return fail(Status::kMalformed);
  }
  PublicKey key;
  key.bytes = bits.content.subview(1, bits.content.size());
  if (kind.content == ByteView(kRsaEncryption, sizeof kRsaEncryption)) return key;
  if (kind.content != ByteView(kEcPublicKey, sizeof kEcPublicKey)) return fail(Status::kUnsupported);
  LATCHKEY_TRY(named, algorithm.next(kDerOid));
  for (const CurveFacts& curve : kCurves) {
    if (curve.oid == named.content) key.curve = &curve;
  }
  if (key.curve == nullptr) return fail(Status::kUnsupported);
  return key;
}

psa_algorithm_t psa_hash(Hash hash) {
  switch (hash) {
    case Hash::kSha256: return PSA_ALG_SHA_256;
    case Hash::kSha384: return PSA_ALG_SHA_384;
    default: return PSA_ALG_SHA_512;
  }
}

psa_algorithm_t psa_algorithm(SignatureKind kind) {
  switch (kind.scheme) {
    case Scheme::kPkcs1: return PSA_ALG_RSA_PKCS1V15_SIGN(psa_hash(kind.hash));
    case Scheme::kPss: return PSA_ALG_RSA_PSS(psa_hash(kind.hash));
    default: return PSA_ALG_ECDSA(psa_hash(kind.hash));
  }
}

psa_key_type_t psa_type(const PublicKey& key) {
  return key.curve == nullptr ? PSA_KEY_TYPE_RSA_PUBLIC_KEY : PSA_KEY_TYPE_ECC_PUBLIC_KEY(key.curve->family);
}

bool fits(const PublicKey& key, SignatureKind kind) {
  if (kind.scheme != Scheme::kEcdsa) return key.curve == nullptr;
  return key.curve != nullptr && (kind.curve == KeyCurve::kAny || kind.curve == key.curve->curve);
}

Status status_of(psa_status_t code) {
  switch (code) {
    case PSA_ERROR_NOT_SUPPORTED: return Status::kUnsupported;
    case PSA_ERROR_INSUFFICIENT_MEMORY: return Status::kInternal;
    default: return Status::kMismatch;
  }
}

}  // namespace

Result<void> verify_digest(ByteView spki, SignatureKind kind, ByteView digest, ByteView signature) {
  LATCHKEY_TRY(key, read_key(spki));
  if (!fits(key, kind) || digest.size() != digest_size(kind.hash)) return fail(Status::kMismatch);
  psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
  psa_set_key_type(&attributes, psa_type(key));
  psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
  psa_set_key_algorithm(&attributes, psa_algorithm(kind));
  psa_key_id_t id = PSA_KEY_ID_NULL;
  psa_status_t code = psa_import_key(&attributes, key.bytes.data(), key.bytes.size(), &id);
  if (code != PSA_SUCCESS) return fail(status_of(code));
  code = psa_verify_hash(id, psa_algorithm(kind), digest.data(), digest.size(), signature.data(), signature.size());
  psa_destroy_key(id);
  if (code != PSA_SUCCESS) return fail(status_of(code));
  return {};
}

std::size_t ecdsa_number_size(ByteView spki) {
  const auto key = read_key(spki);
  return key && key->curve != nullptr ? key->curve->number_size : 0;
}

Result<ByteView> ecdsa_raw_from_der(ByteView der, std::size_t number_size, MutableBytes out) {
  if (out.size() < 2 * number_size) return fail(Status::kTooLarge);
  DerReader outer(der);
  LATCHKEY_TRY(reader, outer.enter(kDerSequence));
  std::memset(out.data(), 0, 2 * number_size);
  for (std::size_t end = number_size; end <= 2 * number_size; end += number_size) {
    LATCHKEY_TRY(number, reader.next_magnitude());
    if (number.size() > number_size || number_size == 0) return fail(Status::kMalformed);
    std::memcpy(out.data() + end - number.size(), number.data(), number.size());
  }
  if (!reader.at_end() || !outer.at_end()) return fail(Status::kMalformed);
  return ByteView(out.data(), 2 * number_size);
}

}  // namespace latchkey::crypto
