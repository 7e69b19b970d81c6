// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/scenario/plan.h"

#include <gmock/gmock.h>

#include <set>

#include "boards/fleet/scenario/internal/shuffle.h"
#include "tests/unit/boards/fleet/scenario/documents.h"

namespace latchkey::boards::fleet::scenario {
namespace {

using nlohmann::json;

constexpr TimeUs kSecond = 1'000'000;

Plan plan_of(const json& document) {
  auto read = read_scenario(document.dump());
  EXPECT_TRUE(read) << (read ? "" : to_text(read.error()));
  return Plan(read ? *read : Scenario{});
}
json with_devices(std::uint32_t devices) {
  auto document = smallest();
  document["durationSeconds"] = 1000;
  document["devices"] = devices;
  return document;
}

TEST(Shuffle, every_number_has_one_place) {
  for (const std::uint32_t size : {1U, 2U, 3U, 4U, 5U, 16U, 17U, 1000U}) {
    const Shuffle shuffle(7, size);
    std::set<std::uint32_t> places;
    for (std::uint32_t i = 0; i < size; ++i) {
      const auto place = shuffle.place_of(i);
      EXPECT_LT(place, size);
      EXPECT_EQ(shuffle.number_at(place), i);
      places.insert(place);
    }
    EXPECT_EQ(places.size(), size);
  }
}

TEST(Plan, the_same_seed_gives_the_same_life_and_another_seed_another) {
  auto document = everything();
  document["devices"] = 1000;
  const auto plan = plan_of(document);
  const auto again = plan_of(document);
  document["seed"] = 5;
  const auto other = plan_of(document);
  int differs = 0;
  for (const std::uint32_t device : {999U, 0U, 500U, 3U}) {  // in any order
    EXPECT_EQ(plan.device(device).arrival, again.device(device).arrival);
    EXPECT_EQ(plan.device(device).random, again.device(device).random);
    differs += plan.device(device).arrival != other.device(device).arrival;
  }
  EXPECT_GT(differs, 0);
  EXPECT_EQ(plan.chosen(0), again.chosen(0));
}

TEST(Plan, a_seed_gives_what_it_always_gave) {  // a run is to be repeatable in a year
  auto document = with_devices(1000);
  document["arrival"] = {{"curve", "even"}, {"overSeconds", 100}};
  document["acts"] = {{{"atSeconds", 1}, {"act", "deleteDevices"}, {"devices", {{"count", 3}}}}};
  const auto plan = plan_of(document);
  EXPECT_THAT(plan.chosen(0), testing::ElementsAre(430, 646, 664));
  EXPECT_EQ(plan.device(0).arrival, 42'050'000);
}

TEST(Plan, shares_are_exact) {
  auto document = with_devices(1000);
  document["sleep"] = {{"share", 0.25}, {"awakeSeconds", 10}, {"asleepSeconds", 10}};
  document["crashBeforeCertificate"] = {{"share", 0.013}};
  document["credentialLost"] = {{"share", 0.1}, {"atSeconds", 50}};
  document["clockSkew"] = {{"share", 0.5}, {"mostSeconds", 100}};
  document["earlierGenerations"] = {{{"generation", 2}, {"share", 0.3}}, {{"generation", 4}, {"share", 0.2}}};
  document["networkCuts"] = {{{"atSeconds", 5}, {"forSeconds", 1}, {"share", 0.4}, {"times", 2}, {"everySeconds", 9}}};
  const auto plan = plan_of(document);
  int sleepers = 0, crashes = 0, losers = 0, skewed = 0, second = 0, fourth = 0, cut = 0, cut_twice = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const auto device = plan.device(i);
    sleepers += device.sleeps;
    EXPECT_EQ(plan.nap(i, 0).has_value(), device.sleeps);
    crashes += device.crashes;
    losers += device.loses_credential_at == 50 * kSecond;
    skewed += device.skew_ms != 0;
    EXPECT_LE(std::abs(device.skew_ms), 100'000);
    second += device.generation == 2;
    fourth += device.generation == 4;
    cut += plan.hits(0, i);
    cut_twice += plan.hits(0, i) && plan.hits(1, i);
  }
  EXPECT_EQ(sleepers, 250);
  EXPECT_EQ(crashes, 13);
  EXPECT_EQ(losers, 100);
  EXPECT_EQ(skewed, 500);
  EXPECT_EQ(second, 300);
  EXPECT_EQ(fourth, 200);
  EXPECT_EQ(cut, 400);
  EXPECT_GT(cut_twice, 80);  // each cut hits others: 160 both times in the mean
  EXPECT_LT(cut_twice, 240);
  EXPECT_FALSE(plan.hits(2, 0));
}

// How many of 1000 have arrived by each tenth of the time.
std::vector<int> arrived_by_tenths(const std::string& curve) {
  auto document = with_devices(1000);
  document["arrival"] = {{"curve", curve}, {"overSeconds", 100}};
  const auto plan = plan_of(document);
  std::vector<int> result(10);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    for (int tenth = 0; tenth < 10; ++tenth) result[tenth] += plan.device(i).arrival <= (tenth + 1) * 10 * kSecond;
  }
  return result;
}

TEST(Plan, arrivals_follow_their_curve) {
  EXPECT_THAT(arrived_by_tenths("even"), testing::ElementsAre(100, 200, 300, 400, 500, 600, 700, 800, 900, 1000));
  EXPECT_THAT(arrived_by_tenths("ramp"), testing::ElementsAre(10, 40, 90, 160, 250, 360, 490, 640, 810, 1000));
  const auto bell = arrived_by_tenths("bell");  // x - sin(2 pi x) / (2 pi)
  EXPECT_NEAR(bell[0], 6, 1);
  EXPECT_NEAR(bell[1], 49, 1);
  EXPECT_NEAR(bell[4], 500, 1);
  EXPECT_NEAR(bell[8], 994, 1);
  EXPECT_EQ(bell[9], 1000);
}

TEST(Plan, without_an_arrival_all_begin_at_once) {
  const auto plan = plan_of(with_devices(10));
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_EQ(plan.device(i).arrival, 0);
}

TEST(Plan, naps_follow_each_other_within_the_run) {
  auto document = with_devices(50);
  document["arrival"] = {{"curve", "even"}, {"overSeconds", 100}};
  document["sleep"] = {{"share", 1}, {"awakeSeconds", 20}, {"asleepSeconds", 30}, {"jitter", 0.9}};
  const auto plan = plan_of(document);
  for (std::uint32_t i = 0; i < 50; ++i) {
    TimeUs awake_since = plan.device(i).arrival;
    std::uint32_t number = 0;
    for (; const auto nap = plan.nap(i, number); ++number) {
      EXPECT_LE(awake_since, nap->from);
      EXPECT_LT(nap->from, nap->until);
      EXPECT_LT(nap->from, 1000 * kSecond);
      awake_since = nap->until;
    }
    EXPECT_GE(number, 16U);  // at least 850 of 1000 s, 50 s each
    EXPECT_FALSE(plan.nap(i, number + 1).has_value());
  }
}

TEST(Plan, sleepers_in_step_sleep_at_the_same_time) {
  auto document = with_devices(20);
  document["arrival"] = {{"curve", "even"}, {"overSeconds", 100}};
  document["sleep"] = {{"share", 1}, {"awakeSeconds", 20}, {"asleepSeconds", 30}, {"together", true}};
  const auto plan = plan_of(document);
  for (std::uint32_t i = 0; i < 20; ++i) {
    const auto nap = plan.nap(i, 0);
    EXPECT_EQ(nap->from % (50 * kSecond), 20 * kSecond);
    EXPECT_EQ(nap->until - nap->from, 30 * kSecond);
    EXPECT_GT(nap->from, plan.device(i).arrival);
  }
}

TEST(Plan, who_lies_on_the_shelf_sleeps_once) {
  auto document = with_devices(100);
  document["shelf"] = {{"share", 0.3}, {"fromSeconds", 10}, {"untilSeconds", 50}, {"overSeconds", 20}};
  document["sleep"] = {{"share", 1}, {"awakeSeconds", 20}, {"asleepSeconds", 30}};
  const auto plan = plan_of(document);
  int boxed = 0;
  for (std::uint32_t i = 0; i < 100; ++i) {
    if (plan.nap(i, 1)) continue;
    ++boxed;
    EXPECT_EQ(plan.nap(i, 0)->from, 10 * kSecond);
    EXPECT_GE(plan.nap(i, 0)->until, 50 * kSecond);
    EXPECT_LE(plan.nap(i, 0)->until, 70 * kSecond);
  }
  EXPECT_EQ(boxed, 30);
}

TEST(Plan, an_act_names_as_many_devices_as_it_says_and_later_acts_the_same) {
  auto document = with_devices(1000);
  document["acts"] = json::parse(R"([
    {"atSeconds": 1, "act": "disableDevices", "devices": {"count": 7}, "name": "lost"},
    {"atSeconds": 2, "act": "revokeDevices", "devices": {"share": 0.05}},
    {"atSeconds": 3, "act": "enableDevices", "devices": {"as": "lost"}},
    {"atSeconds": 4, "act": "revokeDevices", "devices": {"share": 0.00001}},
    {"atSeconds": 5, "act": "revokePolicy"}])");
  const auto plan = plan_of(document);
  EXPECT_EQ(plan.chosen(0).size(), 7U);
  EXPECT_TRUE(std::is_sorted(plan.chosen(0).begin(), plan.chosen(0).end()));
  EXPECT_EQ(plan.chosen(1).size(), 50U);
  EXPECT_EQ(plan.chosen(2), plan.chosen(0));
  EXPECT_EQ(plan.chosen(3).size(), 1U);
  EXPECT_TRUE(plan.chosen(4).empty());
  EXPECT_TRUE(plan.chosen(5).empty());
}

