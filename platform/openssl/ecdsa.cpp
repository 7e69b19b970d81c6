// SPDX-License-Identifier: Apache-2.0
#include "platform/openssl/ecdsa.h"

#include "platform/openssl/certificate_builder.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::openssl {
namespace {

using MdPtr = Owner<EVP_MD, EVP_MD_free>;
using MdCtxPtr = Owner<EVP_MD_CTX, EVP_MD_CTX_free>;
using PkeyCtxPtr = Owner<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

// A context that has verified goes on verifying, by whatever point its key has at that time.
struct Kit {
  explicit Kit(const char* curve)
      : key(make_ec_key(curve)), context(key ? EVP_PKEY_CTX_new(key.get(), nullptr) : nullptr) {
    if (context && EVP_PKEY_verify_init(context.get()) != 1) context.reset();
  }
  PkeyPtr key;  // its private half is nobody's and verifies nothing
  PkeyCtxPtr context;
};

Kit& kit_of(EcCurve curve) {
  if (curve == EcCurve::kP384) {
    thread_local Kit p384("P-384");
    return p384;
  }
  thread_local Kit p256("P-256");
  return p256;
}

// Fetched once, as in digest.cpp, and never destroyed.
const EVP_MD* digest_of(EcHash hash) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  static const EVP_MD* const sha384 = EVP_MD_fetch(nullptr, "SHA2-384", nullptr);
  return hash == EcHash::kSha384 ? sha384 : sha256;
}

bool well_formed(EcCurve curve, ByteView point) {
  const std::size_t field = curve == EcCurve::kP384 ? 48 : 32;
  if (point.empty()) return false;
  if (point[0] == POINT_CONVERSION_UNCOMPRESSED) return point.size() == 1 + 2 * field;
  const bool compressed = point[0] == POINT_CONVERSION_COMPRESSED || point[0] == POINT_CONVERSION_COMPRESSED + 1;
  return compressed && point.size() == 1 + field;
}

}  // namespace

EcVerdict verify_ecdsa(EcCurve curve, ByteView point, EcHash hash, ByteView message, ByteView signature) {
  Kit& kit = kit_of(curve);
  const EVP_MD* algorithm = digest_of(hash);
  thread_local const MdCtxPtr hashing(EVP_MD_CTX_new());
  if (!kit.context || algorithm == nullptr || !hashing) return EcVerdict::kFailed;
  if (!well_formed(curve, point)) return EcVerdict::kBadKey;
  // Checks that the point lies on the curve; both curves have no others.
  if (EVP_PKEY_set1_encoded_public_key(kit.key.get(), point.data(), point.size()) != 1) return EcVerdict::kBadKey;
  std::uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_DigestInit_ex2(hashing.get(), algorithm, nullptr) != 1 ||
      EVP_DigestUpdate(hashing.get(), message.data(), message.size()) != 1 ||
      EVP_DigestFinal_ex(hashing.get(), digest, &size) != 1) {
    return EcVerdict::kFailed;
  }
  const bool good = EVP_PKEY_verify(kit.context.get(), signature.data(), signature.size(), digest, size) == 1;
  return good ? EcVerdict::kGood : EcVerdict::kWrongSignature;
}

}  // namespace latchkey::openssl
