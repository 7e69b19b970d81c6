// SPDX-License-Identifier: Apache-2.0
// What a customer's CA may hand back for a CSR of ours. The CA is the openssl command line.
#include "hub/ca/activation.h"

#include <gmock/gmock.h>

#include <cctype>
#include <ctime>

#include "hub/ca/file_key_provider.h"
#include "hub/ca/signing_request.h"
#include "tests/unit/hub/ca/support.h"

namespace latchkey::hub::ca::test {
namespace {

using registry::Reason;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kConstraints = "basicConstraints=critical,CA:TRUE,pathlen:0\n";
const std::string kUsage = "keyUsage=critical,digitalSignature,keyCertSign,cRLSign\n";
const std::string kKeyId = "subjectKeyIdentifier=hash\n";
const std::string kGood = kConstraints + kUsage + kKeyId;

class Activation : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<tests::MemoryFolder>();
    auto keys = FileKeyProvider::open(*folder_ / "keys");
    ASSERT_TRUE(keys);
    const auto made = make_signing_request(**keys, registry::KeyProfile::kEcP256);
    ASSERT_TRUE(made) << made.error().detail;
    request_ = *made;
    put(*folder_ / "csr.der", request_.csr);
    must("openssl req -inform DER -in csr.der -out csr.pem && openssl req -in csr.pem -noout -pubkey > csr.pub");
    make_root("root", "basicConstraints=critical,CA:TRUE,pathlen:1");
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static void must(const std::string& command) {
    const Ran ran = run(folder_->path(), command);
    ASSERT_EQ(ran.status, 0) << command << "\n" << ran.output;
  }
  // NAME.pem and NAME.key.
  static void make_root(const std::string& name, const std::string& constraints, const std::string& subject = "Root",
                        const std::string& more = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -sha256 -days 3650") {
    must("openssl req -x509 -nodes -subj '/CN=" + subject + "' -keyout " + name + ".key -out " + name +
         ".pem -addext '" + constraints + "' -addext 'keyUsage=critical,keyCertSign,cRLSign' " + more);
  }
  // A certificate for that request, signed by `ca`, as PEM.
  static std::string sign(const std::string& extensions, const std::string& options = "",
                          const std::string& ca = "root", const std::string& csr = "csr") {
    put(*folder_ / "extensions", ByteView(extensions));
    std::string command = "openssl x509 -req -in " + csr + ".pem -CA " + ca + ".pem -CAkey " + ca +
                          ".key -extfile extensions -out signed.pem " + options;
    if (options.find("-days") == std::string::npos) command += " -days 730";
    if (options.find("-set_serial") == std::string::npos) command += " -set_serial 0x4711";
    must(command);
    return text("signed");
  }
  static std::string text(const std::string& name) {
    const auto bytes = get(*folder_ / (name + ".pem"));
    return {bytes.begin(), bytes.end()};
  }
  // An intermediate CA below the root, as NAME.pem and NAME.key.
  static void make_intermediate(const std::string& name, const std::string& extensions,
                                const std::string& options = "-sha256") {
    must("openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj '/CN=" + name + "' -keyout " +
         name + ".key -out " + name + "-csr.pem");
    const auto certificate = sign(extensions, options, "root", name + "-csr");
    put(*folder_ / (name + ".pem"), ByteView(certificate));
  }
  static UnixMs now() { return static_cast<UnixMs>(std::time(nullptr)) * 1000; }

  // At 0 it is now, and that after the certificate was made.
  static registry::Outcome<registry::SignedCa> check(const std::string& chain, UnixMs at = 0) {
    return check_activation(request_.csr, chain, at == 0 ? now() : at);
  }
  static testing::AssertionResult accepted(const std::string& chain) {
    const auto checked = check(chain);
    if (checked) return testing::AssertionSuccess();
    return testing::AssertionFailure() << checked.error().detail;
  }
  static void expect_rejected(const std::string& chain, int rule, const std::string& found, UnixMs at = 0) {
    const auto checked = check(chain, at);
    ASSERT_FALSE(checked) << "rule " << rule << ": " << found;
    EXPECT_EQ(checked.error().reason, rule == 2 ? Reason::kCertificateSubjectMismatch : Reason::kCertificateRejected);
    EXPECT_THAT(checked.error().detail, StartsWith("rule " + std::to_string(rule) + ": "));
    EXPECT_THAT(checked.error().detail, HasSubstr(found));
  }

