// SPDX-License-Identifier: Apache-2.0
// What the authority signs, judged by the openssl command line.
#include "hub/ca/authority.h"

#include "hub/ca/certificate_view.h"
#include "hub/ca/file_key_provider.h"
#include "tests/unit/hub/ca/support.h"

namespace latchkey::hub::ca::test {
namespace {

using registry::CaKind;
using registry::KeyProfile;
using registry::Reason;

const std::string kVerify = "verify -attime " + std::to_string(kNow / 1000) + " ";

class AuthorityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = FileKeyProvider::open(folder_ / "keys");
    ASSERT_TRUE(opened);
    keys_ = *std::move(opened);
    use({});
  }
  void use(Authority::Options options) { authority_ = std::make_unique<Authority>(*keys_, std::move(options)); }

  // root.pem, ica.pem and their rows.
  void make_cas(KeyProfile profile = KeyProfile::kEcP256) {
    const auto root = authority_->make_root(profile, kNow);
    ASSERT_TRUE(root) << root.error().detail;
    root_ = row_of(*root, CaKind::kRoot, root->id);
    const auto issuing = authority_->make_issuing(root_, profile, kNow);
    ASSERT_TRUE(issuing) << issuing.error().detail;
    issuing_ = row_of(*issuing, CaKind::kIssuing, root_.id);
    put_certificate(folder_, "root", root_.der);
    put_certificate(folder_, "ica", issuing_.der);
  }
  // leaf.pem for a CSR that `openssl req` makes.
  registry::Bytes make_leaf(const registry::IssuanceGrant& grant, const std::string& csr_name,
                            const std::string& key = "ec -pkeyopt ec_paramgen_curve:P-256") {
    const auto csr = authority_->read_csr(base64(make_csr(folder_, "/CN=" + csr_name, key)), csr_name);
    EXPECT_TRUE(csr) << csr.error().detail;
    const auto leaf = authority_->sign_leaf(issuing_, grant, *csr);
    EXPECT_TRUE(leaf) << leaf.error().detail;
    put_certificate(folder_, "leaf", *leaf);
    return *leaf;
  }
  Ran text(const std::string& name) { return run(folder_.path(), "openssl x509 -noout -text -in " + name + ".pem"); }
  Ran openssl(const std::string& arguments) { return run(folder_.path(), "openssl " + arguments); }

  tests::MemoryFolder folder_;
  std::unique_ptr<FileKeyProvider> keys_;
  std::unique_ptr<Authority> authority_;
  registry::CaCertificate root_;
  registry::CaCertificate issuing_;
};

TEST_F(AuthorityTest, chain_verifies_from_the_root_and_from_the_issuing_ca_alone) {
  make_cas();
  make_leaf(grant_for(issuing_, "dev-1"), "dev-1");
  const Ran whole = openssl(kVerify + "-x509_strict -purpose sslclient -CAfile root.pem -untrusted ica.pem leaf.pem");
  EXPECT_EQ(whole.status, 0) << whole.output;
  const Ran partial = openssl(kVerify + "-partial_chain -purpose sslclient -CAfile ica.pem leaf.pem");
  EXPECT_EQ(partial.status, 0) << partial.output;
}

// Rows: R-4-05
TEST_F(AuthorityTest, p384_chain_verifies_and_is_signed_with_sha384) {
  make_cas(KeyProfile::kEcP384);
  make_leaf(grant_for(issuing_, "dev-1"), "dev-1");
  const Ran whole = openssl(kVerify + "-purpose sslclient -CAfile root.pem -untrusted ica.pem leaf.pem");
  EXPECT_EQ(whole.status, 0) << whole.output;
  for (const std::string name : {"root", "ica", "leaf"}) {
    EXPECT_TRUE(text(name).says("Signature Algorithm: ecdsa-with-SHA384")) << name;
  }
  EXPECT_TRUE(text("ica").says("NIST CURVE: P-384"));
}

TEST_F(AuthorityTest, leaf_of_another_authority_does_not_verify) {
  make_cas();
  make_leaf(grant_for(issuing_, "dev-1"), "dev-1");
  make_cas();  // replaces root.pem and ica.pem
  EXPECT_TRUE(
      openssl(kVerify + "-partial_chain -CAfile ica.pem leaf.pem").says("unable to get local issuer certificate"));
}

