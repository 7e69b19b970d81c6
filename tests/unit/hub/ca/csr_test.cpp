// SPDX-License-Identifier: Apache-2.0
// CSRs come from `openssl req`, except where it cannot make them.
#include "hub/ca/csr.h"

#include "platform/openssl/certificate_builder.h"
#include "tests/unit/hub/ca/support.h"

namespace latchkey::hub::ca::test {
namespace {

using registry::Reason;

constexpr char kP384[] = "ec -pkeyopt ec_paramgen_curve:P-384";

class CsrTest : public ::testing::Test {
 protected:
  void expect_refused(const registry::Outcome<Csr>& read, Reason reason, const std::string& rule) {
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().reason, reason) << read.error().detail;
    EXPECT_NE(read.error().detail.find(rule), std::string::npos) << read.error().detail;
  }
  void expect_rejected(const registry::Bytes& der, const std::string& rule, RsaKeys rsa = RsaKeys::kRefused) {
    expect_refused(read_csr(base64(der), "dev-1", rsa), Reason::kCsrRejected, rule);
  }
  void expect_unreadable(const std::string& text, const std::string& rule) {
    expect_refused(read_csr(text, "dev-1", RsaKeys::kAllowed), Reason::kCsrUnreadable, rule);
  }
  void expect_accepted(const registry::Bytes& der, RsaKeys rsa = RsaKeys::kRefused) {
    const auto read = read_csr(base64(der), "dev-1", rsa);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->common_name(), "dev-1");
    EXPECT_FALSE(read->key_info().empty());
  }

  tests::MemoryFolder folder_;
};

// Names that the command line refuses to write.
registry::Bytes csr_with_name(std::string_view name) {
  const openssl::PkeyPtr key = openssl::make_ec_key("P-256");
  const openssl::X509ReqPtr request(X509_REQ_new());
  X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request.get()), NID_commonName, V_ASN1_UTF8STRING,
                             reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()), -1, 0);
  X509_REQ_set_pubkey(request.get(), key.get());
  X509_REQ_sign(request.get(), key.get(), EVP_sha256());
  return openssl::to_der(i2d_X509_REQ, request.get());
}

// Rows: R-10-22
TEST_F(CsrTest, p256_with_sha256_is_accepted) { expect_accepted(make_csr(folder_, "/CN=dev-1")); }
// Rows: R-10-22
TEST_F(CsrTest, p384_with_sha384_is_accepted) { expect_accepted(make_csr(folder_, "/CN=dev-1", kP384, "-sha384")); }
TEST_F(CsrTest, p384_with_sha256_is_accepted) { expect_accepted(make_csr(folder_, "/CN=dev-1", kP384, "-sha256")); }
// Rows: R-10-22
TEST_F(CsrTest, p256_is_rejected_where_p384_is_taken_alone) {
  const auto read = [](const registry::Bytes& der) {
    return read_csr(base64(der), "dev-1", RsaKeys::kRefused, Curves::kP384Alone);
  };
  expect_refused(read(make_csr(folder_, "/CN=dev-1")), Reason::kCsrRejected, "not P-384");
  for (const char* hash : {"-sha256", "-sha384"}) {
    const auto taken = read(make_csr(folder_, "/CN=dev-1", kP384, hash));
    EXPECT_TRUE(taken) << taken.error().detail;
  }
}
TEST_F(CsrTest, rsa_2048_is_accepted_where_allowed) {
  expect_accepted(make_csr(folder_, "/CN=dev-1", "rsa:2048"), RsaKeys::kAllowed);
}
TEST_F(CsrTest, subject_beyond_the_common_name_is_ignored) {
  expect_accepted(make_csr(folder_, "/C=DE/O=Works/CN=dev-1"));
}
TEST_F(CsrTest, extensions_that_are_asked_for_are_ignored) {
  expect_accepted(make_csr(folder_, "/CN=dev-1", "ec -pkeyopt ec_paramgen_curve:P-256",
                           "-addext basicConstraints=critical,CA:TRUE -addext subjectAltName=DNS:hub"));
}
TEST_F(CsrTest, any_name_is_accepted_where_none_is_expected_but_there_must_be_one) {
  const auto read = read_csr(base64(make_csr(folder_, "/CN=whoever")), std::nullopt, RsaKeys::kRefused);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->common_name(), "whoever");
  expect_refused(read_csr(base64(make_csr(folder_, "/O=x")), std::nullopt, RsaKeys::kRefused), Reason::kCsrRejected,
                 "no common name");
  expect_refused(read_csr(base64(make_csr(folder_, "/CN=a/CN=b")), std::nullopt, RsaKeys::kRefused),
                 Reason::kCsrRejected, "several");
}
TEST_F(CsrTest, name_of_128_characters_is_accepted) {
  const std::string name(128, 'x');
  EXPECT_TRUE(read_csr(base64(csr_with_name(name)), name, RsaKeys::kRefused));
}

