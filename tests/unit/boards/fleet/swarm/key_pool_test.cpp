// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/key_pool.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <set>
#include <string>
#include <vector>

#include "agent/core/record.h"
#include "boards/fleet/swarm/identity.h"
#include "platform/crypto/pem.h"
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
  Issuers issuers;
  EXPECT_EQ(read_identity(ByteView(std::string("latchkey-credential 1\n")), issuers).error(), Status::kCorrupt);
  EXPECT_EQ(read_certificate(ByteView(std::string())).error(), Status::kCorrupt);
}

class IdentityOfRecordTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(crypto::init());
    key_ = test::make_ec_key();
    test::CertificateSpec ca;
    ca.common_names = {"test CA"};
    ca.subject_key = key_.get();
    ca.ca = true;
    ca_ = test::make_certificate(ca);
  }

  // Key and certificate of a device of that CA, as its core stores them.
  std::string record(const std::vector<std::uint8_t>& above) {
    agent::MadeKey made;
    EXPECT_TRUE(pool_.make(crypto::Curve::kP256, "pump-17", made));
    const test::Pkey key = test::read_key(made.key.der());
    test::CertificateSpec spec;
    spec.common_names = {"pump-17"};
    spec.subject_key = key.get();
    spec.issuer = ca_.get();
    spec.issuer_key = key_.get();
    const auto leaf = test::to_der(test::make_certificate(spec).get());
    const ByteView ders[] = {ByteView(leaf), ByteView(above)};
    agent::Record header;
    header.generation = 1;
    header.state = agent::RecordState::kStaged;
    header.hub = "localhost:8883";
    header.device_id = "pump-17";
    std::string text(agent::kMaxRecord, '\0');
    const auto size = agent::write_record(header, made.key, crypto::kPemCertificate, ders, 2, bytes_of(text));
    text.resize(size ? *size : 0);
    return text;
  }
  static MutableBytes bytes_of(std::string& text) {
    return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
  }

  KeyPool pool_{2};
  test::Pkey key_;
  test::X509Ptr ca_;
};

TEST_F(IdentityOfRecordTest, devices_of_one_issuer_share_its_certificate) {
  Issuers issuers;
  const auto above = test::to_der(ca_.get());
  const auto first = read_identity(ByteView(record(above)), issuers);
  const auto second = read_identity(ByteView(record(above)), issuers);
  ASSERT_TRUE(first && second);
  ASSERT_EQ(sk_X509_num(first->chain.get()), 1);
  ASSERT_EQ(sk_X509_num(second->chain.get()), 1);
  EXPECT_EQ(sk_X509_value(first->chain.get(), 0), sk_X509_value(second->chain.get(), 0));
  EXPECT_EQ(X509_cmp(sk_X509_value(first->chain.get(), 0), ca_.get()), 0);
  EXPECT_NE(X509_cmp(first->leaf.get(), second->leaf.get()), 0);
}

TEST_F(IdentityOfRecordTest, issuer_that_is_no_certificate_spoils_the_identity) {
  Issuers issuers;
  EXPECT_EQ(read_identity(ByteView(record({0x30, 0x03, 0x02, 0x01, 0x01})), issuers).error(), Status::kCorrupt);
  EXPECT_FALSE(issuers.of(ByteView(std::string("no DER"))));
}

TEST_F(IdentityOfRecordTest, issuers_beyond_the_limit_are_read_anew_and_live_as_long_as_they_are_used) {
  Issuers issuers;
  const auto first = issuers.of(ByteView(test::to_der(ca_.get())));
  for (int i = 0; i < 100; ++i) {
    test::CertificateSpec spec;
    spec.common_names = {"CA " + std::to_string(i)};
    spec.subject_key = key_.get();
    spec.ca = true;
    const auto made = test::make_certificate(spec);
    const auto kept = issuers.of(ByteView(test::to_der(made.get())));
    ASSERT_TRUE(kept);
    EXPECT_EQ(X509_cmp(kept.get(), made.get()), 0);
  }
  EXPECT_EQ(X509_cmp(first.get(), ca_.get()), 0);
}

TEST_F(IdentityOfRecordTest, mark_changes_with_key_and_certificate_and_not_with_the_state) {
  const auto above = test::to_der(ca_.get());
  auto text = record(above);
  const auto mark = mark_of(ByteView(text));
  EXPECT_NE(mark, 0u);
  ASSERT_TRUE(agent::restate_record(bytes_of(text), agent::RecordState::kProven));
  EXPECT_EQ(mark_of(ByteView(text)), mark);
  EXPECT_NE(mark_of(ByteView(record(above))), mark);
  text.back() = 'x';
  EXPECT_NE(mark_of(ByteView(text)), mark);
  EXPECT_NE(mark_of(ByteView()), 0u);
}

}  // namespace
}  // namespace latchkey::boards::fleet::swarm
