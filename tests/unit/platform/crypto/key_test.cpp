// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/key.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/platform/test_certificates.h"

namespace latchkey::crypto {
namespace {

class Key : public testing::TestWithParam<Curve> {
 protected:
  void SetUp() override { ASSERT_TRUE(init()); }
};

TEST_P(Key, has_the_size_that_is_stored) {
  DeviceKey key;
  ASSERT_TRUE(generate_key(GetParam(), key));
  EXPECT_EQ(key.size, GetParam() == Curve::kP256 ? 121u : 167u);
  EXPECT_EQ(key.curve, GetParam());
  EXPECT_EQ(key.point().size(), GetParam() == Curve::kP256 ? 65u : 97u);
  EXPECT_EQ(key.point()[0], 4);
}

TEST_P(Key, is_a_valid_pair_to_openssl_and_comes_back_byte_for_byte) {
  DeviceKey key;
  ASSERT_TRUE(generate_key(GetParam(), key));
  const test::Pkey read = test::read_key(key.der());
  std::unique_ptr<EVP_PKEY_CTX, test::Freer<EVP_PKEY_CTX_free>> context(EVP_PKEY_CTX_new(read.get(), nullptr));
  EXPECT_EQ(EVP_PKEY_check(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_bits(read.get()), GetParam() == Curve::kP256 ? 256 : 384);
  unsigned char* der = nullptr;
  const int size = i2d_PrivateKey(read.get(), &der);
  ASSERT_GT(size, 0);
  EXPECT_EQ(ByteView(der, static_cast<std::size_t>(size)), key.der());
  OPENSSL_free(der);
}

TEST_P(Key, is_never_the_same_twice) {
  DeviceKey one, other;
  ASSERT_TRUE(generate_key(GetParam(), one));
  ASSERT_TRUE(generate_key(GetParam(), other));
  EXPECT_NE(one.der(), other.der());
}

TEST_P(Key, is_loaded_from_what_was_stored) {
  DeviceKey key, loaded;
  ASSERT_TRUE(generate_key(GetParam(), key));
  ASSERT_TRUE(load_key(key.der(), loaded));
  EXPECT_EQ(loaded.der(), key.der());
  EXPECT_EQ(loaded.curve, GetParam());
}

TEST_P(Key, of_openssl_is_loaded) {
  const test::Pkey made = test::make_ec_key(GetParam() == Curve::kP256 ? "P-256" : "P-384");
  unsigned char* der = nullptr;
  const int size = i2d_PrivateKey(made.get(), &der);
  DeviceKey loaded;
  EXPECT_TRUE(load_key(ByteView(der, static_cast<std::size_t>(size)), loaded));
  OPENSSL_free(der);
}

TEST_P(Key, with_any_byte_changed_is_refused) {
  DeviceKey key;
  ASSERT_TRUE(generate_key(GetParam(), key));
  for (std::size_t i = 0; i < key.size; ++i) {
    std::vector<std::uint8_t> damaged(key.der().begin(), key.der().end());
    damaged[i] ^= 1;
    DeviceKey loaded;
    const auto result = load_key(ByteView(damaged), loaded);
    ASSERT_FALSE(result) << "byte " << i;
    EXPECT_TRUE(result.error() == Status::kMalformed || result.error() == Status::kMismatch) << "byte " << i;
    EXPECT_TRUE(loaded.empty());
  }
}

TEST_P(Key, cut_short_or_with_something_behind_is_malformed) {
  DeviceKey key, loaded;
  ASSERT_TRUE(generate_key(GetParam(), key));
  EXPECT_EQ(load_key(key.der().subview(0, key.size - 1), loaded).error(), Status::kMalformed);
  std::vector<std::uint8_t> longer(key.der().begin(), key.der().end());
  longer.push_back(0);
  EXPECT_EQ(load_key(ByteView(longer), loaded).error(), Status::kMalformed);
  EXPECT_EQ(load_key({}, loaded).error(), Status::kMalformed);
}

TEST_P(Key, leaves_nothing_behind_when_moved_or_cleared) {
  DeviceKey key;
  ASSERT_TRUE(generate_key(GetParam(), key));
  DeviceKey moved(std::move(key));
  EXPECT_FALSE(moved.empty());
  EXPECT_TRUE(key.empty());  // NOLINT: what a moved-from key holds is the point
  for (const std::uint8_t byte : key.bytes) ASSERT_EQ(byte, 0);
  moved.clear();
  for (const std::uint8_t byte : moved.bytes) ASSERT_EQ(byte, 0);
  EXPECT_TRUE(moved.point().empty());
}

INSTANTIATE_TEST_SUITE_P(Curves, Key, testing::Values(Curve::kP256, Curve::kP384),
                         [](const auto& curve) { return std::string(curve.param == Curve::kP256 ? "p256" : "p384"); });

TEST(KeyForm, zero_scalar_is_refused) {
  ASSERT_TRUE(init());
  DeviceKey key, loaded;
  ASSERT_TRUE(generate_key(Curve::kP256, key));
  std::vector<std::uint8_t> zero(key.der().begin(), key.der().end());
  std::fill_n(zero.begin() + 7, 32, 0);
  EXPECT_EQ(load_key(ByteView(zero), loaded).error(), Status::kMismatch);
}

}  // namespace
}  // namespace latchkey::crypto
