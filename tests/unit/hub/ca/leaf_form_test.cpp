// SPDX-License-Identifier: Apache-2.0
// Leaves are put together from prepared parts: octet for octet what CertificateBuilder makes of the same facts.
#include <openssl/x509.h>

#include "hub/ca/crl_shards.h"
#include "hub/ca/file_key_provider.h"
#include "platform/openssl/certificate_builder.h"
#include "tests/unit/hub/ca/support.h"

namespace latchkey::hub::ca::test {
namespace {

using openssl::X509Ptr;
using registry::CaKind;
using registry::KeyProfile;

X509Ptr parsed(ByteView der) {
  const std::uint8_t* at = der.data();
  return X509Ptr(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}
// What the signature is over, encoded anew.
registry::Bytes content_of(X509* certificate) { return openssl::to_der(i2d_re_X509_tbs, certificate); }

class LeafFormTest : public ::testing::Test {
 protected:
  void make_cas(Authority::Options options, KeyProfile profile = KeyProfile::kEcP256) {
    options_ = options;
    auto opened = FileKeyProvider::open(folder_ / "keys");
    ASSERT_TRUE(opened);
    keys_ = *std::move(opened);
    authority_ = std::make_unique<Authority>(*keys_, options);
    const auto root = authority_->make_root(profile, kNow);
    ASSERT_TRUE(root);
    const auto issuing = authority_->make_issuing(row_of(*root, CaKind::kRoot, root->id), profile, kNow);
    ASSERT_TRUE(issuing);
    issuing_ = row_of(*issuing, CaKind::kIssuing, root->id);
  }
  Csr csr(const std::string& key = "ec -pkeyopt ec_paramgen_curve:P-256") {
    auto read = authority_->read_csr(base64(make_csr(folder_, "/CN=dev", key)), "dev");
    EXPECT_TRUE(read) << read.error().detail;
    return *std::move(read);
  }
  // As leaves were made before there were forms.
  X509Ptr built(const registry::IssuanceGrant& grant, const Csr& csr) {
    const std::uint8_t* at = csr.key_info().data();
    const openssl::PkeyPtr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(csr.key_info().size())));
    const auto issuer = parsed(issuing_.der);
    openssl::CertificateBuilder builder;
    builder.serial(grant.serial)
        .subject(grant.device_id)
        .validity(grant.not_before, grant.not_after)
        .end_entity()
        .key_usage(KU_DIGITAL_SIGNATURE)
        .extended_key_usage(NID_client_auth)
        .public_key(key.get())
        .issuer(issuer.get());
    registry::Bytes identifier = {0x04, DeviceIdentifier::kSize};
    const auto bytes = DeviceIdentifier{grant.device, grant.credential_id}.encode();
    identifier.insert(identifier.end(), bytes.begin(), bytes.end());
    builder.extension(kIdentifierOid, openssl::Critical::kNo, identifier);
    if (!options_.crl_url.empty()) {
      builder.crl_address(list_address(options_.crl_url, issuing_.id, shard_of(grant.serial, options_.crl_shards)));
    }
    builder.authority_addresses(
        options_.aia_url.empty() ? "" : options_.aia_url + "/" + std::string(view(to_text(issuing_.id))) + ".cer",
        options_.ocsp_url);
    const auto signer = keys_->load(issuing_.key_ref);
    return builder.sign(signer->get());
  }
  void expect_same(const registry::IssuanceGrant& grant, const Csr& csr) {
    const auto leaf = authority_->sign_leaf(issuing_, grant, csr);
    ASSERT_TRUE(leaf) << leaf.error().detail;
    const auto made = parsed(*leaf);
    const auto expected = built(grant, csr);
    ASSERT_TRUE(made && expected);
    EXPECT_EQ(hex(content_of(made.get())), hex(content_of(expected.get())));
    EXPECT_EQ(openssl::to_der(i2d_X509, made.get()), *leaf);  // it is DER: decoded and encoded, it stays as it is
    const auto issuer = parsed(issuing_.der);
    EXPECT_EQ(X509_verify(made.get(), X509_get0_pubkey(issuer.get())), 1);
  }
  registry::IssuanceGrant grant(const std::string& device) {
    auto made = grant_for(issuing_, device);
    for (std::size_t i = 0; i < 16; ++i) {
      made.device.bytes[i] = static_cast<std::uint8_t>(i + 1);
      made.credential_id.bytes[i] = static_cast<std::uint8_t>(0xf0 + i);
    }
    return made;
  }
  static Authority::Options addresses(unsigned shards = 1) {
    Authority::Options options;
    options.crl_url = "http://127.0.0.1:8880/crl";
    options.aia_url = "http://127.0.0.1:8880/ca";
    options.ocsp_url = "http://127.0.0.1:8880/ocsp";
    options.crl_shards = shards;
    return options;
  }