  static inline std::unique_ptr<tests::MemoryFolder> folder_;
  static inline registry::NewCsr request_;
};

// --- the request

// Rows: R-5-08, R-6-15
TEST_F(Activation, request_has_a_named_curve_and_32_hex_digits_as_its_name) {
  const Ran ran = run(folder_->path(), "openssl req -in csr.pem -noout -text -verify");
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_TRUE(ran.says("ASN1 OID: prime256v1")) << ran.output;
  EXPECT_TRUE(ran.says("ecdsa-with-SHA256")) << ran.output;
  EXPECT_THAT(request_.subject, testing::MatchesRegex("CN=[0-9a-f]{32}"));
  EXPECT_TRUE(ran.says(request_.subject.substr(3))) << ran.output;
}

TEST_F(Activation, every_request_has_a_key_and_a_name_of_its_own) {
  auto keys = FileKeyProvider::open(*folder_ / "more-keys");
  ASSERT_TRUE(keys);
  const auto one = make_signing_request(**keys, registry::KeyProfile::kEcP384);
  const auto two = make_signing_request(**keys, registry::KeyProfile::kEcP384);
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->subject, two->subject);
  EXPECT_NE(one->key_ref, two->key_ref);
  EXPECT_NE(one->id, two->id);
  put(*folder_ / "p384.der", one->csr);
  const Ran ran = run(folder_->path(), "openssl req -inform DER -in p384.der -noout -text -verify");
  EXPECT_TRUE(ran.says("secp384r1") && ran.says("ecdsa-with-SHA384")) << ran.output;
}

// --- what is taken

// Rows: R-6-12
TEST_F(Activation, chain_of_two_is_taken_with_its_root) {
  const auto checked = check(sign(kGood) + text("root"));
  ASSERT_TRUE(checked) << checked.error().detail;
  EXPECT_EQ(checked->serial, (registry::Bytes{0x47, 0x11}));
  EXPECT_GT(checked->not_after, now() + 700 * kDayMs);
  EXPECT_FALSE(checked->der.empty());
  must("openssl x509 -in root.pem -outform DER -out root.der");
  EXPECT_EQ(checked->root, get(*folder_ / "root.der"));
}

// Rows: R-6-12
TEST_F(Activation, root_may_be_left_out) {
  const auto checked = check(sign(kGood));
  ASSERT_TRUE(checked) << checked.error().detail;
  EXPECT_TRUE(checked->root.empty());
}

TEST_F(Activation, text_around_the_certificates_does_not_matter) {
  EXPECT_TRUE(accepted("Certificate of the line:\n" + sign(kGood, "-text") + "\nand its root\n" + text("root")));
}

// Rows: R-6-11, R-6-12
TEST_F(Activation, intermediates_are_taken_and_the_far_root_is_not_the_devices_business) {
  make_root("long", "basicConstraints=critical,CA:TRUE,pathlen:2", "Root");
  must("cp root.pem keep.pem && cp root.key keep.key && cp long.pem root.pem && cp long.key root.key");
  make_intermediate("between", "basicConstraints=critical,CA:TRUE,pathlen:1\n" + kUsage);
  must("mv keep.pem root.pem && mv keep.key root.key");
  const auto checked = check(sign(kGood, "", "between") + text("between") + text("long"));
  ASSERT_TRUE(checked) << checked.error().detail;
  EXPECT_TRUE(checked->root.empty());
  EXPECT_TRUE(accepted(sign(kGood, "", "between") + text("between"))) << "without the root";
}

// Rows: R-6-07
TEST_F(Activation, clientAuth_among_other_usages_will_do) {
  EXPECT_TRUE(accepted(sign(kGood + "extendedKeyUsage=serverAuth,clientAuth\n") + text("root")));
}

// Rows: R-6-02, R-6-04
TEST_F(Activation, stronger_digests_and_a_subject_in_capitals_will_do) {
  EXPECT_TRUE(accepted(sign(kGood, "-sha384") + text("root")));
  EXPECT_TRUE(accepted(sign(kGood, "-sha512") + text("root")));
  std::string name = request_.subject.substr(3);
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_TRUE(accepted(sign(kGood, "-subj '/CN=" + name + " '") + text("root")));
}

// --- rules 1 to 4: the key, the name, the signature

