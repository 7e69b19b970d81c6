// SPDX-License-Identifier: Apache-2.0
// A whole hub as in docs/signing-accounts.md: the quickstart, two signatures with timestamps, and a revocation by the
// command line from a moment between them. What `latchkey verify` says goes by the lists that the hub publishes.
#include <gmock/gmock.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "hub/signing/signature/detached.h"
#include "hub/text/encoding.h"
#include "hub/text/time.h"
#include "platform/openssl/pem.h"
#include "tests/integration/signing/workbench.h"
#include "tests/support/contoso.h"
#include "tests/support/hub.h"

namespace latchkey::tests {
namespace {

using namespace hub::signing;  // NOLINT: the test is about these rooms
using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

constexpr int kHour = 3600;
constexpr int kSigningMs = 500'000;  // an RSA key is made, on a machine that may do much else
const ByteView kFile = hub::signing::test::text("firmware 1.2.0");

class RevokeByCommand : public testing::Test {
 protected:
  void SetUp() override {
    hub.start();
    endpoints = json::parse(read_text(hub.work() / "endpoints.json"));
    make_profile(hub, "MyResourceGroup", "MyAccount", "MyProfile");
    make_signer(hub, "signer", bench.path("token"));
  }
  std::vector<std::string> of_profile(const std::string& verb) const {
    return {"signing",   "certificate",    verb,       "-g", "MyResourceGroup", "--account-name",
            "MyAccount", "--profile-name", "MyProfile"};
  }
  Finished client(std::vector<std::string> words) {
    // Python's own TLS trusts what that variable names.
    std::vector<std::string> command = {"/usr/bin/env", "SSL_CERT_FILE=" + hub.ca_file(), LATCHKEY_PYTHON,
                                        LATCHKEY_CLIENT};
    command.insert(command.end(), words.begin(), words.end());
    auto ran = run(command, kSigningMs);
    EXPECT_EQ(ran.exit_status, 0) << ran.out << ran.err;
    return ran;
  }
  Bytes sign(const Bytes& digest) {
    std::string token = read_text(bench.path("token"));
    token.erase(token.find_last_not_of('\n') + 1);
    client({"sign", endpoints.at("signing"), token, "MyAccount", "MyProfile", "RS256", hub::text::base64(digest),
            bench.path("value"), bench.path("collection")});
    return bench.read("value");
  }
  // A token over the value of the signature.
  Bytes timestamp() {
    tool({"ts", "-query", "-data", bench.path("value"), "-sha256", "-cert", "-out", bench.path("query")});
    client({"stamp", endpoints.at("signingOpen").get<std::string>() + "/timestamp", bench.path("query"),
            bench.path("reply")});
    tool({"ts", "-reply", "-in", bench.path("reply"), "-token_out", "-out", bench.path("token.der")});
    return bench.read("token.der");
  }
  // Signs the file now, with a timestamp.
  void sign_file(const std::string& name) {
    const Draft draft = draft_detached(Algorithm::kRs256, digest_of(Hash::kSha256, kFile));
    const Bytes value = sign(draft.digest());
    tool({"pkcs7", "-inform", "DER", "-in", bench.path("collection"), "-print_certs", "-out", bench.path("chain")});
    const auto chain = certificates_in("chain");
    std::vector<X509*> with;
    for (const auto& one : chain) with.push_back(one.get());
    const auto signature = draft.finish(value, with);
    ASSERT_TRUE(signature) << signature.error().detail;
    const auto stamped = stamp_detached(*signature, timestamp());
    ASSERT_TRUE(stamped) << stamped.error().detail;
    bench.put(name, *stamped);
  }
  std::vector<latchkey::openssl::X509Ptr> certificates_in(const std::string& name) {
    const std::string begin = "-----BEGIN CERTIFICATE-----";
    const std::string text = read_text(bench.path(name));
    std::vector<latchkey::openssl::X509Ptr> all;
    for (auto at = text.find(begin); at != std::string::npos; at = text.find(begin, at + 1)) {
      all.push_back(latchkey::openssl::certificate_from_pem(text.substr(at)));
    }
    return all;
  }
  static std::string tool(const std::vector<std::string>& words) {
    const auto ran = Workbench::openssl(words);
    EXPECT_EQ(ran.exit_status, 0) << ran.err;
    return ran.out;
  }
  void fetch(const std::string& url, const std::string& name) {
    EXPECT_EQ(client({"get", url, bench.path(name)}).out, "200\n") << url;
  }
  // Where the certificate says that its issuer's list lies.
  std::string list_of(const std::string& file, const std::string& form) {
    return behind(tool({"x509", "-inform", form, "-in", bench.path(file), "-noout", "-text"}), "URI:");
  }
  // Ids of CAs that no certificate names: from the registry, in the form that URLs have.
  std::string id_from(const std::string& question) {
    const auto ran = run({LATCHKEY_SQLITE, "-readonly", (hub.data() / "registry.db").string(),
                          "SELECT lower(hex(issuer)) FROM signing_authorities WHERE " + question});
    EXPECT_EQ(ran.exit_status, 0) << ran.err;
    std::string id = ran.out.substr(0, 32);
    for (const std::size_t at : {8, 13, 18, 23}) id.insert(std::min(at, id.size()), "-");
    return id;
  }
  // Roots and lists. Leaves name their issuer's list; the lists above are the owner's to know.
  void fetch_all() {
    const std::string open = endpoints.at("signingOpen");
    const auto leaves = list_of("chain", "PEM");
    EXPECT_THAT(leaves, StartsWith(open + "/crl/"));
    fetch(leaves, "leaves.crl");
    std::string issuing = leaves.substr(leaves.rfind('/') + 1, 36);
    std::erase(issuing, '-');
    const auto root = id_from("lower(hex(id)) = '" + issuing + "'");
    fetch(open + "/crl/" + root + ".crl", "issuing.crl");
    fetch(open + "/ca/" + root + ".cer", "root.cer");
    const auto authority = id_from("role = 3");  // AuthorityRole::kTimestamper
    fetch(open + "/crl/" + authority + ".crl", "authorities.crl");
    fetch(open + "/ca/" + authority + ".cer", "tsa-root.cer");
  }
  Finished verify(const std::string& name, const std::string& at) {
    fetch_all();
    return run({LATCHKEY_PROGRAM, "verify", bench.path("file"), "--signature", bench.path(name), "--ca-file",
                bench.path("root.cer"), "--tsa-ca-file", bench.path("tsa-root.cer"), "--crl-file",
                bench.path("leaves.crl"), "--crl-file", bench.path("issuing.crl"), "--crl-file",
                bench.path("authorities.crl"), "--at", at});
  }
  static std::string utc(std::time_t at) {
    return hub::text::iso8601(static_cast<UnixMs>(at) * 1000).replace(19, 4, "");  // without milliseconds
  }

