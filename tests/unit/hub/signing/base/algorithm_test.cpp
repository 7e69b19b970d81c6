// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/base/algorithm.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <map>
#include <memory>

#include "hub/signing/base/der.h"
#include "platform/openssl/certificate_builder.h"

namespace latchkey::hub::signing {
namespace {

constexpr Algorithm kAll[] = {Algorithm::kRs256, Algorithm::kRs384, Algorithm::kRs512, Algorithm::kPs256,
                              Algorithm::kPs384, Algorithm::kPs512, Algorithm::kEs256, Algorithm::kEs384,
                              Algorithm::kEs512, Algorithm::kEs256k};

// One key of each kind for all tests.
EVP_PKEY* key_for(Algorithm algorithm) {
  static std::map<int, openssl::PkeyPtr> keys;
  const int curve = facts_of(algorithm).curve_nid;
  openssl::PkeyPtr& key = keys[curve];
  if (!key) key.reset(curve == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen(OBJ_nid2sn(curve)));
  return key.get();
}

const std::string_view kMessage = "signed attributes";

class EveryAlgorithm : public testing::TestWithParam<Algorithm> {
 protected:
  Algorithm algorithm = GetParam();
  EVP_PKEY* key = key_for(algorithm);
  Bytes digest = digest_of(facts_of(algorithm).hash, ByteView(kMessage));
};

TEST_P(EveryAlgorithm, signs_a_digest_so_that_openssl_verifies_the_message) {
  const auto signature = sign_digest(key, algorithm, digest);
  ASSERT_TRUE(signature);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_PKEY_CTX* details = nullptr;
  ASSERT_EQ(EVP_DigestVerifyInit(context.get(), &details, message_digest(facts_of(algorithm).hash), nullptr, key), 1);
  if (facts_of(algorithm).scheme == Scheme::kPss) {
    ASSERT_EQ(EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING), 1);
    ASSERT_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST), 1);
  }
  EXPECT_EQ(EVP_DigestVerify(context.get(), signature->data(), signature->size(),
                             reinterpret_cast<const unsigned char*>(kMessage.data()), kMessage.size()),
            1);
}

TEST_P(EveryAlgorithm, verifies_its_signature_and_no_other) {
  Bytes signature = *sign_digest(key, algorithm, digest);
  EXPECT_TRUE(verify_digest(key, algorithm, digest, signature));
  Bytes other = digest;
  other[0] ^= 1;
  EXPECT_FALSE(verify_digest(key, algorithm, other, signature));
  signature.back() ^= 1;
  EXPECT_FALSE(verify_digest(key, algorithm, digest, signature));
  EXPECT_FALSE(verify_digest(key, algorithm, digest, {}));
}

TEST_P(EveryAlgorithm, refuses_every_other_length_of_digest) {
  for (std::size_t size = 0; size <= 65; ++size) {
    const auto signature = sign_digest(key, algorithm, Bytes(size, 7));
    if (size == digest.size()) {
      EXPECT_TRUE(signature);
    } else {
      ASSERT_FALSE(signature) << size;
      EXPECT_EQ(signature.error().status, Status::kInvalidArgument);
    }
    EXPECT_FALSE(size != digest.size() && verify_digest(key, algorithm, Bytes(size, 7), Bytes(64, 1)));
  }
}

TEST_P(EveryAlgorithm, refuses_keys_of_other_kinds_and_curves) {
  for (const Algorithm other : kAll) {
    if (facts_of(other).curve_nid == facts_of(algorithm).curve_nid) continue;
    const auto signature = sign_digest(key_for(other), algorithm, digest);
    ASSERT_FALSE(signature);
    EXPECT_EQ(signature.error().status, Status::kInvalidArgument);
  }
  EXPECT_FALSE(sign_digest(static_cast<EVP_PKEY*>(nullptr), algorithm, digest));
}

TEST_P(EveryAlgorithm, has_one_name_one_number_and_one_identifier) {
  EXPECT_EQ(algorithm_by_name(facts_of(algorithm).name), algorithm);
  EXPECT_EQ(algorithm_by_cose_id(facts_of(algorithm).cose_id), algorithm);
  const auto read = algorithm_of_cms(cms_signature_identifier(algorithm), facts_of(algorithm).hash, key);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, algorithm);
  EXPECT_EQ(*hash_of_cms(cms_digest_identifier(facts_of(algorithm).hash)), facts_of(algorithm).hash);
}

TEST_P(EveryAlgorithm, hash_and_identifier_have_to_go_together) {
  for (const Hash hash : {Hash::kSha256, Hash::kSha384, Hash::kSha512}) {
    const auto read = algorithm_of_cms(cms_signature_identifier(algorithm), hash, key);
    const bool own_hash = hash == facts_of(algorithm).hash;
    // rsaEncryption names no hash: the digest algorithm does.
    EXPECT_EQ(read.has_value(), own_hash || facts_of(algorithm).scheme == Scheme::kPkcs1);
  }
}

INSTANTIATE_TEST_SUITE_P(, EveryAlgorithm, testing::ValuesIn(kAll),
                         [](const auto& tested) { return std::string(facts_of(tested.param).name); });

TEST(Algorithms, have_no_other_names) {
  for (const char* name : {"", "rs256", "RS257", "ES256k", "HS256", "none", "RS256 "}) {
    EXPECT_FALSE(algorithm_by_name(name)) << name;
  }
  EXPECT_FALSE(algorithm_by_cose_id(0));
  EXPECT_FALSE(algorithm_by_cose_id(-8));  // EdDSA
}

TEST(Ecdsa, raw_form_and_der_are_the_same_two_numbers) {
  for (const Algorithm algorithm : {Algorithm::kEs256, Algorithm::kEs384, Algorithm::kEs512, Algorithm::kEs256k}) {
    const Bytes der = *sign_digest(key_for(algorithm), algorithm, Bytes(digest_size(facts_of(algorithm).hash), 3));
    const auto raw = ecdsa_to_raw(algorithm, der);
    ASSERT_TRUE(raw);
    EXPECT_EQ(*ecdsa_to_der(algorithm, *raw), der);
    EXPECT_FALSE(ecdsa_to_der(algorithm, Bytes(raw->size() - 1)));
    Bytes longer = der;
    longer.push_back(0);
    EXPECT_FALSE(ecdsa_to_raw(algorithm, longer));
  }
  const Bytes large = *sign_digest(key_for(Algorithm::kEs384), Algorithm::kEs384, Bytes(48, 3));
  EXPECT_FALSE(ecdsa_to_raw(Algorithm::kEs256, large));
}

TEST(CmsIdentifiers, damaged_or_unknown_ones_are_refused) {
  EXPECT_EQ(hash_of_cms({}).error().status, Status::kMalformed);
  const Bytes sha1 = der::sequence({der::oid("1.3.14.3.2.26"), der::null()});
  EXPECT_EQ(hash_of_cms(sha1).error().status, Status::kUnsupported);
  const Bytes odd = der::sequence({der::oid("2.16.840.1.101.3.4.2.1"), der::integer(1)});
  EXPECT_EQ(hash_of_cms(odd).error().status, Status::kMalformed);
  EXPECT_EQ(algorithm_of_cms(Bytes{0x30, 0x00}, Hash::kSha256, key_for(Algorithm::kRs256)).error().status,
            Status::kUnsupported);
}

}  // namespace
}  // namespace latchkey::hub::signing
