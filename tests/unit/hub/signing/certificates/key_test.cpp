// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/certificates/key.h"

#include <gtest/gtest.h>

#include "hub/signing/base/algorithm.h"

namespace latchkey::hub::signing {
namespace {

TEST(Keys, are_rsa_3072_unless_asked_for_others) {
  const auto usual = make_key();
  ASSERT_TRUE(usual);
  EXPECT_EQ(EVP_PKEY_is_a(usual.get(), "RSA"), 1);
  EXPECT_EQ(EVP_PKEY_get_bits(usual.get()), 3072);
  EXPECT_EQ(algorithm_for(make_key(KeyKind::kEcP256).get(), Hash::kSha256), Algorithm::kEs256);
  EXPECT_EQ(algorithm_for(make_key(KeyKind::kEcP384).get(), Hash::kSha384), Algorithm::kEs384);
  EXPECT_EQ(algorithm_for(make_key(KeyKind::kEcP521).get(), Hash::kSha512), Algorithm::kEs512);
}

TEST(Keys, have_names) {
  for (const KeyKind kind :
       {KeyKind::kRsa3072, KeyKind::kEcP256, KeyKind::kEcP384, KeyKind::kEcP521, KeyKind::kEcSecp256k1}) {
    EXPECT_EQ(key_kind_by_name(name_of(kind)), kind);
  }
  for (const char* name : {"", "rsa", "RSA-3072", "rsa-2048", "ec-p224"}) EXPECT_FALSE(key_kind_by_name(name)) << name;
}

}  // namespace
}  // namespace latchkey::hub::signing