  // The status that a request to sign hears when it is not taken.
  std::string refusal() {
    std::string token = read_text(bench.path("token"));
    token.erase(token.find_last_not_of('\n') + 1);
    const auto ran = run({"/usr/bin/env", "SSL_CERT_FILE=" + hub.ca_file(), LATCHKEY_PYTHON, LATCHKEY_CLIENT, "sign",
                          endpoints.at("signing"), token, "MyAccount", "MyProfile", "RS256",
                          hub::text::base64(Bytes(32, 0)), bench.path("value"), bench.path("collection")},
                         kSigningMs);
    EXPECT_EQ(ran.exit_status, 1) << ran.out << ran.err;
    return ran.out.substr(0, ran.out.find(' '));
  }
  // Number of the list that the signing certificate of `chain` names; -1 when it is not served.
  long list_number() {
    client({"get", list_of("chain", "PEM"), bench.path("leaves.crl")});
    const auto shown =
        Workbench::openssl({"crl", "-inform", "DER", "-in", bench.path("leaves.crl"), "-noout", "-crlnumber"}).out;
    const auto number = behind(shown, "crlNumber=0x");
    return number.empty() ? -1 : std::stol(number, nullptr, 16);
  }
  void operate(const std::vector<std::string>& words) {
    const auto ran = hub.cli(words);
    ASSERT_EQ(ran.exit_status, 0) << ran.out << ran.err;
  }