// Rows: R-4-06
TEST_F(AuthorityTest, root_has_the_observed_profile) {
  make_cas();
  const Ran root = text("root");
  EXPECT_TRUE(root_.subject.starts_with("CN=rootca-"));
  EXPECT_EQ(root_.subject.size(), std::string("CN=rootca-").size() + 32);
  EXPECT_TRUE(root.says("X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:1\n")) << root.output;
  EXPECT_TRUE(root.says("X509v3 Key Usage: critical\n                Digital Signature, Certificate Sign, CRL Sign\n"));
  EXPECT_TRUE(root.says("X509v3 Subject Key Identifier"));
  EXPECT_TRUE(root.says("Signature Algorithm: ecdsa-with-SHA256"));
  EXPECT_FALSE(root.says("X509v3 Authority Key Identifier"));
  EXPECT_FALSE(root.says("X509v3 Extended Key Usage"));
  EXPECT_EQ(root_.not_before, kNow - kBackdateMs);
  EXPECT_EQ(root_.not_after, kNow + kRootLifetimeMs);
}

// Rows: R-5-08, R-5-12
TEST_F(AuthorityTest, issuing_ca_has_the_observed_profile) {
  make_cas();
  const Ran issuing = text("ica");
  EXPECT_TRUE(issuing_.subject.starts_with("CN=ica-"));
  EXPECT_EQ(issuing_.subject.size(), std::string("CN=ica-").size() + 32);
  EXPECT_TRUE(issuing.says("Subject: CN = " + issuing_.subject.substr(3) + "\n")) << issuing.output;
  EXPECT_TRUE(issuing.says("Issuer: CN = " + root_.subject.substr(3) + "\n"));
  EXPECT_TRUE(issuing.says("X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0\n"));
  EXPECT_TRUE(
      issuing.says("X509v3 Key Usage: critical\n                Digital Signature, Certificate Sign, CRL Sign\n"));
  EXPECT_TRUE(issuing.says("X509v3 Extended Key Usage: \n                TLS Web Client Authentication\n"));
  EXPECT_TRUE(issuing.says("X509v3 Authority Key Identifier"));
  EXPECT_FALSE(issuing.says("CRL Distribution Points"));
  EXPECT_EQ(issuing_.not_after, kNow + kIssuingLifetimeMs);
}

TEST_F(AuthorityTest, rows_say_what_the_certificates_say) {
  make_cas();
  for (const registry::CaCertificate& row : {root_, issuing_}) {
    const auto seen = view_certificate(row.der);
    ASSERT_TRUE(seen);
    EXPECT_EQ("CN=" + seen->common_name, row.subject);
    EXPECT_EQ(seen->serial, row.serial);
    EXPECT_EQ(seen->not_before, row.not_before);
    EXPECT_EQ(seen->not_after, row.not_after);
    EXPECT_TRUE(seen->authority);
  }
}

// Rows: R-5-09
TEST_F(AuthorityTest, every_issuing_ca_has_a_new_subject_key_and_serial) {
  make_cas();
  const auto second = authority_->make_issuing(root_, KeyProfile::kEcP256, kNow);
  ASSERT_TRUE(second);
  EXPECT_NE(second->subject, issuing_.subject);
  EXPECT_NE(second->key_ref, issuing_.key_ref);
  EXPECT_NE(second->serial, issuing_.serial);
  EXPECT_NE(second->id, issuing_.id);
}

// Rows: R-5-12
TEST_F(AuthorityTest, issuing_ca_never_outlives_the_root) {
  make_cas();
  const UnixMs late = root_.not_after - 10 * kDayMs;
  const auto issuing = authority_->make_issuing(root_, KeyProfile::kEcP256, late);
  ASSERT_TRUE(issuing);
  EXPECT_EQ(issuing->not_after, root_.not_after);
  EXPECT_EQ(view_certificate(issuing->der)->not_after, root_.not_after);
}

