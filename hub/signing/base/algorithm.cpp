// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/base/algorithm.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "hub/signing/base/der.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::signing {
namespace {

using EcdsaSignaturePtr = openssl::Owner<ECDSA_SIG, ECDSA_SIG_free>;
using DigestContextPtr = openssl::Owner<EVP_MD_CTX, EVP_MD_CTX_free>;

constexpr std::string_view kRsaEncryption = "1.2.840.113549.1.1.1";
constexpr std::string_view kRsaPss = "1.2.840.113549.1.1.10";
constexpr std::string_view kMgf1 = "1.2.840.113549.1.1.8";

constexpr std::array<AlgorithmFacts, 10> kAlgorithms = {{
    {Algorithm::kRs256, "RS256", Scheme::kPkcs1, Hash::kSha256, 0, -257},
    {Algorithm::kRs384, "RS384", Scheme::kPkcs1, Hash::kSha384, 0, -258},
    {Algorithm::kRs512, "RS512", Scheme::kPkcs1, Hash::kSha512, 0, -259},
    {Algorithm::kPs256, "PS256", Scheme::kPss, Hash::kSha256, 0, -37},
    {Algorithm::kPs384, "PS384", Scheme::kPss, Hash::kSha384, 0, -38},
    {Algorithm::kPs512, "PS512", Scheme::kPss, Hash::kSha512, 0, -39},
    {Algorithm::kEs256, "ES256", Scheme::kEcdsa, Hash::kSha256, NID_X9_62_prime256v1, -7},
    {Algorithm::kEs384, "ES384", Scheme::kEcdsa, Hash::kSha384, NID_secp384r1, -35},
    {Algorithm::kEs512, "ES512", Scheme::kEcdsa, Hash::kSha512, NID_secp521r1, -36},
    {Algorithm::kEs256k, "ES256K", Scheme::kEcdsa, Hash::kSha256, NID_secp256k1, -47},
}};

struct HashFacts {
  std::string_view name;
  std::size_t size;
  std::string_view oid;
  std::string_view ecdsa_oid;  // ecdsa-with-...
  std::string_view rsa_oid;    // shaXXXWithRSAEncryption, which some write where rsaEncryption belongs
};
constexpr std::array<HashFacts, 3> kHashes = {{
    {"SHA256", 32, "2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2", "1.2.840.113549.1.1.11"},
    {"SHA384", 48, "2.16.840.1.101.3.4.2.2", "1.2.840.10045.4.3.3", "1.2.840.113549.1.1.12"},
    {"SHA512", 64, "2.16.840.1.101.3.4.2.3", "1.2.840.10045.4.3.4", "1.2.840.113549.1.1.13"},
}};

const HashFacts& facts_of(Hash hash) { return kHashes[static_cast<std::size_t>(hash)]; }

int curve_of(EVP_PKEY* key) {
  char name[80];
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &size) != 1) return NID_undef;
  return OBJ_txt2nid(name);
}

bool fits(EVP_PKEY* key, const AlgorithmFacts& facts) {
  if (key == nullptr) return false;
  if (facts.scheme == Scheme::kEcdsa) return EVP_PKEY_is_a(key, "EC") == 1 && curve_of(key) == facts.curve_nid;
  return EVP_PKEY_is_a(key, "RSA") == 1;
}

bool set_scheme(EVP_PKEY_CTX* context, const AlgorithmFacts& facts, int salt) {
  if (EVP_PKEY_CTX_set_signature_md(context, message_digest(facts.hash)) != 1) return false;
  if (facts.scheme == Scheme::kPkcs1) return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  if (facts.scheme == Scheme::kEcdsa) return true;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) == 1;
}

int coordinate_size(const AlgorithmFacts& facts) {
  switch (facts.curve_nid) {
    case NID_secp384r1: return 48;
    case NID_secp521r1: return 66;
    default: return 32;
  }
}

// RSASSA-PSS-params (RFC 4055 section 3.1): the same hash throughout, the salt as long as it.
Bytes pss_parameters(Hash hash) {
  const Bytes digest = cms_digest_identifier(hash);
  const Bytes mask = der::sequence({der::oid(kMgf1), digest});
  return der::sequence({der::value(der::context(0), {digest}), der::value(der::context(1), {mask}),
                        der::value(der::context(2), {der::integer(digest_size(hash))})});
}

}  // namespace