// Rows: R-6-01
TEST_F(Activation, foreign_key_is_refused) {
  must("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkey -pubout -out foreign.pub");
  expect_rejected(sign(kGood, "-force_pubkey foreign.pub") + text("root"), 1, "not the CSR's");
}

// Rows: R-3-17, R-6-02
TEST_F(Activation, foreign_subject_is_refused) {
  expect_rejected(sign(kGood, "-subj /CN=somebody") + text("root"), 2, "subject");
  expect_rejected(sign(kGood, "-subj /O=plant/" + request_.subject) + text("root"), 2, "subject");
}

// Rows: R-6-03
TEST_F(Activation, rsa_key_is_refused) {
  must("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 | openssl pkey -pubout -out rsa.pub");
  expect_rejected(sign(kGood, "-force_pubkey rsa.pub") + text("root"), 3, "rsaEncryption");
}

// Rows: R-6-03
TEST_F(Activation, our_own_key_in_explicit_curve_parameters_is_refused) {
  must("openssl ec -pubin -in csr.pub -param_enc explicit -pubout -out explicit.pub");
  expect_rejected(sign(kGood, "-force_pubkey explicit.pub") + text("root"), 3, "explicit curve parameters");
}

// Rows: R-6-03
TEST_F(Activation, another_curve_is_refused) {
  must("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 | openssl pkey -pubout -out k1.pub");
  expect_rejected(sign(kGood, "-force_pubkey k1.pub") + text("root"), 3, "secp256k1");
}

// Rows: R-6-04
TEST_F(Activation, sha1_is_refused) { expect_rejected(sign(kGood, "-sha1") + text("root"), 4, "ecdsa-with-SHA1"); }

// Rows: R-6-04
TEST_F(Activation, rsa_signature_is_refused) {
  make_root("rsaroot", "basicConstraints=critical,CA:TRUE,pathlen:1", "RSA", "-newkey rsa:2048 -sha256 -days 3650");
  expect_rejected(sign(kGood, "", "rsaroot") + text("rsaroot"), 4, "sha256WithRSAEncryption");
}

// --- rules 5 to 9: the certificate's contents

// Rows: R-6-05
TEST_F(Activation, basic_constraints_are_needed_critical_and_of_a_ca) {
  expect_rejected(sign(kUsage + kKeyId) + text("root"), 5, "missing");
  expect_rejected(sign("basicConstraints=CA:TRUE\n" + kUsage + kKeyId) + text("root"), 5, "not critical");
  const std::string no_signing = "keyUsage=critical,digitalSignature\n";
  expect_rejected(sign("basicConstraints=critical,CA:FALSE\n" + no_signing + kKeyId) + text("root"), 5, "no CA");
}

TEST_F(Activation, critical_extension_that_nobody_knows_is_refused) {
  expect_rejected(sign(kGood + "1.3.6.1.4.1.99999.1=critical,ASN1:UTF8String:x\n") + text("root"), 5, "critical");
}

TEST_F(Activation, serial_has_to_be_positive_and_short) {
  expect_rejected(sign(kGood, "-set_serial 0") + text("root"), 5, "serial");
  expect_rejected(sign(kGood, "-set_serial -5") + text("root"), 5, "serial");
  expect_rejected(sign(kGood, "-set_serial 0x7f" + std::string(40, 'a')) + text("root"), 5, "serial");
}

// Rows: R-6-06
TEST_F(Activation, each_key_usage_is_needed) {
  const auto with = [](const std::string& usages) {
    return sign(kConstraints + kKeyId + (usages.empty() ? "" : "keyUsage=critical," + usages + "\n")) + text("root");
  };
  expect_rejected(with(""), 6, "missing");
  expect_rejected(with("keyCertSign,cRLSign"), 6, "digitalSignature");
  expect_rejected(with("digitalSignature,cRLSign"), 6, "keyCertSign");
  expect_rejected(with("digitalSignature,keyCertSign"), 6, "cRLSign");
}

// Rows: R-6-07
TEST_F(Activation, extended_key_usage_without_clientAuth_is_refused) {
  expect_rejected(sign(kGood + "extendedKeyUsage=serverAuth\n") + text("root"), 7, "clientAuth");
  expect_rejected(sign(kGood + "extendedKeyUsage=anyExtendedKeyUsage\n") + text("root"), 7, "clientAuth");
}

