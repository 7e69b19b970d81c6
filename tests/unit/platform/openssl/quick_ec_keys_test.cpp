// SPDX-License-Identifier: Apache-2.0
// Quick or not, keys are the same keys and what was refused stays refused: every test runs both ways.
#include "platform/openssl/quick_ec_keys.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/opensslv.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "platform/openssl/certificate_builder.h"
#include "platform/openssl/pem.h"

namespace latchkey::openssl {
namespace {

using Der = std::vector<std::uint8_t>;

X509Ptr make_certificate(EVP_PKEY* key, const char* name, X509* issuer, EVP_PKEY* issuer_key) {
  static std::uint8_t serial = 0;
  CertificateBuilder builder;
  builder.serial(std::vector<std::uint8_t>{++serial}).subject(name).validity(0, 4'000'000'000'000).public_key(key);
  if (issuer == nullptr) {
    builder.issuer_is_subject().authority(0).key_usage(KU_KEY_CERT_SIGN);
  } else {
    builder.issuer(issuer);
  }
  return builder.sign(issuer_key);
}

Der der_of(X509* certificate) {
  Der der(static_cast<std::size_t>(i2d_X509(certificate, nullptr)));
  unsigned char* out = der.data();
  i2d_X509(certificate, &out);
  return der;
}

X509Ptr read(const Der& der) {
  const unsigned char* in = der.data();
  return X509Ptr(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
}

int verify(X509* leaf, X509* anchor) {
  const std::unique_ptr<X509_STORE, void (*)(X509_STORE*)> store(X509_STORE_new(), X509_STORE_free);
  const std::unique_ptr<X509_STORE_CTX, void (*)(X509_STORE_CTX*)> context(X509_STORE_CTX_new(), X509_STORE_CTX_free);
  X509_STORE_add_cert(store.get(), anchor);
  X509_STORE_CTX_init(context.get(), store.get(), leaf, nullptr);
  X509_STORE_CTX_set_time(context.get(), 0, 1000);
  X509_verify_cert(context.get());
  ERR_clear_error();
  return X509_STORE_CTX_get_error(context.get());
}

class QuickEcKeysTest : public testing::TestWithParam<bool> {
 protected:
  bool begin() { return !GetParam() || quick_.begin().has_value(); }
  QuickEcKeys quick_;
};

TEST_P(QuickEcKeysTest, keys_of_both_curves_are_read_and_verify) {
  for (const char* curve : {"P-256", "P-384"}) {
    const PkeyPtr ca_key = make_ec_key(curve);
    const PkeyPtr key = make_ec_key(curve);
    const X509Ptr ca = make_certificate(ca_key.get(), "ca", nullptr, ca_key.get());
    const X509Ptr leaf = make_certificate(key.get(), "leaf", ca.get(), ca_key.get());
    ASSERT_TRUE(ca && leaf);
    ASSERT_TRUE(begin());
    const X509Ptr again = read(der_of(leaf.get()));
    ASSERT_TRUE(again);
    EXPECT_EQ(EVP_PKEY_eq(X509_get0_pubkey(again.get()), key.get()), 1) << curve;
    EXPECT_EQ(verify(again.get(), read(der_of(ca.get())).get()), X509_V_OK) << curve;
    quick_.end();
  }
}

TEST_P(QuickEcKeysTest, signature_of_another_ca_is_refused) {
  const PkeyPtr ca_key = make_ec_key("P-256");
  const PkeyPtr other_key = make_ec_key("P-256");
  const X509Ptr ca = make_certificate(ca_key.get(), "ca", nullptr, ca_key.get());
  const X509Ptr forged = make_certificate(other_key.get(), "leaf", ca.get(), other_key.get());
  ASSERT_TRUE(ca && forged && begin());
  EXPECT_EQ(verify(read(der_of(forged.get())).get(), ca.get()), X509_V_ERR_CERT_SIGNATURE_FAILURE);
}

// The last byte of a certificate's public key follows the point's Y.
TEST_P(QuickEcKeysTest, point_that_is_not_on_the_curve_is_no_key) {
  const PkeyPtr key = make_ec_key("P-256");
  const X509Ptr whole = make_certificate(key.get(), "leaf", nullptr, key.get());
  ASSERT_TRUE(whole);
  Der der = der_of(whole.get());
  ASN1_BIT_STRING* point = X509_get0_pubkey_bitstr(whole.get());
  const Der text(point->data, point->data + point->length);
  const auto place = std::search(der.begin(), der.end(), text.begin(), text.end());
  ASSERT_NE(place, der.end());
  *(place + point->length - 1) ^= 1;
  ASSERT_TRUE(begin());
  const X509Ptr broken = read(der);
  ASSERT_TRUE(broken);  // the certificate can be read, its key cannot
  EXPECT_EQ(X509_get0_pubkey(broken.get()), nullptr);
  ERR_clear_error();
}

TEST_P(QuickEcKeysTest, ca_with_spelled_out_curve_is_refused) {
  const PkeyPtr named = make_ec_key("P-256");
  PkeyPtr ca_key(EVP_PKEY_dup(named.get()));
  ASSERT_EQ(EVP_PKEY_set_utf8_string_param(ca_key.get(), OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
  const PkeyPtr key = make_ec_key("P-256");
  const X509Ptr ca = make_certificate(ca_key.get(), "ca", nullptr, ca_key.get());
  const X509Ptr leaf = make_certificate(key.get(), "leaf", ca.get(), ca_key.get());
  ASSERT_TRUE(ca && leaf && begin());
  EXPECT_EQ(verify(leaf.get(), read(der_of(ca.get())).get()), X509_V_ERR_EC_KEY_EXPLICIT_PARAMS);
}

TEST_P(QuickEcKeysTest, keys_made_meanwhile_sign_certificates_and_survive_pem) {
  ASSERT_TRUE(begin());
  for (const char* curve : {"P-256", "P-384"}) {
    const PkeyPtr key = make_ec_key(curve);
    ASSERT_TRUE(key) << curve;
    const X509Ptr made = make_certificate(key.get(), "self", nullptr, key.get());
    ASSERT_TRUE(made) << curve;
    const X509Ptr certificate = read(der_of(made.get()));
    ASSERT_TRUE(certificate) << curve;
    EXPECT_EQ(X509_verify(certificate.get(), X509_get0_pubkey(certificate.get())), 1) << curve;
    const PkeyPtr again = key_from_pem(key_to_pem(key.get()));
    ASSERT_TRUE(again) << curve;
    EXPECT_EQ(EVP_PKEY_eq(again.get(), X509_get0_pubkey(certificate.get())), 1) << curve;
  }
  EXPECT_FALSE(make_ec_key("P-000"));
}

TEST_P(QuickEcKeysTest, keys_outlive_it) {
  const PkeyPtr key = make_ec_key("P-256");
  const X509Ptr made = make_certificate(key.get(), "self", nullptr, key.get());
  ASSERT_TRUE(made && begin());
  const X509Ptr certificate = read(der_of(made.get()));
  ASSERT_TRUE(certificate);
  EXPECT_EQ(X509_verify(certificate.get(), X509_get0_pubkey(certificate.get())), 1);
  quick_.end();
  EXPECT_EQ(X509_verify(certificate.get(), X509_get0_pubkey(certificate.get())), 1);
  EXPECT_EQ(EVP_PKEY_eq(X509_get0_pubkey(certificate.get()), key.get()), 1);
}

INSTANTIATE_TEST_SUITE_P(BothWays, QuickEcKeysTest, testing::Bool(),
                         [](const auto& way) { return way.param ? "quick" : "plain"; });

TEST(QuickEcKeysLifeTest, begins_once_and_again_after_its_end) {
  QuickEcKeys quick;
  EXPECT_FALSE(quick.active());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(quick.begin());
    ASSERT_TRUE(quick.begin());
#if OPENSSL_VERSION_NUMBER < 0x30200000L && !defined(OPENSSL_NO_ENGINE)
    EXPECT_TRUE(quick.active());
#endif
    quick.end();
    EXPECT_FALSE(quick.active());
  }
}

}  // namespace
}  // namespace latchkey::openssl
