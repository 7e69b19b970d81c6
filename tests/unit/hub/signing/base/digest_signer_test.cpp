// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/base/digest_signer.h"

#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include <atomic>
#include <set>
#include <thread>

namespace latchkey::hub::signing {
namespace {

std::shared_ptr<EVP_PKEY> shared(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }
Bytes digest_for(Algorithm algorithm, std::uint8_t filler) {
  return Bytes(digest_size(facts_of(algorithm).hash), filler);
}

TEST(DigestSigner, signs_one_digest_after_the_other_by_each_algorithm_in_turn) {
  const auto key = shared(EVP_RSA_gen(2048));
  const DigestSigner signer(key);
  for (std::uint8_t round = 0; round < 3; ++round) {
    for (const auto algorithm : {Algorithm::kRs256, Algorithm::kPs256, Algorithm::kRs512, Algorithm::kPs384}) {
      const auto digest = digest_for(algorithm, round);
      const auto signature = signer.sign(algorithm, digest);
      ASSERT_TRUE(signature);
      EXPECT_TRUE(verify_digest(key.get(), algorithm, digest, *signature)) << facts_of(algorithm).name;
    }
  }
}

TEST(DigestSigner, no_two_ecdsa_signatures_of_a_digest_share_a_number) {
  const auto key = shared(EVP_EC_gen("P-256"));
  const DigestSigner signer(key);
  const auto digest = digest_for(Algorithm::kEs256, 7);
  std::set<Bytes> first_numbers;
  for (int i = 0; i < 50; ++i) {
    const auto raw = ecdsa_to_raw(Algorithm::kEs256, *signer.sign(Algorithm::kEs256, digest));
    ASSERT_TRUE(raw);
    first_numbers.insert(Bytes(raw->begin(), raw->begin() + 32));
  }
  EXPECT_EQ(first_numbers.size(), 50U);
}

TEST(DigestSigner, refuses_what_does_not_fit_and_signs_on) {
  const auto key = shared(EVP_EC_gen("P-256"));
  const DigestSigner signer(key);
  const auto digest = digest_for(Algorithm::kEs256, 1);
  ASSERT_TRUE(signer.sign(Algorithm::kEs256, digest));
  for (const std::size_t size : {0U, 20U, 31U, 33U, 64U}) {
    const auto refused = signer.sign(Algorithm::kEs256, Bytes(size, 1));
    ASSERT_FALSE(refused) << size;
    EXPECT_EQ(refused.error().status, Status::kInvalidArgument);
  }
  for (const auto other : {Algorithm::kRs256, Algorithm::kEs384, Algorithm::kEs256k}) {
    const auto refused = signer.sign(other, digest_for(other, 1));
    ASSERT_FALSE(refused) << facts_of(other).name;
    EXPECT_EQ(refused.error().status, Status::kInvalidArgument);
  }
  const auto signature = signer.sign(Algorithm::kEs256, digest);
  ASSERT_TRUE(signature);
  EXPECT_TRUE(verify_digest(key.get(), Algorithm::kEs256, digest, *signature));
}

TEST(DigestSigner, threads_sign_at_once) {
  const auto key = shared(EVP_EC_gen("P-256"));
  const DigestSigner signer(key);
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (std::uint8_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (std::uint8_t round = 0; round < 25; ++round) {
        const Bytes digest(32, static_cast<std::uint8_t>(i * 25 + round));
        const auto signature = signer.sign(Algorithm::kEs256, digest);
        if (signature && verify_digest(key.get(), Algorithm::kEs256, digest, *signature)) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 100);
}

}  // namespace
}  // namespace latchkey::hub::signing