// Rows: R-6-08
TEST_F(Activation, subject_key_identifier_is_needed) {
  expect_rejected(sign(kConstraints + kUsage + "subjectKeyIdentifier=none\n") + text("root"), 8,
                  "subjectKeyIdentifier");
}

// Rows: R-6-09
TEST_F(Activation, certificate_out_of_its_time_is_refused) {
  const auto chain = sign(kGood) + text("root");
  expect_rejected(chain, 9, "expired", now() + 731 * kDayMs);
  expect_rejected(chain, 9, "not valid yet", now() - 2 * kDayMs);
  expect_rejected(chain, 9, "at least 365", now() + 366 * kDayMs);
  EXPECT_TRUE(check(chain, now() + 364 * kDayMs));
  expect_rejected(sign(kGood, "-days 364") + text("root"), 9, "at least 365");
}

// --- rules 10 and 11: what stands above

// Rows: R-6-10
TEST_F(Activation, path_lengths_leave_room) {
  make_root("narrow", "basicConstraints=critical,CA:TRUE,pathlen:0");
  expect_rejected(sign(kGood, "", "narrow") + text("narrow"), 10, "certificate 2 allows path length 0");
  make_intermediate("full", "basicConstraints=critical,CA:TRUE,pathlen:0\n" + kUsage);
  expect_rejected(sign(kGood, "", "full") + text("full"), 10, "certificate 2 allows path length 0");
  make_intermediate("wide", "basicConstraints=critical,CA:TRUE\n" + kUsage);
  expect_rejected(sign(kGood, "", "wide") + text("wide") + text("root"), 10, "certificate 3 allows path length 1; 2");
}

// Rows: R-6-11
TEST_F(Activation, wrong_order_is_told_apart_from_a_foreign_key) {
  expect_rejected(text("root") + sign(kGood), 11, "wrong order");
}

// Rows: R-6-11
TEST_F(Activation, broken_link_is_refused) {
  make_root("namesake", "basicConstraints=critical,CA:TRUE,pathlen:1");
  expect_rejected(sign(kGood) + text("namesake"), 11, "certificate 1 is not signed by certificate 2");
  make_root("stranger", "basicConstraints=critical,CA:TRUE,pathlen:1", "Stranger");
  expect_rejected(sign(kGood) + text("stranger"), 11, "names another issuer");
}

// Rows: R-6-11
TEST_F(Activation, nothing_follows_a_root) {
  expect_rejected(sign(kGood) + text("root") + text("root"), 11, "has to be the last");
}

TEST_F(Activation, those_above_have_to_be_cas_that_may_sign) {
  make_intermediate("nobody", "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n");
  expect_rejected(sign(kGood, "", "nobody") + text("nobody"), 11, "certificate 2 is no CA");
  make_intermediate("mute", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\n");
  expect_rejected(sign(kGood, "", "mute") + text("mute"), 11, "keyCertSign");
}

TEST_F(Activation, those_above_have_to_be_valid_now_and_well_signed) {
  make_root("short", "basicConstraints=critical,CA:TRUE,pathlen:1", "Short",
            "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -sha256 -days 400");
  expect_rejected(sign(kGood, "-days 2000", "short") + text("short"), 11, "not valid now", now() + 500 * kDayMs);
  make_intermediate("weak", "basicConstraints=critical,CA:TRUE\n" + kUsage, "-sha1");
  expect_rejected(sign(kGood, "", "weak") + text("weak"), 11, "SHA1");
}

// --- what is no chain

TEST_F(Activation, what_is_no_pem_chain_is_refused_without_being_quoted) {
  const auto key = get(*folder_ / "root.key");
  const auto good = sign(kGood);
  std::string eleven = good;
  for (int i = 0; i < 10; ++i) eleven += text("root");
  std::string damaged = good;
  damaged[damaged.size() / 2] = '!';
  for (const std::string& chain : {std::string(), std::string("hello"), good + std::string(key.begin(), key.end()),
                                   text("csr"), damaged, good.substr(0, good.size() - 40), eleven}) {
    const auto checked = check(chain);
    ASSERT_FALSE(checked) << chain;
    EXPECT_EQ(checked.error().reason, Reason::kCertificateRejected);
    EXPECT_THAT(checked.error().detail, StartsWith("the chain cannot be read: "));
    EXPECT_LT(checked.error().detail.size(), 100u);
  }
}

}  // namespace
}  // namespace latchkey::hub::ca::test
