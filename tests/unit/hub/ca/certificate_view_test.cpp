// SPDX-License-Identifier: Apache-2.0
// Chains made by the openssl command line, so that reading is not judged by our own writing.
#include "hub/ca/certificate_view.h"

#include <ctime>

#include "tests/unit/hub/ca/support.h"

namespace latchkey::hub::ca::test {
namespace {

using registry::Bytes;
using registry::Reason;

constexpr char kUnknownCritical[] = "1.3.6.1.4.1.99999.1=critical,DER:0401aa";

class CertificateViewTest : public ::testing::Test {
 protected:
  void SetUp() override { now_ = (static_cast<UnixMs>(std::time(nullptr)) + 3600) * 1000; }  // in an hour

  // NAME.crt and NAME.key, signed by ISSUER (itself when empty), valid for 10 days from now.
  Bytes make(const std::string& name, const std::string& issuer, const std::vector<std::string>& extensions) {
    std::string config = "[e]\nsubjectKeyIdentifier=hash\n";
    if (!issuer.empty()) config += "authorityKeyIdentifier=keyid\n";
    for (const std::string& extension : extensions) config += extension + "\n";
    put(folder_ / (name + ".cnf"), config);
    const std::string by =
        issuer.empty() ? "-signkey " + name + ".key" : "-CA " + issuer + ".crt -CAkey " + issuer + ".key";
    const Ran ran =
        run(folder_.path(), "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + name +
                                ".key -subj /O=Works/CN=" + name + " -out " + name +
                                ".csr && openssl x509 -req -days 10 -in " + name + ".csr " + by +
                                " -set_serial 0x0102030405060708 -extfile " + name + ".cnf -extensions e -out " + name +
                                ".crt && openssl x509 -in " + name + ".crt -outform DER -out " + name);
    EXPECT_EQ(ran.status, 0) << ran.output;
    return get(folder_ / name);
  }
  Bytes make_ca(const std::string& name, const std::string& issuer) {
    return make(name, issuer, {"basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"});
  }
  void make_chain() {
    root_ = make_ca("root", "");
    middle_ = make_ca("middle", "root");
    leaf_ = make("leaf", "middle", {"extendedKeyUsage=clientAuth"});
  }
  static void expect_refused(const registry::Outcome<void>& verified, Reason reason) {
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().reason, reason) << verified.error().detail;
  }
  // The view's identifier with this extension line in the certificate.
  std::optional<DeviceIdentifier> identifier_with(const std::vector<std::string>& extensions) {
    const auto seen = view_certificate(make("dev", "", extensions));
    EXPECT_TRUE(seen);
    return seen->identifier;
  }

  tests::MemoryFolder folder_;
  UnixMs now_ = 0;
  Bytes root_, middle_, leaf_;
};

const std::string kOid(kIdentifierOid);
const std::string k32(64, 'a');

TEST_F(CertificateViewTest, columns_are_what_openssl_says) {
  make_chain();
  const auto seen = view_certificate(leaf_);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->common_name, "leaf");
  EXPECT_EQ(hex(seen->serial), "0102030405060708");
  EXPECT_EQ(seen->not_after - seen->not_before, 10 * kDayMs);
  EXPECT_FALSE(seen->authority);
  EXPECT_TRUE(view_certificate(middle_)->authority);
  EXPECT_EQ(seen->authority_key_id, view_certificate(middle_)->subject_key_id);
  EXPECT_EQ(seen->subject_key_id.size(), 20U);
  std::string print = hex(seen->thumbprint);
  for (char& c : print) c = static_cast<char>(std::toupper(c));
  std::string said = run(folder_.path(), "openssl x509 -in leaf.crt -noout -fingerprint -sha256").output;
  std::erase(said, ':');
  EXPECT_NE(said.find(print), std::string::npos) << said;
}

TEST_F(CertificateViewTest, identifier_is_read_from_an_octet_string_of_32_bytes) {
  const auto identifier = identifier_with({kOid + "=DER:0420" + k32});
  ASSERT_TRUE(identifier);
  EXPECT_EQ(hex(identifier->encode()), k32);
}
TEST_F(CertificateViewTest, missing_identifier_is_no_identifier) { EXPECT_FALSE(identifier_with({})); }
TEST_F(CertificateViewTest, short_identifier_is_no_identifier) {
  EXPECT_FALSE(identifier_with({kOid + "=DER:041f" + k32.substr(2)}));
}
TEST_F(CertificateViewTest, long_identifier_is_no_identifier) {
  EXPECT_FALSE(identifier_with({kOid + "=DER:0421aa" + k32}));
}
TEST_F(CertificateViewTest, identifier_of_another_type_is_no_identifier) {
  EXPECT_FALSE(identifier_with({kOid + "=DER:0c20" + k32}));
}
TEST_F(CertificateViewTest, bare_bytes_are_no_identifier) { EXPECT_FALSE(identifier_with({kOid + "=DER:" + k32})); }

