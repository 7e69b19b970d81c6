// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/certificate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/platform/test_certificates.h"

namespace latchkey::crypto {
namespace {

using test::CertificateSpec;
using test::Der;
using test::make_certificate;
using test::to_der;

const std::string kOurs(kIdentifierOid);
const std::string kAzures(kAzureIdentifierOid);

DeviceIdentifier some_identifier() {
  DeviceIdentifier identifier;
  for (std::uint8_t i = 0; i < 16; ++i) identifier.device.bytes[i] = i;
  for (std::uint8_t i = 0; i < 16; ++i) identifier.credential.bytes[i] = static_cast<std::uint8_t>(0xF0 + i);
  return identifier;
}

Der identifier_bytes() {
  const auto bytes = some_identifier().encode();
  return {bytes.begin(), bytes.end()};
}

// Root, issuing CA and a device key; leaves are made as each test wants them.
class Certificates : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(init());
    ASSERT_TRUE(generate_key(Curve::kP256, key_));
    device_key_ = test::read_key(key_.der());
    root_key_ = test::make_ec_key("P-384");
    issuer_key_ = test::make_ec_key("P-384");
    root_ = make_certificate(ca("rootca-1", root_key_.get()));
    CertificateSpec issuing = ca("ica-1", issuer_key_.get());
    issuing.issuer = root_.get();
    issuing.issuer_key = root_key_.get();
    issuer_ = make_certificate(issuing);
  }

  static CertificateSpec ca(const std::string& name, EVP_PKEY* key) {
    CertificateSpec spec;
    spec.common_names = {name};
    spec.subject_key = key;
    spec.ca = true;
    return spec;
  }
  CertificateSpec leaf_spec() {
    CertificateSpec spec;
    spec.common_names = {"pump-17"};
    spec.subject_key = device_key_.get();
    spec.issuer = issuer_.get();
    spec.issuer_key = issuer_key_.get();
    spec.extensions = {{kOurs, false, identifier_bytes()}};
    return spec;
  }
  Der leaf(const CertificateSpec& spec) { return to_der(make_certificate(spec).get()); }
  Der issuer() { return to_der(issuer_.get()); }
  Der root() { return to_der(root_.get()); }

  Result<LeafInfo> check(const std::vector<Der>& chain, std::string_view name = "pump-17") {
    std::vector<ByteView> views(chain.begin(), chain.end());
    return check_chain(views.data(), views.size(), key_, name);
  }
  Status check_status(const std::vector<Der>& chain, std::string_view name = "pump-17") {
    const auto checked = check(chain, name);
    return checked ? Status::kOk : checked.error();
  }

  DeviceKey key_;
  test::Pkey device_key_, root_key_, issuer_key_;
  test::X509Ptr root_, issuer_;
};

TEST_F(Certificates, leaf_tells_name_times_serial_identifier_and_key) {
  CertificateSpec spec = leaf_spec();
  spec.not_before = 1'709'210'096;  // 2024-02-29 12:34:56
  spec.not_after = 2'840'140'800;   // 2060-01-01, written as GeneralizedTime
  spec.serial = {0xFE, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const auto info = inspect_leaf(ByteView(leaf(spec)), &key_);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->common_name(), "pump-17");
  EXPECT_EQ(info->not_before, 1'709'210'096'000);
  EXPECT_EQ(info->not_after, 2'840'140'800'000);
  EXPECT_EQ(info->serial(), ByteView(spec.serial));
  ASSERT_TRUE(info->identifier.has_value());
  EXPECT_TRUE(*info->identifier == some_identifier());
  EXPECT_FALSE(info->has_azure_identifier);
  EXPECT_TRUE(info->key_matches);
}

TEST_F(Certificates, times_are_right_across_leap_years_and_centuries) {
  for (const std::int64_t time :
       {std::int64_t{0}, std::int64_t{68'169'599}, std::int64_t{951'782'400}, std::int64_t{951'868'800},
        std::int64_t{1'704'067'199}, std::int64_t{4'107'542'400}}) {
    CertificateSpec spec = leaf_spec();
    spec.not_before = time;
    const auto info = inspect_leaf(ByteView(leaf(spec)));
    ASSERT_TRUE(info);
    EXPECT_EQ(info->not_before, time * 1000);
  }
}

TEST_F(Certificates, identifier_may_be_wrapped_in_an_octet_string) {
  CertificateSpec spec = leaf_spec();
  Der wrapped = {0x04, 0x20};
  for (const std::uint8_t byte : identifier_bytes()) wrapped.push_back(byte);
  spec.extensions = {{kOurs, false, wrapped}};
  const auto info = inspect_leaf(ByteView(leaf(spec)));
  ASSERT_TRUE(info);
  ASSERT_TRUE(info->identifier.has_value());
  EXPECT_TRUE(*info->identifier == some_identifier());
}

TEST_F(Certificates, leaf_without_an_identifier_has_none) {
  CertificateSpec spec = leaf_spec();
  spec.extensions.clear();
  const auto info = inspect_leaf(ByteView(leaf(spec)));
  ASSERT_TRUE(info);
  EXPECT_FALSE(info->identifier.has_value());
  EXPECT_FALSE(info->key_matches) << "no key was given";
}

