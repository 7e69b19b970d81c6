// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/csr.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/unit/platform/test_certificates.h"

namespace latchkey::crypto {
namespace {

using Request = std::unique_ptr<X509_REQ, test::Freer<X509_REQ_free>>;

class Csr : public testing::TestWithParam<Curve> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(init());
    ASSERT_TRUE(generate_key(GetParam(), key_));
  }
  Request make(const std::string& name) {
    const auto size = make_csr(key_, name, out_);
    if (!size) return nullptr;
    const unsigned char* at = out_.data();
    Request request(d2i_X509_REQ(nullptr, &at, static_cast<long>(*size)));
    EXPECT_EQ(at, out_.data() + *size) << "bytes behind the request";
    return request;
  }
  DeviceKey key_;
  std::array<std::uint8_t, kMaxCsrSize> out_{};
};

TEST_P(Csr, is_signed_with_the_key_that_it_names) {
  const Request request = make("pump-17.hall_3:a");
  ASSERT_TRUE(request);
  const test::Pkey key = test::read_key(key_.der());
  EXPECT_EQ(X509_REQ_verify(request.get(), key.get()), 1);
  EXPECT_EQ(EVP_PKEY_eq(X509_REQ_get0_pubkey(request.get()), key.get()), 1);
  const int algorithm = X509_REQ_get_signature_nid(request.get());
  EXPECT_EQ(algorithm, GetParam() == Curve::kP256 ? NID_ecdsa_with_SHA256 : NID_ecdsa_with_SHA384);
}

TEST_P(Csr, names_the_device_and_nothing_else) {
  const Request request = make("pump-17");
  ASSERT_TRUE(request);
  X509_NAME* subject = X509_REQ_get_subject_name(request.get());
  ASSERT_EQ(X509_NAME_entry_count(subject), 1);
  char name[129] = {};
  EXPECT_EQ(X509_NAME_get_text_by_NID(subject, NID_commonName, name, sizeof name), 7);
  EXPECT_STREQ(name, "pump-17");
  EXPECT_EQ(X509_REQ_get_attr_count(request.get()), 0);
}

TEST_P(Csr, of_the_longest_name_fits) {
  const Request request = make(std::string(128, 'n'));
  ASSERT_TRUE(request);
  char name[130] = {};
  EXPECT_EQ(X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request.get()), NID_commonName, name, sizeof name),
            128);
}

TEST_P(Csr, is_refused_for_what_is_no_registration_id) {
  for (const std::string& name : {std::string(), std::string(129, 'n'), std::string("a,O=b"), std::string("a=b"),
                                  std::string("-a"), std::string("a "), std::string("a\0b", 3), std::string("a\\b")}) {
    EXPECT_EQ(make_csr(key_, name, out_).error(), Status::kInvalidArgument) << name;
  }
}

TEST_P(Csr, is_refused_without_a_key) {
  EXPECT_EQ(make_csr(DeviceKey(), "pump-17", out_).error(), Status::kInvalidArgument);
}

TEST_P(Csr, does_not_write_behind_a_small_buffer) {
  std::array<std::uint8_t, 64> small;
  small.fill(0xAB);
  EXPECT_EQ(make_csr(key_, "pump-17", MutableBytes(small.data(), 32)).error(), Status::kTooLarge);
  for (const std::uint8_t byte : small) ASSERT_EQ(byte, 0xAB);
}

INSTANTIATE_TEST_SUITE_P(Curves, Csr, testing::Values(Curve::kP256, Curve::kP384),
                         [](const auto& curve) { return std::string(curve.param == Curve::kP256 ? "p256" : "p384"); });

}  // namespace
}  // namespace latchkey::crypto