  Hub hub{hub_that_signs()};
  Workbench bench;
  json endpoints;
};

// Rows: S-6-106, S-6-117
TEST_F(RevokeByCommand, what_was_signed_before_stays_valid_and_what_was_signed_later_does_not) {
  EXPECT_EQ(hub.json({"status"}).at("signing"), endpoints.at("signing"));
  EXPECT_EQ(hub.json({"status"}).at("signingOpen"), endpoints.at("signingOpen"));
  bench.put("file", kFile);
  const std::time_t start = std::time(nullptr);
  sign_file("earlier.p7s");
  hub.set_clock(2 * kHour);
  sign_file("later.p7s");
  const auto from = utc(start + kHour);
  const auto later = utc(start + 4 * kHour);
  EXPECT_THAT(verify("earlier.p7s", later).out, StartsWith("Valid: "));
  EXPECT_THAT(verify("later.p7s", later).out, StartsWith("Valid: "));

  const auto certificates = hub.json(of_profile("list")).at("value");
  ASSERT_EQ(certificates.size(), 1u);
  auto revoke = of_profile("revoke");
  for (const auto& word : {std::string("--thumbprint"), certificates[0].at("thumbprint").get<std::string>(),
                           std::string("--reason"), std::string("KeyCompromised"), std::string("--effective-at"), from,
                           std::string("--remarks"), std::string("stolen")}) {
    revoke.push_back(word);
  }
  EXPECT_EQ(hub.cli(revoke).exit_status, 2);  // nobody to be asked
  EXPECT_THAT(verify("later.p7s", later).out, StartsWith("Valid: "));
  revoke.emplace_back("-y");
  const auto ran = hub.cli(revoke);
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr(from));

  EXPECT_THAT(verify("earlier.p7s", later).out, StartsWith("Valid: "));
  const auto judged = verify("later.p7s", later);
  EXPECT_EQ(judged.exit_status, 4);
  EXPECT_THAT(judged.out, HasSubstr("the certificate is revoked from " + from.substr(0, from.size() - 1)));
  EXPECT_THAT(judged.out, HasSubstr("KeyCompromised"));
  const auto profile = hub.json({"trustedsigning", "certificate-profile", "show", "-g", "MyResourceGroup",
                                 "--account-name", "MyAccount", "-n", "MyProfile"});
  EXPECT_EQ(profile.at("properties").at("status"), "Disabled");
  EXPECT_EQ(profile.at("properties").at("certificates")[0].at("status"), "Revoked");
}

// Rows: S-6-129
TEST_F(RevokeByCommand, rehearsal_that_goes_back_signs_as_it_did_then) {
  sign(Bytes(32, 0));
  tool({"pkcs7", "-inform", "DER", "-in", bench.path("collection"), "-print_certs", "-out", bench.path("chain")});
  const auto certificates = hub.json(of_profile("list")).at("value");
  ASSERT_EQ(certificates.size(), 1u);
  const long first = list_number();
  operate({"rehearsal", "snapshot", "create", "-n", "before"});

  auto revoke = of_profile("revoke");
  const std::string thumbprint = certificates[0].at("thumbprint");
  const std::string from = utc(std::time(nullptr) + kHour);
  for (const std::string word :
       {"--thumbprint", thumbprint.c_str(), "--reason", "KeyCompromised", "--effective-at", from.c_str(), "-y"}) {
    revoke.push_back(word);
  }
  operate(revoke);
  EXPECT_EQ(refusal(), "403");
  const long second = list_number();
  EXPECT_GT(second, first);

  operate({"rehearsal", "snapshot", "restore", "-n", "before", "-y"});
  EXPECT_EQ(hub.json(of_profile("list")).at("value"), certificates);
  sign(Bytes(32, 0));
  EXPECT_EQ(hub.json(of_profile("list")).at("value"), certificates) << "with the key of then";
  const long third = list_number();
  EXPECT_GT(third, second) << "numbers do not go back";

  operate({"rehearsal", "reset", "-y"});
  EXPECT_EQ(refusal(), "401");  // tokens are gone, too
  EXPECT_EQ(list_number(), -1) << "the CAs of before are gone";
  bench.put("value", Bytes(8, 1));
  timestamp();  // by another root

  operate({"rehearsal", "snapshot", "restore", "-n", "before", "-y"});
  sign(Bytes(32, 0));
  EXPECT_EQ(hub.json(of_profile("list")).at("value"), certificates);
  EXPECT_GT(list_number(), third);

  hub.stop();
  hub.start();
  EXPECT_EQ(json::parse(read_text(hub.work() / "endpoints.json")).at("signingOpen"), endpoints.at("signingOpen"))
      << "certificates name it";
  sign(Bytes(32, 0));
}

}  // namespace
}  // namespace latchkey::tests
