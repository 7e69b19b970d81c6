// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace latchkey::boards::fleet::program {
namespace {

using testing::HasSubstr;

Wish parse(std::vector<const char*> words) {
  words.insert(words.begin(), "latchkey-fleet");
  return parse_options(static_cast<int>(words.size()), words.data());
}

std::string mistake_of(const std::vector<const char*>& words) {
  const auto wish = parse(words);
  const auto* exit = std::get_if<Exit>(&wish);
  return exit != nullptr && exit->status == 2 ? exit->text : "no mistake";
}

TEST(FleetOptionsTest, run_takes_what_replaces_the_scenario) {
  const auto wish = parse({"run",          "morning", "--data",      "/d",
                           "--devices",    "200",     "--processes", "2",
                           "--out",        "o",       "--seed",      "9",
                           "--duration",   "1.5",     "--prefix",    "p-",
                           "--handshakes", "0",       "--metrics",   "127.0.0.1:9465"});
  const auto* run = std::get_if<RunOptions>(&wish);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->scenario, "morning");
  EXPECT_EQ(run->data, "/d");
  EXPECT_EQ(run->devices, 200u);
  EXPECT_EQ(run->processes, 2u);
  EXPECT_EQ(run->seed, 9u);
  EXPECT_EQ(run->duration_s, 1.5);
  EXPECT_EQ(run->prefix, "p-");
  EXPECT_EQ(run->handshakes, 0u);
  ASSERT_TRUE(run->metrics);
  EXPECT_EQ(run->metrics->port, 9465);
}

TEST(FleetOptionsTest, mistakes_are_told_before_anything_starts) {
  EXPECT_THAT(mistake_of({"run", "--data", "/d"}), HasSubstr("scenario"));
  EXPECT_THAT(mistake_of({"run", "x", "--data", "/d", "--devices", "0"}), HasSubstr("--devices"));
  EXPECT_THAT(mistake_of({"run", "x", "--data", "/d", "--devices", "1000001"}), HasSubstr("--devices"));
  EXPECT_THAT(mistake_of({"run", "x", "--data", "/d", "--processes", "0"}), HasSubstr("--processes"));
  EXPECT_THAT(mistake_of({"run", "x", "--data", "/d", "--duration", "-1"}), HasSubstr("--duration"));
  EXPECT_THAT(mistake_of({"run", "x", "--data", "/d", "--prefix", "no/slash"}), HasSubstr("prefix"));
  EXPECT_THAT(mistake_of({"run", "x", "--data", "/d", "--metrics", "0.0.0.0:1"}), HasSubstr("loopback"));
  EXPECT_NE(mistake_of({"show"}), "no mistake");
  EXPECT_NE(mistake_of({"verify"}), "no mistake");
  EXPECT_NE(mistake_of({"wander"}), "no mistake");
  EXPECT_NE(mistake_of({}), "no mistake");
}

TEST(FleetOptionsTest, other_verbs_are_what_they_say) {
  EXPECT_TRUE(std::holds_alternative<ListScenarios>(parse({"scenarios"})));
  EXPECT_TRUE(std::holds_alternative<BeWorker>(parse({"worker"})));
  const auto show = parse({"show", "morning"});
  ASSERT_TRUE(std::holds_alternative<ShowScenario>(show));
  EXPECT_EQ(std::get<ShowScenario>(show).name, "morning");
  const auto verify = parse({"verify", "rotation"});
  ASSERT_TRUE(std::holds_alternative<Verify>(verify));
  EXPECT_EQ(std::get<Verify>(verify).folder, "rotation");
}

TEST(FleetOptionsTest, help_lists_the_verbs_and_hides_the_worker) {
  const auto help = parse({"--help"});
  ASSERT_TRUE(std::holds_alternative<Exit>(help));
  EXPECT_EQ(std::get<Exit>(help).status, 0);
  EXPECT_THAT(std::get<Exit>(help).text, HasSubstr("scenarios"));
  EXPECT_THAT(std::get<Exit>(help).text, testing::Not(HasSubstr("worker")));
}

}  // namespace
}  // namespace latchkey::boards::fleet::program
