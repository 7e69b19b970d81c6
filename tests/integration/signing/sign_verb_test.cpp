// SPDX-License-Identifier: Apache-2.0
// `latchkey sign` against a whole hub with its signing service: what it writes is held to `openssl cms -verify` and
// `latchkey verify`, and what it refuses leaves nothing behind.
#include <gmock/gmock.h>

#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "hub/text/time.h"
#include "tests/integration/signing/workbench.h"
#include "tests/support/contoso.h"
#include "tests/support/hub.h"
#include "tests/unit/hub/signing/authenticode/sample_pe.h"

namespace latchkey::tests {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr int kBadInput = 2;
constexpr int kRefused = 4;
constexpr int kTryAgain = 5;
constexpr int kHour = 3600;
constexpr int kSigningMs = 500'000;  // an RSA key is made, on a machine that may do much else

class SignVerb : public testing::Test {
 protected:
  void SetUp() override { bench.put("file", hub::signing::test::text("firmware 1.2.0")); }
  // docs/signing.md: from nothing to a profile, and two tokens, one of them with the role.
  void make_profile() {
    hub.start();
    tests::make_profile(hub, "Group", "MyAccount", "MyProfile");
    make_signer(hub, "signer", bench.path("signer"));
    make_token(hub, "stranger", bench.path("stranger"));
  }
  Finished sign(const std::string& file, const std::vector<std::string>& more, const std::string& token = "signer") {
    std::vector<std::string> command = {LATCHKEY_PROGRAM, "--data",         hub.data().string(),
                                        "sign",           bench.path(file), "--account",
                                        "MyAccount",      "--profile",      "MyProfile"};
    if (!token.empty()) command.insert(command.end(), {"--token-file", bench.path(token)});
    command.insert(command.end(), more.begin(), more.end());
    return run(command, kSigningMs);
  }
  std::string root(const char* name) const { return (hub.data() / "signing" / name).string(); }
  static std::string seconds_from_now(int seconds) { return std::to_string(std::time(nullptr) + seconds); }
  static std::string utc(int seconds) {  // from now
    const auto at = static_cast<UnixMs>(std::time(nullptr) + seconds) * 1000;
    return hub::text::iso8601(at).replace(19, 4, "");
  }
  // As of an hour from now: a timestamp's accuracy is over then, and the certificate is not.
  Finished verify(std::vector<std::string> words) {
    std::vector<std::string> command = {LATCHKEY_PROGRAM,
                                        "verify",
                                        "--ca-file",
                                        root("roots.pem"),
                                        "--tsa-ca-file",
                                        root("timestamp-roots.pem"),
                                        "--accept-unknown-revocation",
                                        "-o",
                                        "json",
                                        "--at",
                                        utc(kHour)};
    command.insert(command.end(), words.begin(), words.end());
    return run(command);
  }
  void expect_valid(const std::vector<std::string>& words, bool stamped = true) {
    const auto ran = verify(words);
    ASSERT_EQ(ran.exit_status, 0) << ran.out << ran.err;
    const auto verdict = nlohmann::json::parse(ran.out);
    EXPECT_EQ(verdict.at("valid"), true);
    EXPECT_EQ(verdict.at("timestamp").is_null(), !stamped) << ran.out;
  }
  static void expect_refused(const Finished& ran, int exit_status, const std::string& words) {
    EXPECT_EQ(ran.exit_status, exit_status) << ran.out << ran.err;
    EXPECT_THAT(ran.err, HasSubstr(words));
  }
  bool is_there(const std::string& name) const { return std::filesystem::exists(bench.path(name)); }

