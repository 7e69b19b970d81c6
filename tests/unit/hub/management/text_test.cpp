// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/text.h"

#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

TEST(Text, certificate_survives_the_way_through_der) {
  const auto pem = certificate_pem(Kind::kLeaf);
  const auto der = der_from_pem(pem, CertificateUse::kLeaf, "x");
  ASSERT_TRUE(der);
  EXPECT_EQ(pem_from_der(*der), pem);
  EXPECT_EQ(facts_of(*der).subject, "CN=pump-7");
  EXPECT_EQ(facts_of(*der).not_after - facts_of(*der).not_before, 3'600'000);
  EXPECT_EQ(sha256_thumbprint(*der).size(), 64u);
}

TEST(Text, bytes_that_are_no_certificate_have_no_facts) {
  const auto facts = facts_of(registry::Bytes{0x30, 1, 2});
  EXPECT_EQ(facts.subject, "");
  EXPECT_EQ(facts.not_after, 0);
}

TEST(Text, base64_is_strict) {
  EXPECT_EQ(*from_base64("AAE=", "x"), (registry::Bytes{0, 1}));
  EXPECT_EQ(base64(registry::Bytes{0, 1}), "AAE=");
  for (const char* text : {"AAE", "AAE=\n", " AAE=", "AAF=", "A-E=", "===="})
    EXPECT_FALSE(from_base64(text, "x")) << text;
}

}  // namespace
}  // namespace latchkey::hub::management