TEST_F(CsrTest, pem_is_unreadable) {
  const registry::Bytes pem = make_csr(folder_, "/CN=dev-1", "ec -pkeyopt ec_paramgen_curve:P-256", "-outform PEM");
  expect_unreadable(std::string(ByteView(pem).text()), "PEM");
}
TEST_F(CsrTest, base64_of_pem_is_unreadable) {
  expect_unreadable(base64(make_csr(folder_, "/CN=dev-1", "ec -pkeyopt ec_paramgen_curve:P-256", "-outform PEM")),
                    "DER");
}
TEST_F(CsrTest, nothing_is_unreadable) { expect_unreadable("", "base64"); }
TEST_F(CsrTest, junk_is_unreadable) { expect_unreadable("!!! not base64 !!!", "base64"); }
TEST_F(CsrTest, base64_of_junk_is_unreadable) { expect_unreadable(base64(std::string("junk, junk, junk")), "PKCS#10"); }
TEST_F(CsrTest, line_ends_are_unreadable) {
  std::string text = base64(make_csr(folder_, "/CN=dev-1"));
  text.insert(64, "\n");
  expect_unreadable(text, "base64");
}
TEST_F(CsrTest, bytes_behind_the_request_are_unreadable) {
  registry::Bytes der = make_csr(folder_, "/CN=dev-1");
  der.push_back(0);
  expect_unreadable(base64(der), "behind");
}
TEST_F(CsrTest, cut_request_is_unreadable_at_every_length) {
  const registry::Bytes der = make_csr(folder_, "/CN=dev-1");
  for (std::size_t size = 0; size < der.size(); ++size) {
    const auto read = read_csr(base64(ByteView(der).subview(0, size)), "dev-1", RsaKeys::kRefused);
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().reason, Reason::kCsrUnreadable) << size;
  }
}
TEST_F(CsrTest, a_certificate_is_no_request) {
  ASSERT_EQ(run(folder_.path(),
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k "
                "-subj /CN=dev-1 -outform DER -out c.der")
                .status,
            0);
  const auto read = read_csr(base64(get(folder_ / "c.der")), "dev-1", RsaKeys::kRefused);
  EXPECT_FALSE(read);
}
TEST_F(CsrTest, longer_than_8192_characters_is_unreadable_even_if_it_is_right_otherwise) {
  std::string names;
  for (int i = 0; i < 120; ++i) names += (i == 0 ? "DNS:" : ",DNS:") + std::string(50, 'n') + std::to_string(i);
  const registry::Bytes der =
      make_csr(folder_, "/CN=dev-1", "ec -pkeyopt ec_paramgen_curve:P-256", "-addext subjectAltName=" + names);
  ASSERT_GT(base64(der).size(), kCsrCharactersMax);
  expect_unreadable(base64(der), "8192");
}