std::uint32_t coming_back(const Plan& plan) {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < plan.scenario().devices; ++i) count += plan.comes_back(i);
  return count;
}

TEST(Plan, who_has_no_way_back_is_not_waited_for) {
  auto document = with_devices(100);
  EXPECT_EQ(coming_back(plan_of(document)), 100U);
  document["acts"] =
      json::parse(R"([{"atSeconds": 100, "act": "disableDevices", "devices": {"count": 4}, "name": "x"}])");
  EXPECT_EQ(coming_back(plan_of(document)), 96U);
  document["acts"].push_back(json::parse(R"({"atSeconds": 101, "act": "enableDevices", "devices": {"as": "x"}})"));
  EXPECT_EQ(coming_back(plan_of(document)), 100U);
  document["acts"].push_back(json::parse(R"({"atSeconds": 102, "act": "revokeDevices", "devices": {"as": "x"}})"));
  EXPECT_EQ(coming_back(plan_of(document)), 100U);
  document["acts"].back()["disable"] = true;
  EXPECT_EQ(coming_back(plan_of(document)), 96U);
}

TEST(Plan, whose_clock_is_too_far_behind_for_any_certificate_does_not_come_back) {
  auto document = with_devices(1000);
  document["clockSkew"] = {{"share", 1}, {"mostSeconds", 3600}};
  const auto plan = plan_of(document);
  std::uint32_t behind = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const bool too_far = plan.device(i).skew_ms < -300'000;
    behind += too_far;
    EXPECT_EQ(plan.comes_back(i), !too_far) << i;
  }
  EXPECT_NEAR(behind, 458, 60);
}

