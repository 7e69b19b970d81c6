// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/key_pool.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <set>
#include <string>

#include "boards/fleet/swarm/identity.h"
#include "platform/openssl/quick_ec_keys.h"
#include "tests/unit/platform/test_certificates.h"

namespace latchkey::boards::fleet::swarm {
namespace {

class KeyPoolTest : public testing::TestWithParam<crypto::Curve> {
 protected:
  void SetUp() override { ASSERT_TRUE(crypto::init()); }
};

// The device's own library reads what OpenSSL made: point and scalar belong together.
TEST_P(KeyPoolTest, keys_have_the_form_that_records_keep) {
  KeyPool pool(4);
  agent::MadeKey made;
  ASSERT_TRUE(pool.make(GetParam(), "pump-17", made));
  crypto::DeviceKey loaded;
  EXPECT_TRUE(crypto::load_key(made.key.der(), loaded));
  EXPECT_EQ(loaded.curve, GetParam());
}

TEST_P(KeyPoolTest, csr_is_the_one_that_the_device_would_make) {
  KeyPool pool(4);
  agent::MadeKey made;
  ASSERT_TRUE(pool.make(GetParam(), "pump-17", made));
  const std::uint8_t* der = made.csr.data();
  const openssl::X509ReqPtr request(d2i_X509_REQ(nullptr, &der, static_cast<long>(made.csr_size)));
  ASSERT_TRUE(request);
  EXPECT_EQ(X509_REQ_verify(request.get(), X509_REQ_get0_pubkey(request.get())), 1);
  EXPECT_EQ(X509_REQ_get_attr_count(request.get()), 0);

  agent::FreshKeyMaker own;
  agent::MadeKey theirs;
  ASSERT_TRUE(own.make(GetParam(), "pump-17", theirs));
  der = theirs.csr.data();
  const openssl::X509ReqPtr reference(d2i_X509_REQ(nullptr, &der, static_cast<long>(theirs.csr_size)));
  ASSERT_TRUE(reference);
  EXPECT_EQ(X509_NAME_cmp(X509_REQ_get_subject_name(request.get()), X509_REQ_get_subject_name(reference.get())), 0);
  EXPECT_EQ(X509_REQ_get_signature_nid(request.get()), X509_REQ_get_signature_nid(reference.get()));
  EXPECT_EQ(X509_REQ_get_version(request.get()), X509_REQ_get_version(reference.get()));
}

TEST_P(KeyPoolTest, key_of_a_record_is_read_as_openssl_reads_it) {
  KeyPool pool(1);
  agent::MadeKey made;
  ASSERT_TRUE(pool.make(GetParam(), "pump-17", made));
  const auto key = pkey_of(made.key.der());
  ASSERT_TRUE(key);
  EXPECT_EQ(EVP_PKEY_eq(key.get(), test::read_key(made.key.der()).get()), 1);
}

// As in a worker: OpenSSL then makes keys of another kind, which it writes differently if it is let.
TEST_P(KeyPoolTest, keys_have_the_same_form_where_they_are_read_quickly) {
  openssl::QuickEcKeys quick;
  ASSERT_TRUE(quick.begin());
  KeyPool pool(4);
  agent::MadeKey made;
  ASSERT_TRUE(pool.make(GetParam(), "pump-17", made));
  crypto::DeviceKey loaded;
  EXPECT_TRUE(crypto::load_key(made.key.der(), loaded));
  EXPECT_TRUE(pkey_of(made.key.der()));
  const std::uint8_t* der = made.csr.data();
  const openssl::X509ReqPtr request(d2i_X509_REQ(nullptr, &der, static_cast<long>(made.csr_size)));
  ASSERT_TRUE(request);
  EXPECT_EQ(X509_REQ_verify(request.get(), X509_REQ_get0_pubkey(request.get())), 1);
}

INSTANTIATE_TEST_SUITE_P(Curves, KeyPoolTest, testing::Values(crypto::Curve::kP256, crypto::Curve::kP384),
                         [](const auto& curve) {
                           return std::string(curve.param == crypto::Curve::kP256 ? "p256" : "p384");
                         });

TEST(KeyPoolWithoutCurveTest, no_key_is_given_out_twice) {
  KeyPool pool(8);
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    agent::MadeKey made;
    ASSERT_TRUE(pool.make(crypto::Curve::kP256, "pump-17", made));
    EXPECT_TRUE(seen.insert(std::string(made.key.der().text())).second);
  }
}

TEST(KeyPoolWithoutCurveTest, name_that_no_device_may_have_is_refused) {
  KeyPool pool(1);
  agent::MadeKey made;
  const auto refused = pool.make(crypto::Curve::kP256, "no/slash", made);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Status::kInvalidArgument);
  EXPECT_TRUE(made.key.empty());
  EXPECT_EQ(made.csr_size, 0u);
}

TEST(IdentityTest, key_of_another_form_is_none) {
  EXPECT_FALSE(pkey_of({}));
  const std::string garbage(121, '\0');
  EXPECT_FALSE(pkey_of(ByteView(garbage)));
}

TEST(IdentityTest, record_that_is_torn_is_no_identity) {
  EXPECT_EQ(read_identity(ByteView(std::string("latchkey-credential 1\n"))).error(), Status::kCorrupt);
  EXPECT_EQ(read_certificate(ByteView(std::string())).error(), Status::kCorrupt);
}

}  // namespace
}  // namespace latchkey::boards::fleet::swarm