  Hub hub{hub_that_signs()};
  Workbench bench;
};

TEST_F(SignVerb, signs_files_programs_and_firmware) {
  make_profile();
  // Any file, beside it.
  auto ran = sign("file", {});
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("Signed and stamped: " + bench.path("file.p7s")));
  const auto at_once = run({LATCHKEY_PROGRAM, "verify", bench.path("file"), "--signature", bench.path("file.p7s"),
                            "--ca-file", root("roots.pem"), "--tsa-ca-file", root("timestamp-roots.pem"),
                            "--accept-unknown-revocation", "-o", "json"});
  EXPECT_FALSE(nlohmann::json::parse(at_once.out).at("timestamp").is_null()) << at_once.out;
  expect_valid({bench.path("file"), "--signature", bench.path("file.p7s")});
  const auto cms = Workbench::openssl({"cms", "-verify", "-binary", "-inform", "DER", "-in", bench.path("file.p7s"),
                                       "-content", bench.path("file"), "-CAfile", root("roots.pem"), "-purpose", "any",
                                       "-out", bench.path("content")});
  EXPECT_EQ(cms.exit_status, 0) << cms.err;
  const auto mode = std::filesystem::status(bench.path("file.p7s")).permissions();
  EXPECT_EQ(static_cast<unsigned>(mode), 0644u);
  // Not over what is there, unless told so.
  const auto before = bench.read("file.p7s");
  expect_refused(sign("file", {}), kBadInput, "exists already");
  EXPECT_EQ(bench.read("file.p7s"), before);
  ran = sign("file", {"--force", "--no-timestamp", "--algorithm", "PS384"});
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  EXPECT_NE(bench.read("file.p7s"), before);
  expect_valid({bench.path("file"), "--signature", bench.path("file.p7s")}, false);
  // Firmware.
  ran = sign("file",
             {"--board", "demo-board", "--version", "1.2.0", "--min-version", "1.0.0", "--requires", "boot=2.0.1"});
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  expect_valid({bench.path("file.lkb")});
  // A program, told by its first bytes.
  bench.put("tool.exe", hub::signing::test::sample_pe(hub::signing::test::PeKind::kPe32Plus));
  ran = sign("tool.exe", {"--out", bench.path("signed.exe")});
  ASSERT_EQ(ran.exit_status, 0) << ran.err;
  expect_valid({bench.path("signed.exe")});
  // Of lists it asks more than they can say (docs/signing.md).
  const auto authenticode =
      Workbench::osslsigncode({"verify", "-in", bench.path("signed.exe"), "-CAfile", root("roots.pem"), "-TSA-CAfile",
                               root("timestamp-roots.pem"), "-ignore-crl", "-time", seconds_from_now(kHour)});
  EXPECT_EQ(authenticode.exit_status, 0) << authenticode.out << authenticode.err;
  EXPECT_THAT(authenticode.out, HasSubstr("Signature verification: ok"));
  auto changed = bench.read("signed.exe");
  changed[changed.size() / 4] ^= 1;
  bench.put("changed.exe", changed);
  EXPECT_NE(
      Workbench::osslsigncode({"verify", "-in", bench.path("changed.exe"), "-CAfile", root("roots.pem"), "-TSA-CAfile",
                               root("timestamp-roots.pem"), "-ignore-crl", "-time", seconds_from_now(kHour)})
          .exit_status,
      0);
  expect_refused(sign("signed.exe", {"--out", bench.path("again.exe")}), kBadInput, "signed already");