const AlgorithmFacts& facts_of(Algorithm algorithm) { return kAlgorithms[static_cast<std::size_t>(algorithm)]; }

std::optional<Algorithm> algorithm_by_name(std::string_view name) {
  for (const AlgorithmFacts& facts : kAlgorithms) {
    if (facts.name == name) return facts.algorithm;
  }
  return std::nullopt;
}

std::optional<Algorithm> algorithm_by_cose_id(std::int64_t id) {
  for (const AlgorithmFacts& facts : kAlgorithms) {
    if (facts.cose_id == id) return facts.algorithm;
  }
  return std::nullopt;
}

std::optional<Algorithm> algorithm_for(EVP_PKEY* key, Hash hash) {
  for (const AlgorithmFacts& facts : kAlgorithms) {
    if (facts.hash == hash && facts.scheme != Scheme::kPss && fits(key, facts)) return facts.algorithm;
  }
  return std::nullopt;
}

std::size_t digest_size(Hash hash) { return facts_of(hash).size; }
std::string_view name_of(Hash hash) { return facts_of(hash).name; }
std::string_view oid_of(Hash hash) { return facts_of(hash).oid; }

const EVP_MD* message_digest(Hash hash) {
  switch (hash) {
    case Hash::kSha384: return EVP_sha384();
    case Hash::kSha512: return EVP_sha512();
    default: return EVP_sha256();
  }
}

std::optional<Hash> hash_by_oid(std::string_view dotted) {
  for (std::size_t i = 0; i < kHashes.size(); ++i) {
    if (kHashes[i].oid == dotted) return static_cast<Hash>(i);
  }
  return std::nullopt;
}

Bytes digest_of(Hash hash, ByteView message) { return digest_of(hash, {message}); }

Bytes digest_of(Hash hash, std::initializer_list<ByteView> parts) {
  const DigestContextPtr context(EVP_MD_CTX_new());
  Bytes digest(digest_size(hash));
  bool worked = context && EVP_DigestInit_ex(context.get(), message_digest(hash), nullptr) == 1;
  for (const ByteView part : parts) worked = worked && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  if (!worked || EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) digest.clear();
  return digest;
}

Outcome<PkeyContextPtr> signing_context(EVP_PKEY* key, Algorithm algorithm) {
  const AlgorithmFacts& facts = facts_of(algorithm);
  if (!fits(key, facts)) {
    return refuse(Status::kInvalidArgument, "the key is not one for " + std::string(facts.name));
  }
  PkeyContextPtr context(EVP_PKEY_CTX_new(key, nullptr));
  if (!context || EVP_PKEY_sign_init(context.get()) != 1 || !set_scheme(context.get(), facts, RSA_PSS_SALTLEN_DIGEST)) {
    return refuse(Status::kInternal, "signing: " + openssl::take_error());
  }
  return context;
}

Outcome<Bytes> sign_digest(EVP_PKEY_CTX* context, Algorithm algorithm, ByteView digest) {
  const AlgorithmFacts& facts = facts_of(algorithm);
  if (digest.size() != digest_size(facts.hash)) {
    return refuse(Status::kInvalidArgument, std::string(facts.name) + " signs a digest of " +
                                                std::to_string(digest_size(facts.hash)) + " bytes, not of " +
                                                std::to_string(digest.size()));
  }
  auto size = static_cast<std::size_t>(std::max(0, EVP_PKEY_get_size(EVP_PKEY_CTX_get0_pkey(context))));
  Bytes signature(size);
  if (EVP_PKEY_sign(context, signature.data(), &size, digest.data(), digest.size()) != 1) {
    return refuse(Status::kInternal, "signing: " + openssl::take_error());
  }
  signature.resize(size);
  return signature;
}

Outcome<Bytes> sign_digest(EVP_PKEY* key, Algorithm algorithm, ByteView digest) {
  LATCHKEY_TRY(context, signing_context(key, algorithm));
  return sign_digest(context.get(), algorithm, digest);
}