TEST_F(CsrTest, other_name_is_rejected) { expect_rejected(make_csr(folder_, "/CN=dev-2"), "common name"); }
TEST_F(CsrTest, name_in_other_case_is_rejected) { expect_rejected(make_csr(folder_, "/CN=Dev-1"), "common name"); }
TEST_F(CsrTest, longer_name_is_rejected) { expect_rejected(make_csr(folder_, "/CN=dev-11"), "common name"); }
TEST_F(CsrTest, name_with_nul_behind_it_is_rejected) {
  expect_rejected(csr_with_name(std::string_view("dev-1\0.evil", 11)), "common name");
}
TEST_F(CsrTest, no_name_is_rejected) { expect_rejected(make_csr(folder_, "/O=dev-1"), "no common name"); }
TEST_F(CsrTest, two_names_are_rejected) { expect_rejected(make_csr(folder_, "/CN=dev-1/CN=dev-1"), "several"); }
TEST_F(CsrTest, wrong_signature_is_rejected) {
  registry::Bytes der = make_csr(folder_, "/CN=dev-1");
  der.back() ^= 1;
  expect_rejected(der, "signature");
}
TEST_F(CsrTest, no_octet_of_a_request_can_be_another_one) {
  const registry::Bytes der = make_csr(folder_, "/CN=dev-1");
  for (std::size_t i = 0; i < der.size(); ++i) {
    auto spoilt = der;
    spoilt[i] ^= 0x01;
    EXPECT_FALSE(read_csr(base64(spoilt), "dev-1", RsaKeys::kAllowed)) << i;
  }
}
TEST_F(CsrTest, key_info_is_what_the_request_says) {
  for (const char* key : {"ec -pkeyopt ec_paramgen_curve:P-256", kP384, "rsa:2048"}) {
    const registry::Bytes der = make_csr(folder_, "/CN=dev-1", key);
    const auto read = read_csr(base64(der), "dev-1", RsaKeys::kAllowed);
    ASSERT_TRUE(read) << read.error().detail;
    put(folder_ / "key.der", read->key_info());
    EXPECT_EQ(run(folder_.path(), "openssl pkey -pubin -inform DER -in key.der").output,
              run(folder_.path(), "openssl req -inform DER -noout -pubkey -in csr.der").output);
    EXPECT_EQ(read->key_bits().end(), read->key_info().end());
  }
}
TEST_F(CsrTest, exchanged_key_is_rejected) {
  registry::Bytes der = make_csr(folder_, "/CN=dev-1", "rsa:2048");
  der[der.size() / 2] ^= 1;  // somewhere in the modulus
  expect_rejected(der, "signature", RsaKeys::kAllowed);
}
TEST_F(CsrTest, p256_with_sha384_is_rejected) {
  expect_rejected(make_csr(folder_, "/CN=dev-1", "ec -pkeyopt ec_paramgen_curve:P-256", "-sha384"), "P-256");
}
TEST_F(CsrTest, p256_with_sha1_is_rejected) {
  expect_rejected(make_csr(folder_, "/CN=dev-1", "ec -pkeyopt ec_paramgen_curve:P-256", "-sha1"), "P-256");
}
TEST_F(CsrTest, p521_is_rejected) {
  expect_rejected(make_csr(folder_, "/CN=dev-1", "ec -pkeyopt ec_paramgen_curve:P-521", "-sha512"), "curve");
}
TEST_F(CsrTest, other_curve_of_the_same_size_is_rejected) {
  expect_rejected(make_csr(folder_, "/CN=dev-1", "ec -pkeyopt ec_paramgen_curve:secp256k1"), "curve");
}
TEST_F(CsrTest, explicit_parameters_of_p256_are_rejected) {
  expect_rejected(make_csr(folder_, "/CN=dev-1", "ec -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit"),
                  "explicit");
}
TEST_F(CsrTest, ed25519_is_rejected) {
  expect_rejected(make_csr(folder_, "/CN=dev-1", "ed25519", ""), "neither EC nor RSA");
}
// Rows: R-10-21
TEST_F(CsrTest, rsa_is_rejected_where_not_allowed) {
  expect_rejected(make_csr(folder_, "/CN=dev-1", "rsa:2048"), "RSA");
}
TEST_F(CsrTest, rsa_1024_is_rejected_even_where_rsa_is_allowed) {
  expect_rejected(make_csr(folder_, "/CN=dev-1", "rsa:1024"), "2048", RsaKeys::kAllowed);
}
TEST_F(CsrTest, rsa_with_sha1_is_rejected_even_where_rsa_is_allowed) {
  expect_rejected(make_csr(folder_, "/CN=dev-1", "rsa:2048", "-sha1"), "SHA-256", RsaKeys::kAllowed);
}

}  // namespace
}  // namespace latchkey::hub::ca::test
