// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/signature/signed_data.h"

#include <gtest/gtest.h>
#include <openssl/cms.h>

#include <algorithm>

#include "hub/signing/base/der.h"
#include "tests/unit/hub/signing/world.h"

namespace latchkey::hub::signing::test {
namespace {

using CmsPtr = openssl::Owner<CMS_ContentInfo, CMS_ContentInfo_free>;

const ByteView kFile = text("firmware 1.2.0");
const ContentDigest kDigest = [](Hash hash) { return digest_of(hash, kFile); };

// OpenSSL's own verdict on signature and content; chains are not its question here.
bool openssl_verifies(ByteView signature, ByteView content) {
  const std::uint8_t* end = signature.data();
  const CmsPtr cms(d2i_CMS_ContentInfo(nullptr, &end, static_cast<long>(signature.size())));
  const openssl::BioPtr data(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
  const bool good =
      cms && CMS_verify(cms.get(), nullptr, nullptr, data.get(), nullptr, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1;
  openssl::take_error();
  return good;
}

struct Kind {
  const char* name;
  const char* curve;  // null: RSA
  Algorithm algorithm;
};
class Detached : public testing::TestWithParam<Kind> {};

TEST_P(Detached, is_what_openssl_verifies) {
  World world;
  const Kind& kind = GetParam();
  const Certified leaf =
      world.leaf(ProfileType::kPublicTrust, kStart, kind.curve == nullptr ? rsa_key(2048) : ec_key(kind.curve));
  const Bytes bare = world.sign(leaf, kFile, kind.algorithm);
  EXPECT_TRUE(openssl_verifies(bare, kFile));
  EXPECT_FALSE(openssl_verifies(bare, text("firmware 1.2.1")));
  const Bytes stamped = world.stamp(bare, kStart + kHour);
  EXPECT_TRUE(openssl_verifies(stamped, kFile));
  const auto read = read_detached(stamped, kDigest);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->algorithm, kind.algorithm);
  EXPECT_TRUE(read->content_matches);
  EXPECT_FALSE(read->token.empty());
  EXPECT_TRUE(verify_digest(X509_get0_pubkey(read->signer.get()), read->algorithm, read->digest, read->signature));
}

INSTANTIATE_TEST_SUITE_P(
    , Detached,
    testing::Values(Kind{"RS256", nullptr, Algorithm::kRs256}, Kind{"RS384", nullptr, Algorithm::kRs384},
                    Kind{"RS512", nullptr, Algorithm::kRs512}, Kind{"PS256", nullptr, Algorithm::kPs256},
                    Kind{"PS384", nullptr, Algorithm::kPs384}, Kind{"PS512", nullptr, Algorithm::kPs512},
                    Kind{"ES256", "P-256", Algorithm::kEs256}, Kind{"ES384", "P-384", Algorithm::kEs384},
                    Kind{"ES512", "P-521", Algorithm::kEs512}),
    [](const auto& tested) { return std::string(tested.param.name); });

class SignedDataTest : public testing::Test {
 protected:
  Status status_of(ByteView given) {
    const auto read = read_detached(given, kDigest);
    return read ? Status::kOk : read.error().status;
  }
  World world;
  Certified leaf = world.leaf();
  Bytes signature = world.stamp(world.sign(leaf, kFile), kStart + kHour);
};

// What OpenSSL signs by itself, the key at hand, is read alike.
TEST_F(SignedDataTest, openssls_own_signature_is_read) {
  const openssl::BioPtr data(BIO_new_mem_buf(kFile.data(), static_cast<int>(kFile.size())));
  const CmsPtr cms(CMS_sign(leaf.x509(), leaf.key.get(), nullptr, data.get(), CMS_BINARY | CMS_DETACHED));
  ASSERT_TRUE(cms);
  const auto read = read_detached(openssl::to_der(i2d_CMS_ContentInfo, cms.get()), kDigest);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_TRUE(read->content_matches);
  EXPECT_TRUE(verify_digest(X509_get0_pubkey(read->signer.get()), read->algorithm, read->digest, read->signature));
}

TEST_F(SignedDataTest, openssls_own_signature_by_key_id_is_read) {
  const openssl::BioPtr data(BIO_new_mem_buf(kFile.data(), static_cast<int>(kFile.size())));
  const CmsPtr cms(
      CMS_sign(leaf.x509(), leaf.key.get(), nullptr, data.get(), CMS_BINARY | CMS_DETACHED | CMS_USE_KEYID));
  ASSERT_TRUE(cms);
  EXPECT_TRUE(read_detached(openssl::to_der(i2d_CMS_ContentInfo, cms.get()), kDigest));
}

TEST_F(SignedDataTest, content_that_came_along_is_no_detached_signature) {
  const openssl::BioPtr data(BIO_new_mem_buf(kFile.data(), static_cast<int>(kFile.size())));
  const CmsPtr cms(CMS_sign(leaf.x509(), leaf.key.get(), nullptr, data.get(), CMS_BINARY));
  ASSERT_TRUE(cms);
  EXPECT_EQ(status_of(openssl::to_der(i2d_CMS_ContentInfo, cms.get())), Status::kMalformed);
}

TEST_F(SignedDataTest, without_signed_attributes_it_is_not_taken) {
  const openssl::BioPtr data(BIO_new_mem_buf(kFile.data(), static_cast<int>(kFile.size())));
  const CmsPtr cms(CMS_sign(leaf.x509(), leaf.key.get(), nullptr, data.get(), CMS_BINARY | CMS_DETACHED | CMS_NOATTR));
  ASSERT_TRUE(cms);
  EXPECT_EQ(status_of(openssl::to_der(i2d_CMS_ContentInfo, cms.get())), Status::kUnsupported);
}

TEST_F(SignedDataTest, with_two_signers_it_is_not_taken) {
  const Certified other = world.leaf();
  const openssl::BioPtr data(BIO_new_mem_buf(kFile.data(), static_cast<int>(kFile.size())));
  const unsigned flags = CMS_BINARY | CMS_DETACHED | CMS_PARTIAL;
  const CmsPtr cms(CMS_sign(leaf.x509(), leaf.key.get(), nullptr, data.get(), flags));
  ASSERT_TRUE(cms);
  ASSERT_NE(CMS_add1_signer(cms.get(), other.x509(), other.key.get(), nullptr, flags), nullptr);
  ASSERT_EQ(CMS_final(cms.get(), data.get(), nullptr, flags), 1);
  EXPECT_EQ(status_of(openssl::to_der(i2d_CMS_ContentInfo, cms.get())), Status::kUnsupported);
}

TEST_F(SignedDataTest, without_the_signers_certificate_it_is_not_taken) {
  const openssl::BioPtr data(BIO_new_mem_buf(kFile.data(), static_cast<int>(kFile.size())));
  const CmsPtr cms(CMS_sign(leaf.x509(), leaf.key.get(), nullptr, data.get(), CMS_BINARY | CMS_DETACHED | CMS_NOCERTS));
  ASSERT_TRUE(cms);
  EXPECT_EQ(status_of(openssl::to_der(i2d_CMS_ContentInfo, cms.get())), Status::kMalformed);
}

TEST_F(SignedDataTest, cut_off_at_every_length_is_refused) {
  for (std::size_t size = 0; size < signature.size(); ++size) {
    EXPECT_EQ(status_of(ByteView(signature.data(), size)), Status::kMalformed) << size;
  }
  Bytes longer = signature;
  longer.push_back(0);
  EXPECT_EQ(status_of(longer), Status::kMalformed);
}

TEST_F(SignedDataTest, too_much_is_refused) {
  EXPECT_EQ(status_of(Bytes(kSignatureMax + 1, 0x30)), Status::kTooLarge);
  const Draft draft = draft_detached(Algorithm::kEs256, digest_of(Hash::kSha256, kFile));
  const Bytes raw = *sign_digest(leaf.key.get(), Algorithm::kEs256, draft.digest());
  EXPECT_TRUE(draft.finish(raw, std::vector<X509*>(kCertificatesMax, leaf.x509())));
  EXPECT_EQ(draft.finish(raw, std::vector<X509*>(kCertificatesMax + 1, leaf.x509())).error().status,
            Status::kInvalidArgument);
  EXPECT_EQ(draft.finish(raw, {}).error().status, Status::kInvalidArgument);
}

TEST_F(SignedDataTest, a_digest_of_another_length_is_refused) {
  for (const std::size_t size : {0, 20, 31, 33, 48, 64}) {
    const Draft draft = draft_detached(Algorithm::kEs256, Bytes(size));
    const Bytes raw = *sign_digest(leaf.key.get(), Algorithm::kEs256, draft.digest());
    EXPECT_EQ(draft.finish(raw, {leaf.x509()}).error().status, Status::kInvalidArgument) << size;
  }
}

TEST_F(SignedDataTest, a_signature_by_another_key_or_over_another_digest_is_not_attached) {
  const Certified other = world.leaf();
  const Draft draft = draft_detached(Algorithm::kEs256, digest_of(Hash::kSha256, kFile));
  const Bytes theirs = *sign_digest(other.key.get(), Algorithm::kEs256, draft.digest());
  const Bytes zeros = *sign_digest(leaf.key.get(), Algorithm::kEs256, Bytes(32));
  EXPECT_EQ(draft.finish(theirs, {leaf.x509()}).error().status, Status::kMismatch);
  EXPECT_EQ(draft.finish(zeros, {leaf.x509()}).error().status, Status::kMismatch);
  EXPECT_EQ(draft.finish({}, {leaf.x509()}).error().status, Status::kMismatch);
}

// Two digests among the signed attributes: which of them was meant?
TEST_F(SignedDataTest, an_attribute_twice_is_refused) {
  constexpr std::string_view kMessageDigest = "1.2.840.113549.1.9.4";
  SignedContent content;
  content.digest = digest_of(Hash::kSha256, kFile);
  const Draft draft(content, Algorithm::kEs256, {attribute(kMessageDigest, der::octet_string(Bytes(32)))});
  const Bytes twice = *draft.finish(*sign_digest(leaf.key.get(), Algorithm::kEs256, draft.digest()), {leaf.x509()});
  EXPECT_EQ(status_of(twice), Status::kMalformed);
}

// Signed as one type of content and shown as another.
TEST_F(SignedDataTest, another_content_type_than_was_signed_is_refused) {
  SignedContent content;
  content.type = "1.2.840.113549.1.7.5";
  content.digest = digest_of(Hash::kSha256, kFile);
  const Draft draft(content, Algorithm::kEs256);
  Bytes shown = *draft.finish(*sign_digest(leaf.key.get(), Algorithm::kEs256, draft.digest()), {leaf.x509()});
  const Bytes signed_type = der::oid(content.type);
  const Bytes data = der::oid(kDataType);
  ASSERT_EQ(signed_type.size(), data.size());
  const auto first = std::search(shown.begin(), shown.end(), signed_type.begin(), signed_type.end());
  ASSERT_NE(first, shown.end());
  std::copy(data.begin(), data.end(), first);
  EXPECT_EQ(status_of(shown), Status::kMalformed);
}

TEST_F(SignedDataTest, takes_one_timestamp) {
  const Bytes token = world.token(read_signed_data(signature)->evidence.stamped, kStart);
  EXPECT_EQ(stamp_detached(signature, token).error().status, Status::kRefused);
  EXPECT_EQ(with_timestamp(signature, kAuthenticodeTimestamp, token).error().status, Status::kRefused);
}

TEST_F(SignedDataTest, a_timestamp_changes_nothing_that_was_signed) {
  const Bytes bare = world.sign(leaf, kFile);
  const auto before = read_signed_data(bare);
  const auto after = read_signed_data(world.stamp(bare, kStart));
  EXPECT_EQ(before->evidence.digest, after->evidence.digest);
  EXPECT_EQ(before->evidence.signature, after->evidence.signature);
}

// One bit at every byte, a year later: refused, or still the same signer, content and time.
TEST_F(SignedDataTest, with_a_flipped_bit_never_vouches_for_anything_else) {
  const RevocationLists lists = world.lists();
  const Trust trust = world.trust(lists);
  std::size_t valid = 0;
  for (std::size_t i = 0; i < signature.size(); ++i) {
    Bytes flipped = signature;
    flipped[i] ^= static_cast<std::uint8_t>(1U << i % 8);
    const Verdict verdict = judge_detached(flipped, kFile, trust, kStart + 365 * kDay);
    if (!verdict.valid) continue;
    ++valid;
    ASSERT_TRUE(verdict.timestamp) << i;
    EXPECT_EQ(verdict.timestamp->at, kStart + kHour) << i;
    EXPECT_EQ(verdict.signer, subject_of(leaf.x509())) << i;
  }
  EXPECT_LT(valid, signature.size() / 20);  // versions and the like, which nothing covers
}

}  // namespace
}  // namespace latchkey::hub::signing::test
