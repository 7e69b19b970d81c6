// SPDX-License-Identifier: Apache-2.0
// `latchkey signing certificate` over a real server, management and signing service.
#include <cstdlib>

#include "tests/unit/hub/app/signing/signing_world.h"
#include "tests/unit/hub/cli/support.h"

namespace latchkey::hub::app {
namespace {

using testing::HasSubstr;
using testing::Not;

class CertificateVerbs : public management::CommandLineTest<SigningWorld> {
 protected:
  void SetUp() override {
    SigningWorld::SetUp();
    ::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    ::tzset();
  }
  void TearDown() override {
    server.reset();
    SigningWorld::TearDown();
    ::unsetenv("TZ");
    ::tzset();
  }
  std::string thumbprint(std::size_t number) { return certificates[number].value("thumbprint", ""); }
  Words revoke(const std::string& thumbprint, const std::string& from, const Words& more = {}) {
    Words words = {"signing",        "certificate",    "revoke",  "-g",           "rg",       "--account-name",
                   "contoso",        "--profile-name", "release", "--thumbprint", thumbprint, "--reason",
                   "KeyCompromised", "--effective-at", from};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // At a terminal, with that answer typed.
  int run_asked(const Words& words, const std::string& typed) {
    const std::string data = folder.path();
    std::vector<const char*> argv = {"latchkey", "--data", data.c_str()};
    for (const auto& word : words) argv.push_back(word.c_str());
    std::istringstream in(typed);
    std::ostringstream streams[2];
    const int status =
        cli::run_cli(static_cast<int>(argv.size()), argv.data(), cli::Terminal{in, streams[0], streams[1], true});
    out = streams[0].str();
    err = streams[1].str();
    return status;
  }
  const std::string kList = "signing certificate list -g rg --account-name contoso --profile-name release";
};

TEST_F(CertificateVerbs, list_shows_every_certificate_with_what_became_of_it) {
  ASSERT_EQ(run(kList), 0) << err;
  for (std::size_t i = 0; i < 3; ++i) EXPECT_THAT(out, HasSubstr(thumbprint(i)));
  EXPECT_THAT(out, Not(HasSubstr("Revoked")));
  ASSERT_EQ(run(revoke(thumbprint(0), kFrom, {"-y"})), 0) << err;
  ASSERT_EQ(run(kList), 0) << err;
  EXPECT_THAT(out, HasSubstr("Revoked"));
  EXPECT_THAT(out, HasSubstr("2026-11-19 18:00:00"));
  ASSERT_EQ(run("-o json " + kList), 0) << err;
  EXPECT_EQ(nlohmann::json::parse(out)["value"], shown());
  EXPECT_EQ(run("signing certificate list -g rg --account-name contoso --profile-name nothing"), 3);
}

// Rows: S-6-106, S-6-119
TEST_F(CertificateVerbs, revoke_takes_local_time_and_the_wire_has_utc) {
  ASSERT_EQ(run(revoke(thumbprint(0), "2026-11-19T19:30", {"--remarks", "stolen from the shelf", "-y"})), 0) << err;
  EXPECT_THAT(out, HasSubstr("2026-11-19 19:30:00 +0100 (CET)"));
  EXPECT_THAT(out, HasSubstr("2026-11-19T18:30:00Z"));
  const auto revocation = shown()[0]["revocation"];
  EXPECT_EQ(revocation["effectiveAt"], "2026-11-19T18:30:00.000Z");
  EXPECT_EQ(revocation["remarks"], "stolen from the shelf");
  EXPECT_EQ(run(revoke(thumbprint(0), "2026-11-19T19:30", {"-y"})), 4);  // once is all
}

TEST_F(CertificateVerbs, thumbprint_may_be_copied_from_anywhere) {
  std::string copied;
  for (std::size_t i = 0; i < 40; i += 2) {
    for (const char c : thumbprint(0).substr(i, 2)) copied += static_cast<char>(std::toupper(c));
    if (i < 38) copied += ':';
  }
  ASSERT_EQ(run(revoke(copied, kFrom, {"-y"})), 0) << err;
  EXPECT_EQ(shown()[0]["status"], "Revoked");
}

// Rows: S-6-107
TEST_F(CertificateVerbs, revoke_asks_before_it_acts) {
  EXPECT_EQ(run(revoke(thumbprint(2), "2026-11-21T15:00")), 2);  // nobody is there to be asked
  expect_untouched();
  EXPECT_EQ(run_asked(revoke(thumbprint(2), "2026-11-21T15:00"), "n\n"), 4);
  EXPECT_THAT(err, HasSubstr(thumbprint(2)));
  EXPECT_THAT(err, HasSubstr("2026-11-21 15:00:00 +0100 (CET), which is 2026-11-21T14:00:00Z"));
  EXPECT_THAT(err, HasSubstr("the profile signs no more"));
  EXPECT_THAT(err, HasSubstr("This cannot be undone."));
  expect_untouched();
  EXPECT_EQ(run_asked(revoke(thumbprint(0), kFrom), "y\n"), 0) << err;
  EXPECT_THAT(err, Not(HasSubstr("the profile signs no more")));
  EXPECT_EQ(shown()[0]["status"], "Revoked");
}

TEST_F(CertificateVerbs, bad_words_are_refused_and_change_nothing) {
  EXPECT_EQ(run(revoke(std::string(40, 'a'), kFrom, {"-y"})), 3);
  EXPECT_EQ(run(revoke(thumbprint(0), "yesterday", {"-y"})), 2);
  EXPECT_EQ(run(revoke(thumbprint(0), "2026-10-25T02:30", {"-y"})), 2);
  EXPECT_THAT(err, HasSubstr("comes twice"));
  EXPECT_EQ(run(revoke(thumbprint(0), "2026-12-01T00:00Z", {"-y"})), 2);  // beyond its validity
  auto words = revoke(thumbprint(0), kFrom, {"-y"});
  *std::find(words.begin(), words.end(), "KeyCompromised") = "Boredom";
  EXPECT_EQ(run(words), 2);
  expect_untouched();
}

// Rows: S-6-118
TEST_F(CertificateVerbs, hold_and_settle_play_the_provider) {
  const std::string settle =
      "signing certificate settle -g rg --account-name contoso --profile-name release --thumbprint ";
  ASSERT_EQ(run("signing certificate hold"), 0) << err;
  ASSERT_EQ(run(revoke(thumbprint(0), kFrom, {"-y"})), 0) << err;
  EXPECT_EQ(shown()[0]["revocation"]["status"], "InProgress");
  ASSERT_EQ(run(settle + thumbprint(0) + " --failure-reason no"), 0) << err;
  EXPECT_EQ(shown()[0]["revocation"]["status"], "Failed");
  ASSERT_EQ(run(revoke(thumbprint(0), kFrom, {"-y"})), 0) << err;
  ASSERT_EQ(run(settle + thumbprint(0)), 0) << err;
  EXPECT_EQ(shown()[0]["status"], "Revoked");
  EXPECT_EQ(run(settle + thumbprint(0)), 4);
  ASSERT_EQ(run("signing certificate hold --off"), 0) << err;
}

}  // namespace
}  // namespace latchkey::hub::app