TEST_F(AuthorityTest, expired_root_makes_no_issuing_ca_and_leaves_no_key_behind) {
  make_cas();
  const auto files = [&] { return std::distance(std::filesystem::directory_iterator(folder_ / "keys"), {}); };
  const auto before = files();
  const auto issuing = authority_->make_issuing(root_, KeyProfile::kEcP256, root_.not_after);
  ASSERT_FALSE(issuing);
  EXPECT_EQ(issuing.error().reason, Reason::kPreconditionFailed);
  EXPECT_EQ(files(), before);
}

TEST_F(AuthorityTest, destroyed_root_key_makes_no_issuing_ca) {
  make_cas();
  ASSERT_TRUE(keys_->destroy(root_.key_ref));
  const auto issuing = authority_->make_issuing(root_, KeyProfile::kEcP256, kNow);
  ASSERT_FALSE(issuing);
  EXPECT_EQ(issuing.error().reason, Reason::kNotFound);
}

TEST_F(AuthorityTest, destroyed_issuing_key_signs_no_more_even_right_after_it_signed) {
  make_cas();
  const auto grant = grant_for(issuing_, "dev-1");
  make_leaf(grant, "dev-1");
  ASSERT_TRUE(keys_->destroy(issuing_.key_ref));
  const auto csr = authority_->read_csr(base64(get(folder_ / "csr.der")), "dev-1");
  const auto leaf = authority_->sign_leaf(issuing_, grant, *csr);
  ASSERT_FALSE(leaf);
  EXPECT_EQ(leaf.error().reason, Reason::kNotFound);
  EXPECT_FALSE(authority_->sign_crl({issuing_, 1, {}}, kNow, kNow + kDayMs));
}

TEST_F(AuthorityTest, leaf_has_the_profile_of_a_tls_client) {
  make_cas();
  const auto grant = grant_for(issuing_, "dev-1");
  make_leaf(grant, "dev-1");
  const Ran leaf = text("leaf");
  EXPECT_TRUE(leaf.says("Version: 3 (0x2)"));
  EXPECT_TRUE(leaf.says("Subject: CN = dev-1\n")) << leaf.output;
  EXPECT_TRUE(leaf.says("Not Before: Jun 15 15:01:40 2025 GMT"));
  EXPECT_TRUE(leaf.says("Not After : Jul 15 15:06:40 2025 GMT"));
  EXPECT_TRUE(leaf.says("X509v3 Basic Constraints: critical\n                CA:FALSE\n"));
  EXPECT_TRUE(leaf.says("X509v3 Key Usage: critical\n                Digital Signature\n"));
  EXPECT_TRUE(leaf.says("X509v3 Extended Key Usage: \n                TLS Web Client Authentication\n"));
  EXPECT_TRUE(leaf.says("X509v3 Subject Key Identifier"));
  EXPECT_TRUE(leaf.says("X509v3 Authority Key Identifier"));
  EXPECT_TRUE(leaf.says("Signature Algorithm: ecdsa-with-SHA256"));
  EXPECT_FALSE(leaf.says("CRL Distribution Points"));
  EXPECT_FALSE(leaf.says("Authority Information Access"));
}

TEST_F(AuthorityTest, identifier_is_an_octet_string_in_an_uncritical_extension) {
  make_cas();
  const auto grant = grant_for(issuing_, "dev-1");
  make_leaf(grant, "dev-1");
  const Ran parsed = openssl("asn1parse -in leaf.pem");
  const std::size_t oid = parsed.output.find(":" + std::string(kIdentifierOid) + "\n");
  ASSERT_NE(oid, std::string::npos) << parsed.output;
  // A BOOLEAN for "critical" would stand between the two.
  const std::string after = parsed.output.substr(oid, 300);
  const std::size_t value = after.find("OCTET STRING      [HEX DUMP]:0420");
  ASSERT_NE(value, std::string::npos) << after;
  EXPECT_EQ(after.find("BOOLEAN"), std::string::npos) << after;
  std::string expected = "0420" + hex(grant.device.bytes) + hex(grant.credential_id.bytes);
  for (char& c : expected) c = static_cast<char>(std::toupper(c));
  EXPECT_NE(after.find(expected), std::string::npos) << after;
}

TEST_F(AuthorityTest, leaf_is_named_after_the_device_not_after_the_csr) {
  make_cas();
  const auto leaf = make_leaf(grant_for(issuing_, "Dev-1"), "dev-1");
  EXPECT_EQ(view_certificate(leaf)->common_name, "Dev-1");
}