TEST(Plan, who_has_lost_its_credential_comes_back_only_if_it_keeps_its_certificate) {
  auto document = with_devices(100);
  document["credentialLost"] = {{"share", 0.1}, {"atSeconds", 50}};
  EXPECT_EQ(coming_back(plan_of(document)), 100U);
  document["acts"] = json::parse(R"([{"atSeconds": 49, "act": "revokePolicy"}])");
  EXPECT_EQ(coming_back(plan_of(document)), 100U);
  document["acts"] = json::parse(R"([{"atSeconds": 51, "act": "revokePolicy"}])");
  EXPECT_EQ(coming_back(plan_of(document)), 90U);
  document["credentialLost"]["atSeconds"] = 0;  // before it ever had one
  document.erase("acts");
  EXPECT_EQ(coming_back(plan_of(document)), 90U);
}

TEST(Plan, who_sleeps_from_the_last_act_to_the_end_is_not_waited_for) {
  auto document = with_devices(100);
  document["shelf"] = {{"share", 0.3}, {"fromSeconds", 10}, {"untilSeconds", 900}};
  document["acts"] = json::parse(R"([{"atSeconds": 50, "act": "sync"}])");
  EXPECT_EQ(coming_back(plan_of(document)), 100U);
  document["sleep"] = {{"share", 0.5}, {"awakeSeconds", 500}, {"asleepSeconds", 1000}, {"together", true}};
  document.erase("shelf");
  EXPECT_EQ(coming_back(plan_of(document)), 100U);  // awake from 50 to 500
  document["acts"][0]["atSeconds"] = 600;
  EXPECT_EQ(coming_back(plan_of(document)), 50U);
}

}  // namespace
}  // namespace latchkey::boards::fleet::scenario