  // What the service refuses leaves nothing behind.
  const auto out = bench.path("none");
  const auto stranger = sign("file", {"--out", out}, "stranger");
  expect_refused(stranger, kRefused, "Signer' --scope /");
  bench.put("no-token", hub::signing::test::text("lk1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
  EXPECT_EQ(sign("file", {"--out", out}, "no-token").exit_status, kRefused);
  expect_refused(sign("file", {"--out", out, "--algorithm", "ES256"}), kBadInput, "do not sign ES256");
  const auto elsewhere = sign("file", {"--out", out, "--timestamp-url", "http://127.0.0.1:1/"});
  expect_refused(elsewhere, kTryAgain, "nobody answers");
  // A profile that is not active: its current certificate is revoked.
  const std::string thumbprint = hub.json({"signing", "certificate", "list", "-g", "Group", "--account-name",
                                           "MyAccount", "--profile-name", "MyProfile"})
                                     .at("value")[0]
                                     .at("thumbprint");
  const auto revoked =
      hub.cli({"signing", "certificate", "revoke", "-g", "Group", "--account-name", "MyAccount", "--profile-name",
               "MyProfile", "--thumbprint", thumbprint, "--reason", "Superseded", "--effective-at", utc(kHour), "-y"});
  ASSERT_EQ(revoked.exit_status, 0) << revoked.err;
  EXPECT_EQ(sign("file", {"--out", out}).exit_status, kRefused);
  EXPECT_FALSE(is_there("none"));
  hub.json({"trustedsigning", "certificate-profile", "delete", "-g", "Group", "--account-name", "MyAccount", "-n",
            "MyProfile", "-y"});
  expect_refused(sign("file", {"--out", out}), kRefused, "Is there a profile 'MyProfile'");
  EXPECT_FALSE(is_there("none"));
}

TEST_F(SignVerb, refuses_what_is_no_input_before_it_asks_anybody) {  // no hub runs
  const std::vector<std::string> bundle = {"--board", "b", "--version", "1.0.0"};
  const auto with = [](std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  expect_refused(sign("missing", {}), kBadInput, "cannot read");
  expect_refused(sign("file", {}, ""), kBadInput, "latchkey role token create");
  expect_refused(sign("file", {"--kind", "pe", "--out", bench.path("x")}), kBadInput, "file: ");
  expect_refused(sign("file", {"--algorithm", "RS1"}), kBadInput, "--algorithm is RS256");
  expect_refused(sign("file", {"--kind", "zip"}), kBadInput, "--kind");
  expect_refused(sign("file", {"--version", "1.0.0"}), kBadInput, "are for --kind bundle");
  expect_refused(sign("file", {"--kind", "bundle"}), kBadInput, "needs --board and --version");
  for (const char* version :
       {"1.0", "1.0.0.0", "01.0.0", "1.0.x", "v1.0.0", "-1.0.0", "1..0", "1.0.4294967296", " 1.0.0"}) {
    expect_refused(sign("file", {"--board", "b", "--version", version}), kBadInput, "three numbers like 1.2.3");
  }
  expect_refused(sign("file", with(bundle, {"--min-version", "1"})), kBadInput, "--min-version");
  expect_refused(sign("file", with(bundle, {"--min-version", "1.0.1"})), kBadInput, "not below its minimum");
  expect_refused(sign("file", with(bundle, {"--requires", "boot"})), kBadInput, "PART=1.2.3");
  expect_refused(sign("file", with(bundle, {"--requires", "boot=1"})), kBadInput, "--requires boot");
  expect_refused(sign("file", with(bundle, {"--requires", "a=1.0.0", "--requires", "a=1.0.0"})), kBadInput, "manifest");
  expect_refused(sign("file", {"--endpoint", "https://127.0.0.1:1"}, "file"), kBadInput, "--timestamp-url");
  expect_refused(sign("file", {"--ca", bench.path("file")}, "file"), kBadInput, "--endpoint");
  expect_refused(sign("file", {}, "file"), kTryAgain, "no hub is running");
  EXPECT_FALSE(is_there("file.p7s"));
  EXPECT_FALSE(is_there("file.lkb"));
}

TEST(SignVerbWithoutService, says_how_to_start_it) {
  Hub hub;
  hub.start();
  Workbench bench;
  bench.put("file", hub::signing::test::text("firmware 1.2.0"));
  const auto ran = hub.cli({"sign", bench.path("file"), "-a", "A", "-p", "P", "--token-file", bench.path("file")});
  EXPECT_EQ(ran.exit_status, kRefused);
  EXPECT_THAT(ran.err, HasSubstr("--signing-listen 127.0.0.1:0"));
}

}  // namespace
}  // namespace latchkey::tests
