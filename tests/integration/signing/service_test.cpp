// SPDX-License-Identifier: Apache-2.0
// The data plane over HTTP, asked by a client that is not ours, and what it makes judged by OpenSSL.
#include <sys/stat.h>

#include "hub/signing/signature/detached.h"
#include "tests/integration/signing/served_signing.h"

namespace latchkey::tests {
namespace {

using namespace hub::signing;        // NOLINT: the test is about these rooms
using namespace hub::signing::test;  // NOLINT
using testing::HasSubstr;

const ByteView kFile = hub::signing::test::text("firmware 1.2.0");

class SigningService : public testing::Test {
 protected:
  // What `openssl dgst -verify` says of a signature over kFile.
  int dgst(const std::string& hash, ByteView signature, std::vector<std::string> options = {}) {
    EXPECT_EQ(bench.openssl({"x509", "-in", bench.path("certificates"), "-pubkey", "-noout", "-out", bench.path("key")})
                  .exit_status,
              0);
    std::vector<std::string> command = {
        "dgst", "-" + hash, "-verify", bench.path("key"), "-signature", bench.put("value", signature)};
    command.insert(command.end(), options.begin(), options.end());
    command.push_back(bench.put("file", kFile));
    return bench.openssl(command).exit_status;
  }
  void put_root() {
    const auto der = certificate_der(served.service->authorities().root(TrustKind::kPublic).certificate.get());
    bench.certificates("root.pem", {certificate_from_der(der).get()});
  }
  ServedSigning served;
  Workbench bench;
};

// Rows: S-6-120
TEST_F(SigningService, serves_the_requests_of_jsign_and_openssl_verifies_what_comes_back) {
  const auto rsa = served.profile("release", KeyKind::kRsa3072);
  const Bytes sha256 = digest_of(Hash::kSha256, kFile);
  EXPECT_EQ(dgst("sha256", served.sign(bench, rsa, "RS256", sha256)), 0);
  const Bytes pss = served.sign(bench, rsa, "PS256", sha256);
  EXPECT_EQ(dgst("sha256", pss, {"-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"}), 0);
  EXPECT_NE(dgst("sha256", pss), 0);
  const auto ec = served.profile("curves", KeyKind::kEcP384);
  EXPECT_EQ(dgst("sha384", served.sign(bench, ec, "ES384", digest_of(Hash::kSha384, kFile))), 0);
  EXPECT_NE(dgst("sha384", Bytes(96, 1)), 0);
}

TEST_F(SigningService, learns_the_chain_by_signing_zeros_and_openssl_builds_its_path) {
  const auto rsa = served.profile("release", KeyKind::kRsa3072);
  served.sign(bench, rsa, "RS256", Bytes(32, 0));
  EXPECT_EQ(served.get(bench,
                       served.data_url() + "/codesigningaccounts/contoso/certificateprofiles/release/sign/rootcert"
                                           "?api-version=2023-06-15-preview",
                       "root.der", kToken),
            "200");
  ASSERT_EQ(bench.openssl({"x509", "-inform", "DER", "-in", bench.path("root.der"), "-out", bench.path("root.pem")})
                .exit_status,
            0);
  const auto verified =
      bench.openssl({"verify", "-CAfile", bench.path("root.pem"), "-untrusted", bench.path("certificates"), "-attime",
                     seconds(kStart + kHour), bench.path("certificates")});
  EXPECT_EQ(verified.exit_status, 0) << verified.out << verified.err;
  const auto shown = bench.openssl({"x509", "-in", bench.path("certificates"), "-noout", "-text"}).out;
  EXPECT_THAT(shown, HasSubstr(rsa.durable_eku));
  EXPECT_THAT(shown, HasSubstr("Code Signing"));
  EXPECT_THAT(shown, HasSubstr("Public-Key: (3072 bit)"));
}

TEST_F(SigningService, a_file_signed_by_digest_passes_openssl_cms) {
  const auto facts = served.profile("release", KeyKind::kEcP256);
  put_root();
  const Draft draft = draft_detached(Algorithm::kEs256, digest_of(Hash::kSha256, kFile));
  const Bytes value = served.sign(bench, facts, "ES256", draft.digest());
  const auto row = served.service->certificates_of(facts)->at(0);
  const auto leaf = certificate_from_der(row.der);
  const auto signature =
      draft.finish(value, {leaf.get(), served.service->authorities().issuing(TrustKind::kPublic).certificate.get()});
  ASSERT_TRUE(signature) << signature.error().detail;
  const auto ran =
      bench.openssl({"cms", "-verify", "-binary", "-inform", "DER", "-in", bench.put("file.p7s", *signature),
                     "-content", bench.put("file", kFile), "-CAfile", bench.path("root.pem"), "-purpose", "any",
                     "-attime", seconds(kStart + kHour), "-out", bench.path("out")});
  EXPECT_EQ(ran.exit_status, 0) << ran.err;
}

TEST_F(SigningService, keys_lie_in_files_that_only_their_owner_may_read) {
  const auto facts = served.profile("curves", KeyKind::kEcP256);
  served.sign(bench, facts, "ES256", Bytes(32, 0));
  struct stat found {};
  const std::string folder = served.folder.file("signing-keys");
  ASSERT_EQ(::stat(folder.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0700U);
  std::size_t keys = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ASSERT_EQ(::stat(entry.path().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U) << entry.path();
    ++keys;
  }
  EXPECT_EQ(keys, 9u);  // four roots, three issuing CAs, a timestamper, the profile's
  // They go when their certificate has expired.
  served.directory.clear();
  served.now = kStart + 4 * kDay;
  ASSERT_TRUE(served.service->tick());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 8);
}

TEST_F(SigningService, refuses_a_wrong_token_and_a_wrong_profile_over_http) {
  served.profile("release", KeyKind::kEcP256);
  const std::string eku =
      "/codesigningaccounts/contoso/certificateprofiles/release/sign/eku?api-version=2023-06-15-preview";
  EXPECT_EQ(served.get(bench, served.data_url() + eku, "body", kToken), "200");
  EXPECT_EQ(served.get(bench, served.data_url() + eku, "body"), "401");
  EXPECT_EQ(served.get(bench, served.data_url() + eku, "body", "another"), "401");
  const std::string other =
      "/codesigningaccounts/contoso/certificateprofiles/nothing/sign/eku?api-version=2023-06-15-preview";
  EXPECT_EQ(served.get(bench, served.data_url() + other, "body", kToken), "403");
}

// Rows: S-6-106, S-6-110
TEST_F(SigningService, a_revocation_stands_on_the_list_that_openssl_reads) {
  const auto facts = served.profile("curves", KeyKind::kEcP256);
  put_root();
  const std::string list_url = served.public_url() + "/crl/" +
                               hub::text::uuid_text(served.service->authorities().issuing(TrustKind::kPublic).id) +
                               ".crl";
  const auto list_text = [&] {
    EXPECT_EQ(served.get(bench, list_url, "list.der"), "200");
    return bench.openssl({"crl", "-inform", "DER", "-in", bench.path("list.der"), "-noout", "-text", "-crlnumber"}).out;
  };
  served.sign(bench, facts, "ES256", Bytes(32, 0));
  const std::string before = list_text();
  EXPECT_THAT(before, HasSubstr("No Revoked Certificates"));
  EXPECT_THAT(before, HasSubstr("crlNumber=0x01"));

  const auto row = served.service->certificates_of(facts)->at(0);
  const UnixMs from = kStart + 5 * kHour;
  const auto revoked = served.service->revocations().revoke(
      served.call(), facts, {{hub::text::hex(row.serial), hub::text::hex(row.thumbprint), from, "KeyCompromised", {}}});
  ASSERT_TRUE(revoked) << revoked.error().detail;
  const std::string after = list_text();
  EXPECT_THAT(after, HasSubstr("crlNumber=0x02"));
  EXPECT_EQ(printed_time(behind(after, "Revocation Date: ")), from);
  EXPECT_THAT(after, HasSubstr("Key Compromise"));
  // The thumbprint is what OpenSSL, as Windows, shows for the certificate.
  std::string shown =
      behind(bench.openssl({"x509", "-in", bench.path("certificates"), "-noout", "-fingerprint", "-sha1"}).out, "=");
  std::erase(shown, ':');
  for (char& c : shown) c = static_cast<char>(std::tolower(c));
  EXPECT_EQ(shown, hub::text::hex(row.thumbprint));
}

}  // namespace
}  // namespace latchkey::tests
