// SPDX-License-Identifier: Apache-2.0
// Signatures are made by OpenSSL's EVP_DigestSign; each is then shown whole, and spoilt.
#include "platform/openssl/ecdsa.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "platform/openssl/certificate_builder.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::openssl {
namespace {

using Octets = std::vector<std::uint8_t>;

struct Signer {
  explicit Signer(const char* curve) : key(make_ec_key(curve)) {
    unsigned char* encoded = nullptr;
    const auto size = EVP_PKEY_get1_encoded_public_key(key.get(), &encoded);
    point.assign(encoded, encoded + size);
    OPENSSL_free(encoded);
  }
  Octets sign(const EVP_MD* hash, const Octets& message) const {
    const Owner<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    Octets signature(256);
    std::size_t size = signature.size();
    EXPECT_EQ(EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, key.get()), 1);
    EXPECT_EQ(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()), 1);
    signature.resize(size);
    return signature;
  }
  PkeyPtr key;
  Octets point;
};

const Octets kMessage = {'a', ' ', 'r', 'e', 'q', 'u', 'e', 's', 't'};

class EcdsaTest : public ::testing::Test {
 protected:
  void TearDown() override { take_error(); }
  const Signer p256_{"P-256"};
  const Signer p384_{"P-384"};
};

TEST_F(EcdsaTest, good_signatures_of_both_curves_and_hashes) {
  const auto sha256 = p256_.sign(EVP_sha256(), kMessage);
  EXPECT_EQ(verify_ecdsa(EcCurve::kP256, p256_.point, EcHash::kSha256, kMessage, sha256), EcVerdict::kGood);
  const auto short_hash = p384_.sign(EVP_sha256(), kMessage);
  EXPECT_EQ(verify_ecdsa(EcCurve::kP384, p384_.point, EcHash::kSha256, kMessage, short_hash), EcVerdict::kGood);
  const auto sha384 = p384_.sign(EVP_sha384(), kMessage);
  EXPECT_EQ(verify_ecdsa(EcCurve::kP384, p384_.point, EcHash::kSha384, kMessage, sha384), EcVerdict::kGood);
}

TEST_F(EcdsaTest, every_octet_of_the_signature_counts) {
  const auto signature = p256_.sign(EVP_sha256(), kMessage);
  for (std::size_t i = 0; i < signature.size(); ++i) {
    auto spoilt = signature;
    spoilt[i] ^= 0x01;
    EXPECT_EQ(verify_ecdsa(EcCurve::kP256, p256_.point, EcHash::kSha256, kMessage, spoilt), EcVerdict::kWrongSignature)
        << i;
  }
  auto longer = signature;
  longer.push_back(0);
  EXPECT_EQ(verify_ecdsa(EcCurve::kP256, p256_.point, EcHash::kSha256, kMessage, longer), EcVerdict::kWrongSignature);
  EXPECT_EQ(verify_ecdsa(EcCurve::kP256, p256_.point, EcHash::kSha256, kMessage, Octets()), EcVerdict::kWrongSignature);
}

TEST_F(EcdsaTest, other_message_other_hash_and_other_key_are_wrong) {
  const auto signature = p256_.sign(EVP_sha256(), kMessage);
  auto other = kMessage;
  other.back() ^= 0x01;
  EXPECT_EQ(verify_ecdsa(EcCurve::kP256, p256_.point, EcHash::kSha256, other, signature), EcVerdict::kWrongSignature);
  EXPECT_EQ(verify_ecdsa(EcCurve::kP256, p256_.point, EcHash::kSha384, kMessage, signature),
            EcVerdict::kWrongSignature);
  EXPECT_EQ(verify_ecdsa(EcCurve::kP256, Signer("P-256").point, EcHash::kSha256, kMessage, signature),
            EcVerdict::kWrongSignature);
}

// The key that a thread keeps must not stand in for one that could not be taken.
TEST_F(EcdsaTest, a_point_that_cannot_be_taken_is_a_bad_key_whatever_was_verified_before) {
  const auto signature = p256_.sign(EVP_sha256(), kMessage);
  ASSERT_EQ(verify_ecdsa(EcCurve::kP256, p256_.point, EcHash::kSha256, kMessage, signature), EcVerdict::kGood);
  auto cut = p256_.point;
  cut.pop_back();
  auto off_curve = cut;
  off_curve.push_back(p256_.point.back() ^ 0x01);
  auto hybrid = p256_.point;
  hybrid[0] = static_cast<std::uint8_t>(6 + (hybrid.back() & 1));
  for (const Octets& bad : {off_curve, cut, hybrid, Octets{0}, Octets(), p384_.point}) {
    EXPECT_EQ(verify_ecdsa(EcCurve::kP256, bad, EcHash::kSha256, kMessage, signature), EcVerdict::kBadKey);
  }
  EXPECT_EQ(verify_ecdsa(EcCurve::kP256, p256_.point, EcHash::kSha256, kMessage, signature), EcVerdict::kGood);
}

TEST_F(EcdsaTest, compressed_points_are_taken) {
  const auto signature = p256_.sign(EVP_sha256(), kMessage);
  Octets compressed(p256_.point.begin(), p256_.point.begin() + 33);
  compressed[0] = static_cast<std::uint8_t>(2 + (p256_.point.back() & 1));
  EXPECT_EQ(verify_ecdsa(EcCurve::kP256, compressed, EcHash::kSha256, kMessage, signature), EcVerdict::kGood);
  compressed[0] ^= 0x01;  // the other point of that abscissa
  EXPECT_EQ(verify_ecdsa(EcCurve::kP256, compressed, EcHash::kSha256, kMessage, signature), EcVerdict::kWrongSignature);
}

TEST_F(EcdsaTest, threads_do_not_share_keys) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(8, 0);
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&wrong, i] {
      const Signer mine("P-256");
      const auto signature = mine.sign(EVP_sha256(), kMessage);
      for (int k = 0; k < 50; ++k) {
        wrong[i] += verify_ecdsa(EcCurve::kP256, mine.point, EcHash::kSha256, kMessage, signature) != EcVerdict::kGood;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(8, 0));
}

}  // namespace
}  // namespace latchkey::openssl