TEST_F(AuthorityTest, name_of_128_characters_fits) {
  make_cas();
  const std::string name(128, 'x');
  make_leaf(grant_for(issuing_, name), "dev-1");
  EXPECT_TRUE(text("leaf").says("Subject: CN = " + name + "\n"));
  EXPECT_EQ(openssl(kVerify + "-partial_chain -CAfile ica.pem leaf.pem").status, 0);
}

TEST_F(AuthorityTest, key_and_request_of_the_leaf_are_the_csr_s) {
  make_cas();
  make_leaf(grant_for(issuing_, "dev-1"), "dev-1", "ec -pkeyopt ec_paramgen_curve:P-384");
  EXPECT_EQ(openssl("x509 -noout -pubkey -in leaf.pem").output,
            openssl("req -inform DER -noout -pubkey -in csr.der").output);
}

// Rows: R-10-22
TEST_F(AuthorityTest, authority_for_p384_alone_takes_no_other_key) {
  Authority::Options options;
  options.p384_alone = true;
  use(options);
  EXPECT_FALSE(authority_->read_csr(base64(make_csr(folder_, "/CN=dev-1")), "dev-1"));
  EXPECT_TRUE(authority_->read_csr(
      base64(make_csr(folder_, "/CN=dev-1", "ec -pkeyopt ec_paramgen_curve:P-384", "-sha384")), "dev-1"));
}

TEST_F(AuthorityTest, rsa_leaf_below_an_ec_authority_verifies) {
  use({.crl_url = {}, .aia_url = {}, .ocsp_url = {}, .allow_rsa = true});
  make_cas();
  make_leaf(grant_for(issuing_, "dev-1"), "dev-1", "rsa:2048");
  EXPECT_EQ(openssl(kVerify + "-partial_chain -CAfile ica.pem leaf.pem").status, 0);
}

TEST_F(AuthorityTest, addresses_are_in_the_certificates_when_configured) {
  use({.crl_url = "http://pki.example/crl", .aia_url = "http://pki.example/ca/", .ocsp_url = {}, .allow_rsa = false});
  make_cas();
  make_leaf(grant_for(issuing_, "dev-1"), "dev-1");
  const std::string issuing(view(to_text(issuing_.id)));
  const std::string root(view(to_text(root_.id)));
  EXPECT_TRUE(text("leaf").says("URI:http://pki.example/crl/" + issuing + ".crl\n")) << text("leaf").output;
  EXPECT_TRUE(text("leaf").says("CA Issuers - URI:http://pki.example/ca/" + issuing + ".cer\n"));
  EXPECT_TRUE(text("ica").says("URI:http://pki.example/crl/" + root + ".crl\n"));
  EXPECT_FALSE(text("root").says("URI:"));
}

// Rows: R-5-13
TEST_F(AuthorityTest, grant_that_outlives_its_issuer_is_refused) {
  make_cas();
  auto grant = grant_for(issuing_, "dev-1");
  grant.not_after = issuing_.not_after + 1000;
  const auto csr = authority_->read_csr(base64(make_csr(folder_, "/CN=dev-1")), "dev-1");
  ASSERT_TRUE(csr);
  EXPECT_FALSE(authority_->sign_leaf(issuing_, grant, *csr));
  grant.not_after = issuing_.not_after;
  const auto leaf = authority_->sign_leaf(issuing_, grant, *csr);
  ASSERT_TRUE(leaf);
  EXPECT_EQ(view_certificate(*leaf)->not_after, issuing_.not_after);
}

TEST_F(AuthorityTest, serials_are_positive_sixteen_octets_and_differ) {
  std::set<registry::Bytes> seen;
  for (int i = 0; i < 1000; ++i) {
    const registry::Bytes serial = Authority::new_serial();
    ASSERT_EQ(serial.size(), 16U);
    ASSERT_GE(serial[0], 0x01);
    ASSERT_LE(serial[0], 0x7f);
    seen.insert(serial);
  }
  EXPECT_EQ(seen.size(), 1000U);
}

