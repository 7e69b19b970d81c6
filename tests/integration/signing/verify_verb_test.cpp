// SPDX-License-Identifier: Apache-2.0
// `latchkey verify`: the verdict over files, as a person and as a program read it.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "hub/signing/authenticode/authenticode.h"
#include "hub/signing/bundle/bundle.h"
#include "tests/integration/signing/workbench.h"
#include "tests/unit/hub/signing/authenticode/sample_pe.h"

namespace latchkey::tests {
namespace {

using namespace hub::signing;        // NOLINT: the test is about these rooms
using namespace hub::signing::test;  // NOLINT
using testing::HasSubstr;
using testing::StartsWith;

constexpr int kValid = 0;
constexpr int kBadInput = 2;
constexpr int kNotValid = 4;
const ByteView kFile = text("firmware 1.2.0");

// docs/latchkey.1 against what the program says of itself.
TEST(ManualPage, names_every_option_of_sign_and_verify) {
  std::string page = read_text(LATCHKEY_MANUAL_PAGE);
  std::erase(page, '\\');
  ASSERT_THAT(page, HasSubstr(".SH SIGNED FILES"));
  page.erase(0, page.find(".SH SIGNED FILES"));
  int options = 0;
  for (const char* verb : {"sign", "verify"}) {
    std::istringstream help(run({LATCHKEY_PROGRAM, verb, "--help"}).out);
    for (std::string word; help >> word;) {
      const auto at = word.find("--");
      if (at != 0 && !(at == 3 && word[0] == '-' && word[2] == ',')) continue;
      std::string name = word.substr(at);
      name.resize(std::min(name.size(), name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-")));  // "--board,"
      if (name == "--help") continue;
      EXPECT_THAT(page, HasSubstr(name)) << verb;
      ++options;
    }
  }
  EXPECT_GE(options, 20);
}

class VerifyVerb : public testing::Test {
 protected:
  void SetUp() override {
    bench.certificates("root.pem", {world.root.x509()});
    bench.certificates("tsa-root.pem", {world.timestamp_root.x509()});
    write_lists({});
    bench.put("file", kFile);
    bench.put("file.p7s", world.stamp(world.sign(leaf, kFile), kStart + 20 * kHour));
  }
  void write_lists(const World::Entries& entries) {
    bench.put("leaves.crl", world.list_of(world.issuing, entries.leaves));
    bench.list("issuing.crl", world.list_of(world.root, entries.issuing_cas));
    bench.list("timestampers.crl", world.list_of(world.timestamp_root, entries.timestampers));
  }
  Finished verify(std::vector<std::string> words) {
    std::vector<std::string> command = {LATCHKEY_PROGRAM,       "verify",        "--ca-file",
                                        bench.path("root.pem"), "--tsa-ca-file", bench.path("tsa-root.pem")};
    for (const char* list : {"leaves.crl", "issuing.crl", "timestampers.crl"}) {
      command.insert(command.end(), {"--crl-file", bench.path(list)});
    }
    command.insert(command.end(), words.begin(), words.end());
    return run(command);
  }
  Finished verify_detached(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {bench.path("file"), "--signature", bench.path("file.p7s"), "--at",
                                      "2027-01-01T00:00:00Z"};
    words.insert(words.end(), more.begin(), more.end());
    return verify(words);
  }
  World world;
  Workbench bench;
  Certified leaf = world.leaf();
};

TEST_F(VerifyVerb, says_valid_in_a_sentence) {
  const auto ran = verify_detached();
  EXPECT_EQ(ran.exit_status, kValid) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("Valid: signed by CN=Contoso Inc"));
}

TEST_F(VerifyVerb, says_since_when_not_and_why) {
  write_lists({{revoked(leaf, kStart + 10 * kHour)}, {}, {}});
  const auto ran = verify_detached();
  EXPECT_EQ(ran.exit_status, kNotValid);
  EXPECT_THAT(ran.out, StartsWith("Not valid since 2026-01-01T10:00:00.000Z: the certificate is revoked"));
  const auto json = nlohmann::json::parse(verify_detached({"-o", "json"}).out);
  EXPECT_EQ(json["valid"], false);
  EXPECT_EQ(json["reason"], "revoked");
}

TEST_F(VerifyVerb, takes_pe_files_and_bundles_by_what_they_are) {
  const Bytes file = sample_pe(PeKind::kPe32Plus);
  const auto draft = draft_authenticode(file, Algorithm::kEs256);
  bench.put("file.exe",
            *attach_authenticode(file, *draft->finish(*sign_digest(leaf.key.get(), Algorithm::kEs256, draft->digest()),
                                                      {leaf.x509(), world.issuing.x509()})));
  BundleManifest manifest{"board", {1, 0, 0}, kFile.size(), digest_of(Hash::kSha256, kFile), {1, 0, 0}, {}};
  const auto bundle = BundleDraft::make(manifest, Algorithm::kEs256);
  const Bytes envelope = *bundle->finish(*sign_digest(leaf.key.get(), Algorithm::kEs256, bundle->digest()),
                                         {leaf.x509(), world.issuing.x509()});
  bench.put("file.bundle", join_bundle(envelope, kFile));
  for (const char* name : {"file.exe", "file.bundle"}) {
    EXPECT_EQ(verify({bench.path(name), "--at", "2026-01-01T01:00:00Z"}).exit_status, kValid) << name;
    EXPECT_EQ(verify({bench.path(name), "--at", "2026-01-05T00:00:00Z"}).exit_status, kNotValid) << name;
  }
  const auto neither = verify({bench.path("file"), "--at", "2026-01-01T01:00:00Z"});
  EXPECT_EQ(neither.exit_status, kNotValid);
  EXPECT_THAT(neither.out, HasSubstr("not a bundle"));
}

TEST_F(VerifyVerb, holds_the_file_to_the_pinned_profile) {
  const std::string own = durable_eku(ProfileType::kPublicTrust, {990309390, 766961637, 194916062, 941502583});
  EXPECT_EQ(verify_detached({"--eku", own}).exit_status, kValid);
  EXPECT_EQ(verify_detached({"--eku", own + "1"}).exit_status, kNotValid);
}

TEST_F(VerifyVerb, without_lists_wants_to_be_told_so) {
  const std::vector<std::string> bare = {
      LATCHKEY_PROGRAM,           "verify",    bench.path("file"),     "--signature",
      bench.path("file.p7s"),     "--ca-file", bench.path("root.pem"), "--tsa-ca-file",
      bench.path("tsa-root.pem"), "--at",      "2027-01-01T00:00:00Z"};
  EXPECT_THAT(run(bare).out, HasSubstr("nobody can say whether the certificate is revoked"));
  auto accepting = bare;
  accepting.emplace_back("--accept-unknown-revocation");
  EXPECT_EQ(run(accepting).exit_status, kValid);
}

TEST_F(VerifyVerb, refuses_files_and_times_that_are_none) {
  EXPECT_EQ(verify({bench.path("missing")}).exit_status, kBadInput);
  EXPECT_EQ(verify({bench.path("file"), "--signature", bench.path("missing")}).exit_status, kBadInput);
  EXPECT_EQ(verify({bench.path("file"), "--ca-file", bench.path("file")}).exit_status, kBadInput);
  EXPECT_EQ(verify({bench.path("file"), "--crl-file", bench.path("root.pem")}).exit_status, kBadInput);
  for (const char* time : {"now", "2026-01-01", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00Z ",
                           "2026-01-01T00:00:00+01:00"}) {
    const auto ran = verify({bench.path("file"), "--signature", bench.path("file.p7s"), "--at", time});
    EXPECT_EQ(ran.exit_status, kBadInput) << time;
  }
}

}  // namespace
}  // namespace latchkey::tests