TEST_F(CertificateViewTest, junk_and_cut_and_trailing_bytes_are_malformed) {
  make_chain();
  Bytes longer = leaf_;
  longer.push_back(0);
  const Bytes shorter(leaf_.begin(), leaf_.end() - 1);
  const std::string junk = "junk";
  for (const ByteView bytes : {ByteView(longer), ByteView(shorter), ByteView(junk), ByteView()}) {
    const auto seen = view_certificate(bytes);
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().reason, Reason::kCertificateMalformed);
    expect_refused(verify_chain(bytes, {}, {root_}, now_), Reason::kCertificateMalformed);
  }
}

TEST_F(CertificateViewTest, chain_to_the_root_verifies) {
  make_chain();
  EXPECT_TRUE(verify_chain(leaf_, {middle_}, {root_}, now_));
}
TEST_F(CertificateViewTest, issuing_ca_alone_is_anchor_enough) {
  make_chain();
  EXPECT_TRUE(verify_chain(leaf_, {}, {middle_}, now_));
}
TEST_F(CertificateViewTest, leaf_itself_may_be_the_anchor) {
  const Bytes own = make("own", "", {"basicConstraints=critical,CA:FALSE"});
  EXPECT_TRUE(verify_chain(own, {}, {own}, now_));
  make_chain();
  EXPECT_TRUE(verify_chain(leaf_, {}, {leaf_}, now_));
}
TEST_F(CertificateViewTest, one_good_anchor_among_others_and_junk_is_enough) {
  make_chain();
  const Bytes other = make_ca("other", "");
  EXPECT_TRUE(verify_chain(leaf_, {}, {other, Bytes{1, 2, 3}, middle_}, now_));
}
TEST_F(CertificateViewTest, missing_intermediate_is_not_trusted) {
  make_chain();
  expect_refused(verify_chain(leaf_, {}, {root_}, now_), Reason::kIssuerNotTrusted);
}
TEST_F(CertificateViewTest, no_anchor_is_not_trusted) {
  make_chain();
  expect_refused(verify_chain(leaf_, {middle_, root_}, {}, now_), Reason::kIssuerNotTrusted);
}
TEST_F(CertificateViewTest, self_signed_stranger_is_not_trusted) {
  make_chain();
  expect_refused(verify_chain(make("own", "", {}), {}, {root_}, now_), Reason::kIssuerNotTrusted);
}
TEST_F(CertificateViewTest, namesake_of_the_anchor_is_not_trusted) {
  make_chain();
  const Bytes real = middle_;
  const Bytes fake = make_ca("middle", "");  // same subject, another key
  expect_refused(verify_chain(make("leaf", "middle", {}), {fake}, {real}, now_), Reason::kIssuerNotTrusted);
}
TEST_F(CertificateViewTest, expired_leaf_is_expired) {
  make_chain();
  expect_refused(verify_chain(leaf_, {middle_}, {root_}, now_ + 11 * kDayMs), Reason::kExpired);
}
TEST_F(CertificateViewTest, leaf_of_tomorrow_is_not_yet_valid) {
  make_chain();
  expect_refused(verify_chain(leaf_, {middle_}, {root_}, now_ - kDayMs), Reason::kNotYetValid);
}
TEST_F(CertificateViewTest, flipped_signature_is_malformed) {
  make_chain();
  leaf_.back() ^= 1;
  expect_refused(verify_chain(leaf_, {middle_}, {root_}, now_), Reason::kCertificateMalformed);
}
TEST_F(CertificateViewTest, leaf_below_a_leaf_is_malformed) {
  make_chain();
  make("below", "leaf", {});
  const auto verified = verify_chain(get(folder_ / "below"), {leaf_, middle_}, {root_}, now_);
  EXPECT_FALSE(verified);
}
TEST_F(CertificateViewTest, server_certificate_is_no_client_certificate) {
  make_chain();
  const Bytes server = make("server", "middle", {"extendedKeyUsage=serverAuth"});
  expect_refused(verify_chain(server, {middle_}, {root_}, now_), Reason::kCertificateMalformed);
}
TEST_F(CertificateViewTest, unknown_critical_extension_is_malformed) {
  make_chain();
  const Bytes odd = make("odd", "middle", {kUnknownCritical});
  expect_refused(verify_chain(odd, {middle_}, {root_}, now_), Reason::kCertificateMalformed);
}
TEST_F(CertificateViewTest, more_than_ten_intermediates_are_malformed) {
  make_chain();
  expect_refused(verify_chain(leaf_, std::vector<Bytes>(11, middle_), {root_}, now_), Reason::kCertificateMalformed);
}

}  // namespace
}  // namespace latchkey::hub::ca::test