TEST_F(AuthorityTest, empty_crl_verifies_and_carries_its_number) {
  make_cas();
  const auto crl = authority_->sign_crl({issuing_, 7, {}}, kNow, kNow + 7 * kDayMs);
  ASSERT_TRUE(crl) << crl.error().detail;
  put(folder_ / "ica.crl", *crl);
  const Ran ran = openssl("crl -inform DER -in ica.crl -noout -text -CAfile ica.pem");
  EXPECT_TRUE(ran.says("verify OK")) << ran.output;
  EXPECT_TRUE(ran.says("Version 2 (0x1)"));
  EXPECT_TRUE(ran.says("X509v3 CRL Number: \n                7\n"));
  EXPECT_TRUE(ran.says("X509v3 Authority Key Identifier"));
  EXPECT_TRUE(ran.says("No Revoked Certificates."));
  EXPECT_TRUE(ran.says("Last Update: Jun 15 15:06:40 2025 GMT"));
  EXPECT_TRUE(ran.says("Next Update: Jun 22 15:06:40 2025 GMT"));
  EXPECT_FALSE(openssl("crl -inform DER -in ica.crl -noout -CAfile root.pem").says("verify OK"));
}

TEST_F(AuthorityTest, crl_lists_exactly_the_serials_with_their_dates_and_openssl_heeds_it) {
  make_cas();
  const auto revoked = grant_for(issuing_, "dev-1");
  const auto good = grant_for(issuing_, "dev-2");
  make_leaf(revoked, "dev-1");
  ASSERT_EQ(run(folder_.path(), "mv leaf.pem revoked.pem").status, 0);
  make_leaf(good, "dev-2");
  registry::CrlOrder order{issuing_, 8, {{revoked.serial, kNow - 60000}}};
  for (int i = 0; i < 50; ++i) order.revoked.push_back({Authority::new_serial(), kNow - 1000});
  const auto crl = authority_->sign_crl(order, kNow, kNow + 7 * kDayMs);
  ASSERT_TRUE(crl);
  put(folder_ / "ica.crl.der", *crl);
  ASSERT_EQ(openssl("crl -inform DER -in ica.crl.der -out ica.crl").status, 0);

  const Ran listed = openssl("crl -in ica.crl -noout -text -CAfile ica.pem");
  EXPECT_TRUE(listed.says("verify OK"));
  EXPECT_TRUE(listed.says("Revocation Date: Jun 15 15:05:40 2025 GMT"));
  std::size_t count = 0;
  for (std::size_t at = 0; (at = listed.output.find("Serial Number:", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, order.revoked.size());
  for (const auto& entry : order.revoked) {
    std::string serial = hex(entry.serial);
    for (char& c : serial) c = static_cast<char>(std::toupper(c));
    EXPECT_TRUE(listed.says("Serial Number: " + serial + "\n")) << serial;
  }
  const std::string check = kVerify + "-partial_chain -crl_check -CAfile ica.pem -CRLfile ica.crl";
  EXPECT_TRUE(openssl(check + " revoked.pem").says("certificate revoked"));
  EXPECT_EQ(openssl(check + " leaf.pem").status, 0);
}

TEST_F(AuthorityTest, root_signs_the_crl_of_its_issuing_cas) {
  make_cas();
  make_leaf(grant_for(issuing_, "dev-1"), "dev-1");
  const auto root_crl = authority_->sign_crl({root_, 1, {{issuing_.serial, kNow}}}, kNow, kNow + kDayMs);
  const auto issuing_crl = authority_->sign_crl({issuing_, 1, {}}, kNow, kNow + kDayMs);
  ASSERT_TRUE(root_crl && issuing_crl);
  put(folder_ / "root.crl", *root_crl);
  put(folder_ / "ica.crl", *issuing_crl);
  ASSERT_EQ(run(folder_.path(), "for c in root ica; do openssl crl -inform DER -in $c.crl; done > both.crl").status, 0);
  const Ran ran = openssl(kVerify + "-crl_check_all -CAfile root.pem -untrusted ica.pem -CRLfile both.crl leaf.pem");
  EXPECT_TRUE(ran.says("error 23 at 1 depth lookup: certificate revoked")) << ran.output;
}

}  // namespace
}  // namespace latchkey::hub::ca::test
