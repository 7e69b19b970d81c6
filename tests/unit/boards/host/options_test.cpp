// SPDX-License-Identifier: Apache-2.0
#include "boards/host/options.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "tests/support/temporary_folder.h"

namespace latchkey::boards::host {
namespace {

struct OptionsOf : testing::Test {
  void SetUp() override {
    ASSERT_TRUE(crypto::init().has_value());
    key = folder.write("key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 0600);
    ca = folder.write("ca.pem", "any", 0644);
  }

  std::vector<std::string> good() const {
    return {
        "latchkey-agent", "--registration-id",  "dev-1",      "--id-scope", "0ne", "--dps", "127.0.0.1:9", "--ca", ca,
        "--state",        folder.file("state"), "--key-file", key};
  }
  static std::variant<Options, Exit> parse(const std::vector<std::string>& words) {
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    return parse_options(static_cast<int>(argv.size()), argv.data());
  }
  static std::string problem_of(const Options& options) {
    std::string problem;
    EXPECT_FALSE(make_config(options, problem).has_value());
    return problem;
  }

  const tests::TemporaryFolder folder;
  std::string key;
  std::string ca;
};

TEST_F(OptionsOf, a_good_command_line_become_a_configuration) {
  auto words = good();
  for (const char* word :
       {"--key-profile", "ec-p384", "--retry-initial-ms", "50", "--renew-at", "0.5", "--keep-alive-s", "30"}) {
    words.push_back(word);
  }
  const auto parsed = parse(words);
  ASSERT_TRUE(std::holds_alternative<Options>(parsed));
  std::string problem;
  const auto config = make_config(std::get<Options>(parsed), problem);
  ASSERT_TRUE(config.has_value()) << problem;
  EXPECT_EQ(config->registration_id, "dev-1");
  EXPECT_EQ(config->dps.host, "127.0.0.1");
  EXPECT_EQ(config->dps.port, 9);
  EXPECT_EQ(config->curve, crypto::Curve::kP384);
  EXPECT_EQ(config->retry_initial_ms, 50u);
  EXPECT_EQ(config->renew_at_permille, 500);
  EXPECT_EQ(config->keep_alive_s, 30);
  EXPECT_EQ(config->onboarding, agent::Onboarding::kSymmetricKey);
  EXPECT_EQ(config->symmetric_key_size, 32u);
  EXPECT_EQ(config->symmetric_key[31], 0x1f);
}

TEST_F(OptionsOf, a_configuration_file_says_the_same) {
  const std::string file =
      folder.write("agent.conf",
                   "# a comment\nregistration-id = \"pi-1\"\nid-scope = \"0ne00\"\ndps = \"127.0.0.1:9\"\n"
                   "ca = \"" +
                       ca + "\"\ngroup-key = true\nkeep-alive-s = 30\n",
                   0644);
  const auto parsed = parse({"latchkey-agent", "--config", file, "--state", folder.file("state"), "--key-file", key});
  ASSERT_TRUE(std::holds_alternative<Options>(parsed)) << std::get<Exit>(parsed).text;
  const Options& options = std::get<Options>(parsed);
  EXPECT_EQ(options.registration_id, "pi-1");
  EXPECT_EQ(options.id_scope, "0ne00");
  EXPECT_EQ(options.dps, "127.0.0.1:9");
  EXPECT_TRUE(options.group_key);
  EXPECT_EQ(options.keep_alive_s, 30);
}

TEST_F(OptionsOf, the_command_line_overrides_the_configuration_file) {
  const std::string file = folder.write("agent.conf", "registration-id = \"from-file\"\n", 0644);
  auto words = good();
  words.insert(words.end(), {"--config", file});
  EXPECT_EQ(std::get<Options>(parse(words)).registration_id, "dev-1");
}

TEST_F(OptionsOf, a_configuration_file_with_a_mistake_is_refused_by_name) {
  auto words = good();
  words.insert(words.end(), {"--config", folder.write("unknown.conf", "no-such-option = 1\n", 0644)});
  auto parsed = parse(words);
  ASSERT_TRUE(std::holds_alternative<Exit>(parsed));
  EXPECT_EQ(std::get<Exit>(parsed).status, 2);
  EXPECT_NE(std::get<Exit>(parsed).text.find("no-such-option"), std::string::npos) << std::get<Exit>(parsed).text;

  words.back() = folder.write("range.conf", "keep-alive-s = 1\n", 0644);
  parsed = parse(words);
  ASSERT_TRUE(std::holds_alternative<Exit>(parsed));
  EXPECT_NE(std::get<Exit>(parsed).text.find("keep-alive-s"), std::string::npos) << std::get<Exit>(parsed).text;

  words.back() = folder.file("none.conf");
  parsed = parse(words);
  ASSERT_TRUE(std::holds_alternative<Exit>(parsed));
  EXPECT_NE(std::get<Exit>(parsed).text.find("none.conf"), std::string::npos) << std::get<Exit>(parsed).text;
}

TEST_F(OptionsOf, a_group_key_is_derived_and_not_used_itself) {
  auto words = good();
  words.push_back("--group-key");
  const Options options = std::get<Options>(parse(words));
  std::string problem;
  const auto config = make_config(options, problem);
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->symmetric_key_size, 32u);
  EXPECT_NE(config->symmetric_key[31], 0x1f);
}

TEST_F(OptionsOf, mistakes_in_the_form_exit_with_2_and_a_sentence) {
  const auto exits_with_2 = [this](std::vector<std::string> extra) {
    auto words = good();
    words.insert(words.end(), extra.begin(), extra.end());
    const auto parsed = parse(words);
    return std::holds_alternative<Exit>(parsed) && std::get<Exit>(parsed).status == 2 &&
           !std::get<Exit>(parsed).text.empty();
  };
  EXPECT_FALSE(exits_with_2({}));
  EXPECT_TRUE(exits_with_2({"--nonsense"}));
  EXPECT_TRUE(exits_with_2({"--key-profile", "rsa"}));
  EXPECT_TRUE(exits_with_2({"--keep-alive-s", "2000"}));
  EXPECT_TRUE(exits_with_2({"--telemetry-interval-ms", "often"}));
  EXPECT_TRUE(exits_with_2({"--renew-at", "1.5"}));
  EXPECT_TRUE(exits_with_2({"--onboarding-cert", "x", "--onboarding-key-file", "y"}));
}

TEST_F(OptionsOf, an_onboarding_credential_is_needed_and_complete) {
  auto words = good();
  words.resize(words.size() - 2);
  EXPECT_EQ(std::get<Exit>(parse(words)).status, 2);
  words.insert(words.end(), {"--onboarding-cert", ca});
  EXPECT_EQ(std::get<Exit>(parse(words)).status, 2);
  words.insert(words.end(), {"--onboarding-key-file", key});
  const Options options = std::get<Options>(parse(words));
  std::string problem;
  const auto config = make_config(options, problem);
  ASSERT_TRUE(config.has_value()) << problem;
  EXPECT_EQ(config->onboarding, agent::Onboarding::kCertificate);
}

TEST_F(OptionsOf, firmware_updates_are_off_and_come_whole_or_not_at_all) {
  EXPECT_TRUE(std::get<Options>(parse(good())).firmware_board.empty());
  const std::vector<std::string> all[] = {{"--firmware-board", "b"},
                                          {"--firmware-roots", ca},
                                          {"--firmware-timestamp-roots", ca},
                                          {"--firmware-pins", "1.2.3,1.2.4"},
                                          {"--firmware-statement-key", ca}};
  for (std::size_t without = 0; without <= std::size(all); ++without) {
    auto words = good();
    for (std::size_t i = 0; i < std::size(all); ++i) {
      if (i != without) words.insert(words.end(), all[i].begin(), all[i].end());
    }
    const auto parsed = parse(words);
    EXPECT_EQ(std::holds_alternative<Options>(parsed), without == std::size(all)) << without;
    if (!std::holds_alternative<Options>(parsed)) continue;
    const Options& options = std::get<Options>(parsed);
    EXPECT_EQ(options.firmware_board, "b");
    EXPECT_EQ(options.firmware_pins, (std::vector<std::string>{"1.2.3", "1.2.4"}));
    EXPECT_EQ(options.firmware_version, "1.0.0");
    EXPECT_EQ(options.firmware_slot_size, 16u << 20);
  }
  auto words = good();
  words.insert(words.end(), {"--firmware-version", "2.0.0"});
  EXPECT_TRUE(std::holds_alternative<Exit>(parse(words)));
}

TEST_F(OptionsOf, help_is_no_mistake) { EXPECT_EQ(std::get<Exit>(parse({"latchkey-agent", "--help"})).status, 0); }

TEST_F(OptionsOf, version_is_told_without_any_other_option) {
  const auto told = std::get<Exit>(parse({"latchkey-agent", "--version"}));
  EXPECT_EQ(told.status, 0);
  EXPECT_EQ(told.text.rfind("latchkey-agent 0.", 0), 0u) << told.text;
}

TEST_F(OptionsOf, files_and_names_that_do_not_do_are_named) {
  const Options fine = std::get<Options>(parse(good()));
  Options bad = fine;
  bad.registration_id = "-dev";
  EXPECT_NE(problem_of(bad).find("--registration-id"), std::string::npos);
  bad = fine;
  bad.id_scope = "a/b";
  EXPECT_NE(problem_of(bad).find("--id-scope"), std::string::npos);
  bad = fine;
  bad.dps = "host:port";
  EXPECT_NE(problem_of(bad).find("--dps"), std::string::npos);
  bad = fine;
  bad.ca_file = folder.file("none");
  EXPECT_NE(problem_of(bad).find("none"), std::string::npos);
}

TEST_F(OptionsOf, a_key_file_that_others_can_read_is_refused) {
  Options options = std::get<Options>(parse(good()));
  for (const mode_t mode : {0644, 0640, 0604, 0660}) {
    ::chmod(key.c_str(), mode);
    EXPECT_NE(problem_of(options).find("chmod 600"), std::string::npos) << std::oct << mode;
  }
  options.key_file = folder.path();
  EXPECT_FALSE(problem_of(options).empty());
  options.key_file = folder.file("none");
  EXPECT_FALSE(problem_of(options).empty());
}

TEST_F(OptionsOf, a_key_that_is_none_is_refused_without_being_shown) {
  Options options = std::get<Options>(parse(good()));
  for (const char* text : {"", "geheim-geheim!", "AAEC", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}) {
    options.key_file = folder.write("bad", text, 0600);
    const std::string problem = problem_of(options);
    EXPECT_NE(problem.find("base64"), std::string::npos);
    EXPECT_EQ(problem.find("geheim"), std::string::npos);
  }
}

}  // namespace
}  // namespace latchkey::boards::host
