// SPDX-License-Identifier: Apache-2.0
// What others learn of the service's certificates at the addresses that these name: lists, CA certificates and OCSP,
// asked by `openssl ocsp` and judged by `openssl verify -crl_check_all`.
#include <chrono>
#include <regex>

#include "tests/integration/signing/served_signing.h"

namespace latchkey::tests {
namespace {

using namespace hub::signing;        // NOLINT: the test is about these rooms
using namespace hub::signing::test;  // NOLINT
using testing::HasSubstr;

UnixMs real_time() {
  using namespace std::chrono;  // NOLINT: one line
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// `openssl ocsp` goes by real time, whatever one says, so here the service does.
class SigningStatus : public testing::Test {
 protected:
  SigningStatus() {
    facts = served.profile("curves", KeyKind::kEcP256);
    served.sign(bench, facts, "ES256", Bytes(32, 0));
    leaf = bench.certificates("leaf.pem", {certificate_from_der(row().der).get()});
    root = put_root(TrustKind::kPublic, "root.pem");
  }
  registry::signing::Certificate row() { return served.service->certificates_of(facts)->at(0); }
  std::string put_root(TrustKind kind, const std::string& name) {
    return bench.certificates(name, {served.service->authorities().root(kind).certificate.get()});
  }
  // The address that a certificate names in that extension behind `label`.
  static std::string named(const std::string& certificate, const std::string& extension, const std::string& label) {
    const auto shown = Workbench::openssl({"x509", "-in", certificate, "-noout", "-ext", extension}).out;
    std::smatch found;
    EXPECT_TRUE(std::regex_search(shown, found, std::regex(label + R"([\s\S]*?URI:(\S+))"))) << shown;
    return found[1];
  }
  // The issuer's certificate, from where the certificate says it is.
  std::string issuer_of(const std::string& certificate, const std::string& name) {
    EXPECT_EQ(served.get(bench, named(certificate, "authorityInfoAccess", "CA Issuers"), name + ".der"), "200");
    EXPECT_EQ(Workbench::openssl({"x509", "-inform", "DER", "-in", bench.path(name + ".der"), "-out", bench.path(name)})
                  .exit_status,
              0);
    return bench.path(name);
  }
  std::string list_of(const std::string& certificate, const std::string& name) {
    EXPECT_EQ(served.get(bench, named(certificate, "crlDistributionPoints", "Full Name"), name), "200");
    return bench.list(name + ".pem", bench.read(name));
  }
  Finished ask(const std::string& certificate, const std::string& issuer, const std::string& trusted) {
    served.now = real_time();
    return Workbench::openssl({"ocsp", "-issuer", issuer, "-cert", certificate, "-CAfile", trusted, "-url",
                               named(certificate, "authorityInfoAccess", "OCSP")});
  }
  void revoke(UnixMs from, const std::string& reason) {
    const auto revoked = served.service->revocations().revoke(
        served.call(), facts, {{hub::text::hex(row().serial), hub::text::hex(row().thumbprint), from, reason, {}}});
    ASSERT_TRUE(revoked) << revoked.error().detail;
  }
  // The timestamper's certificate, out of a token.
  std::string timestamper() {
    const std::string file = bench.put("file", hub::signing::test::text("firmware 1.2.0"));
    EXPECT_EQ(Workbench::openssl({"ts", "-query", "-data", file, "-sha256", "-cert", "-out", bench.path("query")})
                  .exit_status,
              0);
    EXPECT_EQ(run({LATCHKEY_PYTHON, LATCHKEY_CLIENT, "stamp", served.public_url() + "/timestamp", bench.path("query"),
                   bench.path("reply")})
                  .exit_status,
              0);
    Workbench::openssl({"ts", "-reply", "-in", bench.path("reply"), "-token_out", "-out", bench.path("token")});
    Workbench::openssl(
        {"pkcs7", "-inform", "DER", "-in", bench.path("token"), "-print_certs", "-out", bench.path("tsa.pem")});
    return bench.path("tsa.pem");
  }

  ServedSigning served{quick_options(), real_time()};
  Workbench bench;
  ProfileFacts facts;
  std::string leaf;
  std::string root;
};

// Rows: S-6-126
TEST_F(SigningStatus, openssl_ocsp_asks_the_responder_that_the_certificate_names) {
  const std::string issuing = issuer_of(leaf, "issuing.pem");
  const auto good = ask(leaf, issuing, root);
  EXPECT_THAT(good.err, HasSubstr("Response verify OK"));
  EXPECT_THAT(good.out, HasSubstr("leaf.pem: good"));

  const UnixMs from = row().not_before;
  revoke(from, "KeyCompromised");
  const auto revoked = ask(leaf, issuing, root);
  EXPECT_THAT(revoked.err, HasSubstr("Response verify OK"));
  EXPECT_THAT(revoked.out, HasSubstr("leaf.pem: revoked"));
  EXPECT_THAT(revoked.out, HasSubstr("Reason: keyCompromise"));
  EXPECT_EQ(printed_time(behind(revoked.out, "Revocation Time: ")), from);
  EXPECT_THAT(revoked.err + revoked.out, testing::Not(HasSubstr("WARNING")));

  const auto ca = ask(issuing, root, root);
  EXPECT_THAT(ca.err, HasSubstr("Response verify OK"));
  EXPECT_THAT(ca.out, HasSubstr("issuing.pem: good"));
  const auto tsa = ask(timestamper(), put_root(TrustKind::kTimestamp, "tsa-root.pem"), bench.path("tsa-root.pem"));
  EXPECT_THAT(tsa.err, HasSubstr("Response verify OK"));
  EXPECT_THAT(tsa.out, HasSubstr("tsa.pem: good"));
  const auto unknown = Workbench::openssl(
      {"ocsp", "-issuer", issuing, "-serial", "0x1234", "-CAfile", root, "-url", served.public_url() + "/ocsp"});
  EXPECT_THAT(unknown.out, HasSubstr("0x1234: unknown"));
}

// Rows: S-6-127
TEST_F(SigningStatus, openssl_checks_the_whole_path_by_the_lists_that_it_names) {
  const std::string issuing = issuer_of(leaf, "issuing.pem");
  const auto verify = [&](const std::vector<std::string>& lists) {
    std::vector<std::string> command = {"verify", "-crl_check_all", "-attime", seconds(served.now), "-CAfile",
                                        root,     "-untrusted",     issuing};
    for (const auto& list : lists) command.insert(command.end(), {"-CRLfile", list});
    command.push_back(leaf);
    return Workbench::openssl(command);
  };
  const std::string of_root = list_of(issuing, "of-root");
  const std::string of_issuing = list_of(leaf, "of-issuing");
  const auto good = verify({of_root, of_issuing});
  EXPECT_EQ(good.exit_status, 0) << good.err;
  EXPECT_THAT(verify({of_issuing}).err, HasSubstr("unable to get certificate CRL"));

  revoke(row().not_before, "KeyCompromised");
  const auto revoked = verify({of_root, list_of(leaf, "now")});
  EXPECT_NE(revoked.exit_status, 0);
  EXPECT_THAT(revoked.err, HasSubstr("certificate revoked"));

  const std::string tsa = timestamper();
  const std::string tsa_root = put_root(TrustKind::kTimestamp, "tsa-root.pem");
  const auto stamper =
      Workbench::openssl({"verify", "-crl_check_all", "-purpose", "timestampsign", "-attime", seconds(served.now),
                          "-CAfile", tsa_root, "-CRLfile", list_of(tsa, "of-tsa-root"), tsa});
  EXPECT_EQ(stamper.exit_status, 0) << stamper.err;
}

}  // namespace
}  // namespace latchkey::tests
