// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/scenario/scenario.h"

#include <gmock/gmock.h>

#include "boards/fleet/scenario/shipped.h"
#include "tests/unit/boards/fleet/scenario/documents.h"

namespace latchkey::boards::fleet::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::string refusal_of(const std::string& document) {
  const auto read = read_scenario(document);
  return read ? "read" : to_text(read.error());
}

TEST(Scenario, the_smallest_one_has_the_defaults_that_the_page_says) {
  const auto read = read_scenario(R"({"name":"a","title":"A","durationSeconds":10})");
  ASSERT_TRUE(read) << to_text(read.error());
  EXPECT_EQ(read->devices, 100U);
  EXPECT_EQ(read->seed, 1U);
  EXPECT_EQ(read->duration, 10'000'000);
  EXPECT_FALSE(read->ends_when_all_back);
  EXPECT_EQ(read->arrival.curve, Curve::kAtOnce);
  EXPECT_EQ(read->telemetry.every, 60'000'000);
  EXPECT_FALSE(read->needs_rehearsal());
}

TEST(Scenario, every_member_is_read) {
  const auto read = read_scenario(everything().dump());
  ASSERT_TRUE(read) << to_text(read.error());
  EXPECT_EQ(read->seed, 9007199254740992U);
  EXPECT_EQ(read->arrival.curve, Curve::kRamp);
  EXPECT_EQ(read->arrival.over, 20'000'000);
  EXPECT_EQ(read->telemetry.every, 500'000);
  EXPECT_EQ(read->telemetry.bytes, 200U);
  EXPECT_EQ(read->sleep.awake, 20'000'000);
  EXPECT_TRUE(read->sleep.together);
  EXPECT_EQ(read->shelf.over, 10'000'000);
  EXPECT_EQ(read->skew.most, 3600'000'000);
  EXPECT_EQ(read->crash_share, 0.01);
  EXPECT_EQ(read->credential_lost_at, 30'000'000);
  EXPECT_THAT(read->generations, SizeIs(2));
  ASSERT_THAT(read->acts, SizeIs(9));
  EXPECT_TRUE(read->acts[0].disable);
  EXPECT_EQ(read->acts[0].devices.count, 3U);
  EXPECT_EQ(read->acts[2].devices.as, "lost");
  EXPECT_EQ(read->acts[3].devices.share, 0.5);
  EXPECT_EQ(read->acts[4].policy, "line-a");
  EXPECT_EQ(read->acts[6].faults, R"({"rules":[]})");
  EXPECT_EQ(read->acts[8].advance, TimeUs{40} * 86'400 * 1'000'000);
  EXPECT_TRUE(read->needs_rehearsal());
}

TEST(Scenario, a_repeated_cut_is_written_out_and_cuts_are_in_order) {
  auto document = smallest();
  document["networkCuts"] = {{{"atSeconds", 5}, {"forSeconds", 1}, {"times", 2}, {"everySeconds", 4}, {"share", 0.5}},
                             {{"atSeconds", 6}, {"forSeconds", 1}}};
  const auto read = read_scenario(document.dump());
  ASSERT_TRUE(read) << to_text(read.error());
  ASSERT_THAT(read->cuts, SizeIs(3));
  EXPECT_EQ(read->cuts[0].from, 5'000'000);
  EXPECT_EQ(read->cuts[1].from, 6'000'000);
  EXPECT_EQ(read->cuts[1].share, 1);
  EXPECT_EQ(read->cuts[2].from, 9'000'000);
  EXPECT_EQ(read->cuts[2].until, 10'000'000);
}

TEST(Scenario, what_is_wrong_is_refused_with_the_member_and_the_rule) {
  for (const auto& [document, refusal] : bad_scenarios()) EXPECT_THAT(refusal_of(document), HasSubstr(refusal));
}

TEST(Scenario, all_faults_are_told_at_once) {
  auto document = smallest();
  document["devices"] = 0;
  document["colour"] = "red";
  document["acts"] = {{{"atSeconds", 99}, {"act", "sync"}}, {{"atSeconds", 1}, {"act", "dance"}}};
  const auto read = read_scenario(document.dump());
  ASSERT_FALSE(read);
  std::vector<std::string> pointers;
  for (const auto& fault : read.error()) pointers.push_back(fault.pointer);
  EXPECT_THAT(pointers, ElementsAre("/acts/0/atSeconds", "/acts/1/act", "/acts/1/atSeconds", "/colour", "/devices"));
}

TEST(Scenario, what_the_command_line_replaces_is_checked_like_the_document) {
  auto document = smallest();
  document["acts"] = {{{"atSeconds", 5}, {"act", "deleteDevices"}, {"devices", {{"count", 50}}}}};
  Changes changes;
  changes.devices = 50;
  changes.seed = 77;
  changes.duration = 20'000'000;
  const auto read = read_scenario(document.dump(), changes);
  ASSERT_TRUE(read) << to_text(read.error());
  EXPECT_EQ(read->devices, 50U);
  EXPECT_EQ(read->seed, 77U);
  EXPECT_EQ(read->duration, 20'000'000);
  EXPECT_THAT(read->document, HasSubstr("\"devices\":50"));  // what is kept beside the histories is what was run
  changes.devices = 49;
  EXPECT_EQ(to_text(read_scenario(document.dump(), changes).error()),
            "/acts/0/devices/count: is more than there are devices");
  changes.devices = 50;
  changes.duration = 4'000'000;
  EXPECT_THAT(to_text(read_scenario(document.dump(), changes).error()),
              HasSubstr("/acts/0/atSeconds: is after the end"));
}

TEST(Shipped, the_six_are_built_in_and_read_without_a_fault) {
  std::vector<std::string> names;
  for (const auto& one : shipped()) {
    names.emplace_back(one.name);
    const auto read = read_scenario(one.document);
    ASSERT_TRUE(read) << one.name << "\n" << to_text(read.error());
    EXPECT_EQ(read->name, one.name);
    EXPECT_EQ(read->needs_rehearsal(), one.name == "expired-on-the-shelf");
    EXPECT_THAT(list_of_shipped(), HasSubstr(std::string(one.name) + " "));
    EXPECT_THAT(list_of_shipped(), HasSubstr(read->title));
  }
  EXPECT_THAT(names, ElementsAre("expired-on-the-shelf", "flaky-network", "half-asleep", "morning", "one-compromised",
                                 "policy-rotation"));
}

TEST(Shipped, each_also_runs_with_few_and_with_many_devices) {
  for (const auto& one : shipped()) {
    for (const std::uint32_t devices : {1U, 10U, 100'000U}) {
      Changes changes;
      changes.devices = devices;
      EXPECT_TRUE(read_scenario(one.document, changes)) << one.name;
    }
  }
}

TEST(Shipped, one_that_is_not_there_is_not_found) {
  EXPECT_TRUE(find_shipped("morning").has_value());
  EXPECT_FALSE(find_shipped("evening").has_value());
  EXPECT_FALSE(find_shipped("").has_value());
}

}  // namespace
}  // namespace latchkey::boards::fleet::scenario