TEST_F(Certificates, critical_identifier_of_the_real_service_is_accepted) {
  CertificateSpec spec = leaf_spec();
  Der value = {0x04, 0x20};
  for (const std::uint8_t byte : identifier_bytes()) value.push_back(byte);
  spec.extensions = {{kAzures, true, value}};
  const auto info = inspect_leaf(ByteView(leaf(spec)), &key_);
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->has_azure_identifier);
  EXPECT_FALSE(info->identifier.has_value());
  EXPECT_EQ(check_status({leaf(spec), issuer(), root()}), Status::kOk);
}

TEST_F(Certificates, critical_identifier_of_ours_is_accepted) {
  CertificateSpec spec = leaf_spec();
  spec.extensions[0].critical = true;
  EXPECT_TRUE(inspect_leaf(ByteView(leaf(spec))));
}

TEST_F(Certificates, other_critical_extensions_are_refused_and_uncritical_ones_skipped) {
  for (const char* oid : {"1.3.6.1.4.1.311.133.1.1.2", "1.3.6.1.4.1.311.133.1.1", "1.3.6.1.4.1.311.133.1.1.1.1",
                          "2.25.163099170488962020191184446638292780056", "2.25.1", "1.2.3.4"}) {
    CertificateSpec spec = leaf_spec();
    spec.extensions.push_back({oid, true, {5, 0}});
    const auto info = inspect_leaf(ByteView(leaf(spec)));
    ASSERT_FALSE(info) << oid;
    EXPECT_EQ(info.error(), Status::kMalformed);
    spec.extensions.back().critical = false;
    EXPECT_TRUE(inspect_leaf(ByteView(leaf(spec)))) << oid;
  }
}

TEST_F(Certificates, identifier_of_another_size_or_twice_is_refused) {
  for (const std::size_t size : {0u, 1u, 31u, 33u, 34u, 64u}) {
    CertificateSpec spec = leaf_spec();
    spec.extensions = {{kOurs, false, Der(size, 0x41)}};
    EXPECT_FALSE(inspect_leaf(ByteView(leaf(spec)))) << size;
  }
  CertificateSpec twice = leaf_spec();
  twice.extensions.push_back(twice.extensions[0]);
  EXPECT_FALSE(inspect_leaf(ByteView(leaf(twice))));
}

TEST_F(Certificates, subject_needs_exactly_one_common_name_that_fits) {
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{}, {"pump-17", "pump-18"}, {"pump-17", "pump-17"}}) {
    CertificateSpec spec = leaf_spec();
    spec.common_names = names;
    EXPECT_EQ(inspect_leaf(ByteView(leaf(spec))).error(), Status::kMalformed);
  }
}

TEST_F(Certificates, junk_truncation_and_trailing_bytes_are_malformed) {
  const Der good = leaf(leaf_spec());
  EXPECT_EQ(inspect_leaf({}).error(), Status::kMalformed);
  EXPECT_EQ(inspect_leaf(ByteView(std::string("-----BEGIN CERTIFICATE-----"))).error(), Status::kMalformed);
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(inspect_leaf(ByteView(good).subview(0, size))) << size;
  }
  Der longer = good;
  longer.push_back(0);
  EXPECT_EQ(inspect_leaf(ByteView(longer)).error(), Status::kMalformed);
}

TEST_F(Certificates, good_chain_is_accepted_with_and_without_its_root) {
  const Der leaf_der = leaf(leaf_spec());
  EXPECT_EQ(check_status({leaf_der, issuer(), root()}), Status::kOk);
  EXPECT_EQ(check_status({leaf_der, issuer()}), Status::kOk);
  EXPECT_EQ(check_status({leaf_der}), Status::kOk);
  const auto info = check({leaf_der, issuer(), root()});
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->key_matches);
}

TEST_F(Certificates, p384_device_key_is_accepted) {
  ASSERT_TRUE(generate_key(Curve::kP384, key_));
  device_key_ = test::read_key(key_.der());
  EXPECT_EQ(check_status({leaf(leaf_spec()), issuer(), root()}), Status::kOk);
}

TEST_F(Certificates, validity_is_not_judged_here) {
  CertificateSpec past = leaf_spec();
  past.not_before = 1'000'000'000;
  past.not_after = 1'000'000'100;
  EXPECT_EQ(check_status({leaf(past), issuer(), root()}), Status::kOk);
  CertificateSpec future = leaf_spec();
  future.not_before = 4'000'000'000;
  future.not_after = 4'100'000'000;
  EXPECT_EQ(check_status({leaf(future), issuer(), root()}), Status::kOk);

  CertificateSpec old = ca("ica-1", issuer_key_.get());
  old.issuer = root_.get();
  old.issuer_key = root_key_.get();
  old.not_before = 1'000'000'000;
  old.not_after = 1'000'000'100;
  EXPECT_EQ(check_status({leaf(leaf_spec()), to_der(make_certificate(old).get()), root()}), Status::kOk);
}

