// SPDX-License-Identifier: Apache-2.0
// The same answers as mbedTLS gives in tests/unit/platform/crypto/certificate_test.cpp.
#include "platform/openssl/issuance.h"

#include <gtest/gtest.h>

#include "tests/unit/platform/test_certificates.h"

namespace latchkey::openssl {
namespace {

using test::CertificateSpec;
using test::Der;
using test::make_certificate;
using test::to_der;

class Issuance : public testing::TestWithParam<const char*> {
 protected:
  Issuance() {
    ca_.common_names = {"issuing CA"};
    ca_.subject_key = ca_key_.get();
    ca_.ca = true;
    issuer_ = make_certificate(ca_);
    leaf_.common_names = {"pump-17"};
    leaf_.subject_key = key_.get();
    leaf_.issuer = issuer_.get();
    leaf_.issuer_key = ca_key_.get();
  }
  Der leaf(const CertificateSpec& spec) const { return to_der(make_certificate(spec).get()); }
  Der issuer(const CertificateSpec& spec) const { return to_der(make_certificate(spec).get()); }

  const test::Pkey ca_key_ = test::make_ec_key(GetParam());
  const test::Pkey key_ = test::make_ec_key();
  CertificateSpec ca_;
  CertificateSpec leaf_;
  test::X509Ptr issuer_;
};

TEST_P(Issuance, certificate_of_this_issuer_is_recognised_whatever_its_dates) {
  EXPECT_TRUE(issued_by(ByteView(leaf(leaf_)), ByteView(issuer(ca_))));
  leaf_.not_after = 1'700'000'100;  // long ago
  EXPECT_TRUE(issued_by(ByteView(leaf(leaf_)), ByteView(issuer(ca_))));
  ca_.not_after = 1'700'000'100;
  EXPECT_TRUE(issued_by(ByteView(leaf(leaf_)), ByteView(issuer(ca_))));
}

TEST_P(Issuance, wrong_signature_is_none) {
  const auto other = test::make_ec_key(GetParam());
  leaf_.issuer_key = other.get();
  EXPECT_FALSE(issued_by(ByteView(leaf(leaf_)), ByteView(issuer(ca_))));
}

TEST_P(Issuance, damaged_certificate_is_none) {
  auto damaged = leaf(leaf_);
  damaged.back() ^= 1;
  EXPECT_FALSE(issued_by(ByteView(damaged), ByteView(issuer(ca_))));
}

TEST_P(Issuance, another_name_is_another_issuer) {
  ca_.common_names = {"another CA"};
  EXPECT_FALSE(issued_by(ByteView(leaf(leaf_)), ByteView(issuer(ca_))));
}

TEST_P(Issuance, issuer_that_is_no_ca_certifies_nobody) {
  auto not_ca = ca_;
  not_ca.ca = false;
  not_ca.key_usage = "critical,keyCertSign";
  EXPECT_FALSE(issued_by(ByteView(leaf(leaf_)), ByteView(issuer(not_ca))));
  not_ca = ca_;
  not_ca.key_usage = "critical,digitalSignature";
  EXPECT_FALSE(issued_by(ByteView(leaf(leaf_)), ByteView(issuer(not_ca))));
}

TEST_P(Issuance, junk_and_trailing_bytes_are_no_certificates) {
  EXPECT_FALSE(issued_by({}, ByteView(issuer(ca_))));
  EXPECT_FALSE(issued_by(ByteView(leaf(leaf_)), {}));
  auto trailing = leaf(leaf_);
  trailing.push_back(0);
  EXPECT_FALSE(issued_by(ByteView(trailing), ByteView(issuer(ca_))));
}

INSTANTIATE_TEST_SUITE_P(Curves, Issuance, testing::Values("P-256", "P-384"),
                         [](const auto& curve) { return std::string(curve.param).erase(1, 1); });

}  // namespace
}  // namespace latchkey::openssl