  tests::MemoryFolder folder_;
  Authority::Options options_;
  std::unique_ptr<FileKeyProvider> keys_;
  std::unique_ptr<Authority> authority_;
  registry::CaCertificate issuing_;
};

TEST_F(LeafFormTest, leaf_is_what_the_builder_makes) {
  make_cas({});
  expect_same(grant("dev-1"), csr());
}
TEST_F(LeafFormTest, leaf_with_addresses_is_what_the_builder_makes) {
  make_cas(addresses());
  const auto request = csr();
  for (int i = 0; i < 3; ++i) expect_same(grant("dev-" + std::to_string(i)), request);
}
TEST_F(LeafFormTest, every_shard_has_its_own_address) {
  make_cas(addresses(5));
  const auto request = csr();
  for (int i = 0; i < 30; ++i) expect_same(grant("dev"), request);
}
TEST_F(LeafFormTest, p384_authority_and_p384_key) {
  make_cas(addresses(), KeyProfile::kEcP384);
  expect_same(grant("dev-1"), csr());
  expect_same(grant("dev-1"), csr("ec -pkeyopt ec_paramgen_curve:P-384"));
}
TEST_F(LeafFormTest, rsa_key) {
  auto options = addresses();
  options.allow_rsa = true;
  make_cas(options);
  expect_same(grant("dev-1"), csr("rsa:2048"));
}
TEST_F(LeafFormTest, names_of_all_lengths) {
  make_cas({});
  const auto request = csr();
  for (const std::size_t size : {1U, 64U, 110U, 111U, 112U, 113U, 114U, 115U, 116U, 117U, 118U, 119U, 127U, 128U}) {
    expect_same(grant(std::string(size, 'x')), request);
  }
}
TEST_F(LeafFormTest, serials_that_would_read_as_negative_or_are_short) {
  make_cas({});
  const auto request = csr();
  for (const registry::Bytes& serial :
       {registry::Bytes{0x01}, {0x7f}, {0x80}, {0xff, 0x00}, registry::Bytes(20, 0x80)}) {
    auto granted = grant("dev-1");
    granted.serial = serial;
    expect_same(granted, request);
  }
}
TEST_F(LeafFormTest, times_before_and_after_2050) {
  make_cas({});
  issuing_.not_after = 4'000'000'000'000;  // 2096; what the certificate says does not matter here
  const auto request = csr();
  for (const UnixMs end : {2524607999000LL, 2524607999999LL, 2524608000000LL, 2600000000000LL}) {
    auto granted = grant("dev-1");
    granted.not_after = end;
    expect_same(granted, request);
  }
}

TEST_F(LeafFormTest, nothing_is_signed_without_a_name_or_a_serial_or_backwards) {
  make_cas({});
  const auto request = csr();
  auto nameless = grant("");
  auto serialless = grant("dev-1");
  serialless.serial.clear();
  auto backwards = grant("dev-1");
  backwards.not_before = backwards.not_after + 1000;
  for (const auto& bad : {nameless, serialless, backwards}) {
    EXPECT_FALSE(authority_->sign_leaf(issuing_, bad, request));
  }
}

TEST_F(LeafFormTest, a_destroyed_key_signs_no_more_though_the_form_is_known) {
  make_cas({});
  const auto request = csr();
  ASSERT_TRUE(authority_->sign_leaf(issuing_, grant("dev-1"), request));
  ASSERT_TRUE(authority_->destroy_key(issuing_));
  const auto refused = authority_->sign_leaf(issuing_, grant("dev-2"), request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, registry::Reason::kNotFound);
}

}  // namespace
}  // namespace latchkey::hub::ca::test
