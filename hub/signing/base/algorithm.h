// SPDX-License-Identifier: Apache-2.0
// The ten signature algorithms of the signing service (RFC 7518 section 3, RFC 8812), each made over a digest: who
// signs sees nothing else. Threads: any.
#pragma once

#include <openssl/types.h>

#include <optional>
#include <string_view>

#include "hub/signing/base/error.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::signing {

enum class Algorithm : std::uint8_t {
  kRs256,
  kRs384,
  kRs512,
  kPs256,
  kPs384,
  kPs512,
  kEs256,
  kEs384,
  kEs512,
  kEs256k,
};
enum class Hash : std::uint8_t { kSha256, kSha384, kSha512 };
enum class Scheme : std::uint8_t { kPkcs1, kPss, kEcdsa };

struct AlgorithmFacts {
  Algorithm algorithm;
  std::string_view name;  // "RS256"
  Scheme scheme;
  Hash hash;
  int curve_nid;  // 0 for RSA
  int cose_id;    // IANA "COSE Algorithms"
};
const AlgorithmFacts& facts_of(Algorithm algorithm);
std::optional<Algorithm> algorithm_by_name(std::string_view name);  // as it is spelt there
std::optional<Algorithm> algorithm_by_cose_id(std::int64_t id);
// What a key signs with, given the hash; nothing when they do not go together. For RSA: PKCS #1 v1.5.
std::optional<Algorithm> algorithm_for(EVP_PKEY* key, Hash hash);

std::size_t digest_size(Hash hash);
std::string_view name_of(Hash hash);      // "SHA256"
const EVP_MD* message_digest(Hash hash);  // of the whole process
std::string_view oid_of(Hash hash);       // dotted
std::optional<Hash> hash_by_oid(std::string_view dotted);
Bytes digest_of(Hash hash, ByteView message);
Bytes digest_of(Hash hash, std::initializer_list<ByteView> parts);  // one behind the other

// The signature over a digest; ECDSA's as DER of two integers (RFC 3279 section 2.2.3). kInvalidArgument: the digest's
// length is not the algorithm's, or the key is of another kind or curve.
Outcome<Bytes> sign_digest(EVP_PKEY* key, Algorithm algorithm, ByteView digest);
// The same in two steps, of which the first need not be done again for each digest (digest_signer.h). A context belongs
// to one thread at a time.
using PkeyContextPtr = openssl::Owner<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
Outcome<PkeyContextPtr> signing_context(EVP_PKEY* key, Algorithm algorithm);
Outcome<Bytes> sign_digest(EVP_PKEY_CTX* context, Algorithm algorithm, ByteView digest);
// False also for a key or a digest that does not fit. RSA-PSS: the salt is as long as the digest.
bool verify_digest(EVP_PKEY* key, Algorithm algorithm, ByteView digest, ByteView signature);

// ECDSA's two forms: DER, and the two numbers side by side (JOSE, COSE). kMalformed for what is not that form or does
// not fit the curve.
Outcome<Bytes> ecdsa_to_raw(Algorithm algorithm, ByteView der);
Outcome<Bytes> ecdsa_to_der(Algorithm algorithm, ByteView raw);

// AlgorithmIdentifier as CMS has it (RFC 5652 section 10.1): rsaEncryption, id-RSASSA-PSS with its parameters (RFC
// 4056), ecdsa-with-SHA2 (RFC 5754).
Bytes cms_signature_identifier(Algorithm algorithm);
Bytes cms_digest_identifier(Hash hash);
// The other way round, given the message digest's hash and the signer's key: kUnsupported for other algorithms, and for
// hashes that do not go together.
Outcome<Algorithm> algorithm_of_cms(ByteView signature_identifier, Hash hash, EVP_PKEY* key);
// kMalformed, kUnsupported.
Outcome<Hash> hash_of_cms(ByteView digest_identifier);

}  // namespace latchkey::hub::signing