TEST_F(Certificates, leaf_for_another_key_or_another_name_is_a_mismatch) {
  const Der good = leaf(leaf_spec());
  EXPECT_EQ(check_status({good, issuer()}, "pump-18"), Status::kMismatch);
  EXPECT_EQ(check_status({good, issuer()}, "pump-1"), Status::kMismatch);
  EXPECT_EQ(check_status({good, issuer()}, "PUMP-17"), Status::kMismatch);
  EXPECT_EQ(check_status({good, issuer()}, ""), Status::kMismatch);
  for (const bool rsa : {false, true}) {
    const test::Pkey other = rsa ? test::make_rsa_key() : test::make_ec_key();
    CertificateSpec spec = leaf_spec();
    spec.subject_key = other.get();
    EXPECT_EQ(check_status({leaf(spec), issuer()}), Status::kMismatch);
  }
}

TEST_F(Certificates, chain_with_a_wrong_signature_anywhere_is_not_trusted) {
  const test::Pkey stranger = test::make_ec_key("P-384");
  CertificateSpec forged = leaf_spec();
  forged.issuer_key = stranger.get();  // the right name, another key
  EXPECT_EQ(check_status({leaf(forged), issuer(), root()}), Status::kNotTrusted);

  CertificateSpec issuing = ca("ica-1", issuer_key_.get());
  issuing.issuer = root_.get();
  issuing.issuer_key = stranger.get();
  EXPECT_EQ(check_status({leaf(leaf_spec()), to_der(make_certificate(issuing).get()), root()}), Status::kNotTrusted);

  Der damaged = leaf(leaf_spec());
  damaged.back() ^= 1;
  EXPECT_EQ(check_status({damaged, issuer()}), Status::kNotTrusted);
}

TEST_F(Certificates, chain_out_of_order_or_with_a_gap_is_not_trusted) {
  const Der leaf_der = leaf(leaf_spec());
  EXPECT_EQ(check_status({leaf_der, root()}), Status::kNotTrusted);
  EXPECT_EQ(check_status({leaf_der, root(), issuer()}), Status::kNotTrusted);
  EXPECT_EQ(check_status({leaf_der, leaf_der}), Status::kNotTrusted);
}

TEST_F(Certificates, another_library_may_answer_who_issued_what_and_nothing_else) {
  static std::vector<std::pair<Der, Der>> asked;
  static bool answer;
  asked.clear();
  answer = true;
  use_issuance_check([](ByteView subject, ByteView above) {
    asked.emplace_back(Der(subject.begin(), subject.end()), Der(above.begin(), above.end()));
    return answer;
  });
  const Der leaf_der = leaf(leaf_spec());
  EXPECT_EQ(check_status({leaf_der, issuer(), root()}), Status::kOk);
  EXPECT_EQ(asked, (std::vector<std::pair<Der, Der>>{{leaf_der, issuer()}, {issuer(), root()}}));
  EXPECT_EQ(check_status({leaf_der, issuer()}, "pump-18"), Status::kMismatch);
  EXPECT_EQ(check_status({leaf_der, Der{1, 2, 3}}), Status::kMalformed);
  answer = false;
  EXPECT_EQ(check_status({leaf_der, issuer()}), Status::kNotTrusted);
  use_issuance_check(nullptr);
  EXPECT_EQ(check_status({leaf_der, issuer()}), Status::kOk);
}

TEST_F(Certificates, issuer_that_is_no_ca_is_not_trusted) {
  CertificateSpec not_ca = ca("ica-1", issuer_key_.get());
  not_ca.issuer = root_.get();
  not_ca.issuer_key = root_key_.get();
  not_ca.ca = false;
  EXPECT_EQ(check_status({leaf(leaf_spec()), to_der(make_certificate(not_ca).get())}), Status::kNotTrusted);
  not_ca.ca = true;
  not_ca.key_usage = "critical,cRLSign";
  EXPECT_EQ(check_status({leaf(leaf_spec()), to_der(make_certificate(not_ca).get())}), Status::kNotTrusted);
}

TEST_F(Certificates, chain_with_an_unreadable_member_is_malformed) {
  Der cut = issuer();
  cut.pop_back();
  EXPECT_EQ(check_status({leaf(leaf_spec()), cut}), Status::kMalformed);
  CertificateSpec odd = ca("ica-1", issuer_key_.get());
  odd.issuer = root_.get();
  odd.issuer_key = root_key_.get();
  odd.extensions = {{"1.2.3.4", true, {5, 0}}};
  EXPECT_EQ(check_status({leaf(leaf_spec()), to_der(make_certificate(odd).get())}), Status::kMalformed);
}

TEST_F(Certificates, empty_and_overlong_chains_and_an_empty_key_are_invalid) {
  EXPECT_EQ(check_status({}), Status::kInvalidArgument);
  const Der leaf_der = leaf(leaf_spec());
  EXPECT_EQ(check_status({leaf_der, issuer(), root(), root(), root()}), Status::kInvalidArgument);
  const ByteView views[] = {ByteView(leaf_der)};
  EXPECT_EQ(check_chain(views, 1, DeviceKey(), "pump-17").error(), Status::kInvalidArgument);
}

}  // namespace
}  // namespace latchkey::crypto