bool verify_digest(EVP_PKEY* key, Algorithm algorithm, ByteView digest, ByteView signature) {
  const AlgorithmFacts& facts = facts_of(algorithm);
  if (digest.size() != digest_size(facts.hash) || !fits(key, facts)) return false;
  const PkeyContextPtr context(EVP_PKEY_CTX_new(key, nullptr));
  const bool good =
      context && EVP_PKEY_verify_init(context.get()) == 1 && set_scheme(context.get(), facts, RSA_PSS_SALTLEN_DIGEST) &&
      EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.data(), digest.size()) == 1;
  if (!good) openssl::take_error();
  return good;
}

Outcome<Bytes> ecdsa_to_raw(Algorithm algorithm, ByteView der) {
  const int size = coordinate_size(facts_of(algorithm));
  const std::uint8_t* end = der.data();
  const EcdsaSignaturePtr pair(d2i_ECDSA_SIG(nullptr, &end, static_cast<long>(der.size())));
  Bytes raw(static_cast<std::size_t>(size) * 2);
  if (!pair || end != der.end() || BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), raw.data(), size) != size ||
      BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), raw.data() + size, size) != size) {
    openssl::take_error();
    return refuse(Status::kMalformed, "not an ECDSA signature of this curve");
  }
  return raw;
}

Outcome<Bytes> ecdsa_to_der(Algorithm algorithm, ByteView raw) {
  const int size = coordinate_size(facts_of(algorithm));
  if (raw.size() != static_cast<std::size_t>(size) * 2) {
    return refuse(Status::kMalformed, "not an ECDSA signature of this curve");
  }
  const EcdsaSignaturePtr pair(ECDSA_SIG_new());
  openssl::BignumPtr r(BN_bin2bn(raw.data(), size, nullptr));
  openssl::BignumPtr s(BN_bin2bn(raw.data() + size, size, nullptr));
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) {
    return refuse(Status::kInternal, openssl::take_error());
  }
  r.release();  // NOLINT: the pair owns both now
  s.release();  // NOLINT
  return openssl::to_der(i2d_ECDSA_SIG, pair.get());
}

Bytes cms_digest_identifier(Hash hash) { return der::sequence({der::oid(oid_of(hash)), der::null()}); }

Bytes cms_signature_identifier(Algorithm algorithm) {
  const AlgorithmFacts& facts = facts_of(algorithm);
  switch (facts.scheme) {
    case Scheme::kPkcs1: return der::sequence({der::oid(kRsaEncryption), der::null()});
    case Scheme::kPss: return der::sequence({der::oid(kRsaPss), pss_parameters(facts.hash)});
    default: return der::sequence({der::oid(facts_of(facts.hash).ecdsa_oid)});
  }
}

Outcome<Algorithm> algorithm_of_cms(ByteView signature_identifier, Hash hash, EVP_PKEY* key) {
  for (const AlgorithmFacts& facts : kAlgorithms) {
    if (facts.hash != hash || !fits(key, facts)) continue;
    if (ByteView(cms_signature_identifier(facts.algorithm)) == signature_identifier) return facts.algorithm;
    const Bytes with_hash = der::sequence({der::oid(facts_of(hash).rsa_oid), der::null()});
    if (facts.scheme == Scheme::kPkcs1 && ByteView(with_hash) == signature_identifier) return facts.algorithm;
  }
  return refuse(Status::kUnsupported, "a signature algorithm, hash and key that do not go together or are not taken");
}

Outcome<Hash> hash_of_cms(ByteView digest_identifier) {
  const auto malformed = refuse(Status::kMalformed, "a damaged digest algorithm");
  der::Reader outer(digest_identifier);
  const auto identifier = outer.next(der::kSequence);
  if (!identifier || !outer.at_end()) return malformed;
  der::Reader inner(identifier->content);
  const auto oid = inner.next_oid();
  if (!oid) return malformed;
  // Parameters: left out or NULL (RFC 5754 section 2).
  if (!inner.at_end() && (!inner.next(der::kNull) || !inner.at_end())) return malformed;
  const auto hash = hash_by_oid(*oid);
  if (!hash) return refuse(Status::kUnsupported, "the digest algorithm " + *oid + " is not taken");
  return *hash;
}

}  // namespace latchkey::hub::signing
