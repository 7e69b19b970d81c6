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
  EXPECT_THAT(mistake_of({"verify", "x", "--flat", "0"}), HasSubstr("--flat"));
  EXPECT_THAT(mistake_of({"verify", "x", "--flat", "3", "--warm-up", "-1"}), HasSubstr("--warm-up"));
  EXPECT_THAT(mistake_of({"verify", "x", "--warm-up", "60"}), HasSubstr("--flat"));
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
  EXPECT_FALSE(std::get<Verify>(verify).flat_percent);
  const auto flat = parse({"verify", "rotation", "--flat", "3", "--warm-up", "600"});
  ASSERT_TRUE(std::holds_alternative<Verify>(flat));
  EXPECT_EQ(std::get<Verify>(flat).flat_percent, 3);
  EXPECT_EQ(std::get<Verify>(flat).warm_up_s, 600);
}

TEST(FleetOptionsTest, help_lists_the_verbs_and_hides_the_worker) {
  const auto help = parse({"--help"});
  ASSERT_TRUE(std::holds_alternative<Exit>(help));
  EXPECT_EQ(std::get<Exit>(help).status, 0);
  EXPECT_THAT(std::get<Exit>(help).text, HasSubstr("scenarios"));
  EXPECT_THAT(std::get<Exit>(help).text, testing::Not(HasSubstr("worker")));
}

TEST(FleetOptionsTest, plan_takes_plant_and_question) {
  const auto wish = parse({"plan",
                           "morning",
                           "--devices",
                           "1000000",
                           "--cores",
                           "1.5",
                           "--nodes",
                           "3",
                           "--hub-brokers",
                           "2",
                           "--registrations-per-minute",
                           "1000",
                           "--within",
                           "1h",
                           "--telemetry",
                           "0",
                           "--sample",
                           "0",
                           "--fleet-here",
                           "--handshakes",
                           "64",
                           "-o",
                           "json"});
  const auto* plan = std::get_if<PlanOptions>(&wish);
  ASSERT_NE(plan, nullptr);
  EXPECT_EQ(plan->scenario, "morning");
  EXPECT_EQ(plan->devices, 1'000'000u);
  EXPECT_EQ(plan->plant.cores, 1.5);
  EXPECT_EQ(plan->plant.nodes, 3u);
  EXPECT_EQ(plan->plant.hub_brokers, 2u);
  EXPECT_EQ(plan->plant.registrations_per_minute, 1000u);
  EXPECT_EQ(plan->plant.handshakes, 64u);
  EXPECT_TRUE(plan->plant.shares_machine);
  EXPECT_EQ(plan->within_s, 3600);
  EXPECT_EQ(plan->telemetry_s, 0);
  EXPECT_EQ(plan->sample, 0u);
  EXPECT_TRUE(plan->json);
}

TEST(FleetOptionsTest, plan_without_words_is_a_rotation) {
  const auto wish = parse({"plan"});
  const auto* plan = std::get_if<PlanOptions>(&wish);
  ASSERT_NE(plan, nullptr);
  EXPECT_EQ(plan->scenario, "policy-rotation");
  EXPECT_FALSE(plan->within_s);
  EXPECT_FALSE(plan->json);
}

TEST(FleetOptionsTest, plan_refuses_what_cannot_be) {
  EXPECT_THAT(mistake_of({"plan", "--devices", "0"}), HasSubstr("--devices"));
  EXPECT_THAT(mistake_of({"plan", "--devices", "1000001"}), HasSubstr("--devices"));
  EXPECT_THAT(mistake_of({"plan", "--cores", "0"}), HasSubstr("--cores"));
  EXPECT_THAT(mistake_of({"plan", "--nodes", "0"}), HasSubstr("--nodes"));
  EXPECT_THAT(mistake_of({"plan", "--hub-brokers", "0"}), HasSubstr("--hub-brokers"));
  EXPECT_THAT(mistake_of({"plan", "--within", "soon"}), HasSubstr("a time like 90s, 30m, 1.5h or 2d"));
  EXPECT_THAT(mistake_of({"plan", "--within", "0s"}), HasSubstr("--within"));
  EXPECT_THAT(mistake_of({"plan", "--sample", "50"}), HasSubstr("from 100"));
  EXPECT_THAT(mistake_of({"plan", "--handshakes", "10"}), HasSubstr("--fleet-here"));
  EXPECT_THAT(mistake_of({"plan", "--processes", "2"}), HasSubstr("--fleet-here"));
  EXPECT_THAT(mistake_of({"plan", "-o", "html"}), HasSubstr("--output"));
  EXPECT_THAT(mistake_of({"plan", "--colour", "red"}), HasSubstr("--colour"));
  EXPECT_THAT(mistake_of({"plan", "morning", "half-asleep"}), HasSubstr("half-asleep"));
}

TEST(FleetOptionsTest, calibrate_measures_a_hub_of_its_own_unless_one_is_named) {
  auto wish = parse({"calibrate"});
  const auto* own = std::get_if<CalibrateOptions>(&wish);
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(own->data, "");
  wish = parse({"calibrate", "--data", "/d", "--devices", "100", "--out", "o.json", "--prefix", "p-"});
  const auto* named = std::get_if<CalibrateOptions>(&wish);
  ASSERT_NE(named, nullptr);
  EXPECT_EQ(named->data, "/d");
  EXPECT_EQ(named->devices, 100u);
  EXPECT_EQ(named->out, "o.json");
  EXPECT_THAT(mistake_of({"calibrate", "--devices", "10"}), HasSubstr("--devices"));
  EXPECT_THAT(mistake_of({"calibrate", "--prefix", "no blanks"}), HasSubstr("--prefix"));
  EXPECT_THAT(mistake_of({"calibrate", "morning"}), HasSubstr("morning"));
}

}  // namespace
}  // namespace latchkey::boards::fleet::program
