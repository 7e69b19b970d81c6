// SPDX-License-Identifier: Apache-2.0
#include "platform/openssl/pem.h"

#include <gtest/gtest.h>

#include <string>

#include "platform/openssl/certificate_builder.h"

namespace latchkey::openssl {
namespace {

TEST(PemTest, keys_survive_and_junk_is_none) {
  const PkeyPtr key = make_ec_key("P-384");
  ASSERT_TRUE(key);
  const PkeyPtr again = key_from_pem(key_to_pem(key.get()));
  ASSERT_TRUE(again);
  EXPECT_EQ(EVP_PKEY_eq(key.get(), again.get()), 1);
  EXPECT_FALSE(key_from_pem(std::string("junk")));
  EXPECT_FALSE(certificate_from_pem(std::string("junk")));
  EXPECT_FALSE(make_ec_key("P-000"));
}

TEST(CertificateBuilderTest, failed_step_yields_no_certificate) {
  const PkeyPtr key = make_ec_key("P-256");
  const std::vector<std::uint8_t> serial{1};
  const auto complete = [&](CertificateBuilder& builder) {
    return builder.serial(serial).subject("x").issuer_is_subject().validity(0, 1000).public_key(key.get()).sign(
        key.get());
  };
  CertificateBuilder good;
  EXPECT_TRUE(complete(good));
  CertificateBuilder bad_address;
  EXPECT_FALSE(complete(bad_address.alternative_names({}, {"no address"})));
  CertificateBuilder bad_oid;
  EXPECT_FALSE(complete(bad_oid.extension("not an oid", Critical::kNo, serial)));
  CertificateBuilder backwards;
  EXPECT_FALSE(complete(backwards.validity(1000, 0)));
  CertificateBuilder nameless;
  EXPECT_FALSE(complete(nameless.subject("")));
}

}  // namespace
}  // namespace latchkey::openssl
