// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boards/fleet/forecast/needs.h"
#include "boards/fleet/scenario/shipped.h"

namespace latchkey::boards::fleet::forecast {
namespace {

using testing::HasSubstr;

// A shipped scenario, or a document.
Question question(const std::string& what, std::uint32_t devices) {
  scenario::Changes changes;
  changes.devices = devices;
  const auto shipped = scenario::find_shipped(what);
  auto read = scenario::read_scenario(shipped ? *shipped : what, changes);
  EXPECT_TRUE(read) << scenario::to_text(read.error());
  Question result;
  result.scenario = *read;
  result.calibration = default_calibration();
  result.sample = 0;
  return result;
}

Forecast forecast(const Question& question) {
  EXPECT_EQ(unmodelled(question), "");
  const auto result = foretell(question);
  EXPECT_TRUE(result);
  return *result;
}

// "acts" and more in an otherwise quiet scenario.
std::string with(const std::string& members) {
  return R"({"name":"test","title":"A test","devices":10,"durationSeconds":600,"arrival":{"curve":"at-once"},)" +
         members + "}";
}

TEST(ForecastTest, everybody_is_put_out_by_a_rotation_and_comes_back) {
  const auto result = forecast(question("policy-rotation", 300));
  EXPECT_EQ(result.affected, 300u);
  EXPECT_EQ(result.returning, 300u);
  EXPECT_EQ(result.back, 300u);
  ASSERT_TRUE(result.half && result.all);
  EXPECT_LE(*result.half, *result.nine_tenths);
  EXPECT_LE(*result.nine_tenths, *result.nearly_all);
  EXPECT_LE(*result.nearly_all, *result.all);
  // The core's own waits: a cut device tries again after 0.8 s, and polls a second after it has registered.
  EXPECT_GT(*result.half, 1.8);
  EXPECT_EQ(result.locked_out.back().locked_out, 0u);
}

TEST(ForecastTest, same_question_has_same_answer) {
  const auto asked = question("half-asleep", 100);
  EXPECT_EQ(forecast(asked).all, forecast(asked).all);
}

TEST(ForecastTest, sample_and_all_agree) {
  auto asked = question("policy-rotation", 4000);
  for (const bool here : {false, true}) {
    asked.plant.shares_machine = here;
    asked.sample = 0;
    const auto all = forecast(asked);
    asked.sample = 500;
    const auto sample = forecast(asked);
    EXPECT_EQ(all.simulated, 4000u);
    EXPECT_EQ(sample.simulated, 500u);
    EXPECT_EQ(sample.affected, 4000u);
    ASSERT_TRUE(all.all && sample.all);
    EXPECT_NEAR(*sample.all, *all.all, 0.03 * *all.all) << here;
    EXPECT_NEAR(*sample.half, *all.half, 0.05 * *all.half) << here;
  }
}

TEST(ForecastTest, twice_the_work_or_half_the_cores_take_longer) {
  auto asked = question("policy-rotation", 2000);
  asked.plant.shares_machine = true;
  const double once = *forecast(asked).all;
  auto half = asked;
  half.plant.cores = 1;
  EXPECT_GT(*forecast(half).all, 1.5 * once);
  for (std::size_t s = 0; s < kSteps; ++s) {
    for (std::size_t p = 0; p < kParts; ++p) {
      asked.calibration.costs.of(static_cast<Step>(s), static_cast<Part>(p)) *= 2;
    }
  }
  EXPECT_GT(*forecast(asked).all, 1.5 * once);
}

TEST(ForecastTest, work_that_is_done_takes_the_time_that_the_cores_need) {
  auto asked = question("policy-rotation", 2000);
  asked.plant.shares_machine = true;
  asked.plant.cores = 1;
  double work_us = 0;
  for (const auto step : {Step::kProvisioningConnect, Step::kRegistration, Step::kIssuance, Step::kHubConnect,
                          Step::kRefusedConnect, Step::kCut}) {
    for (std::size_t p = 0; p < kParts; ++p) work_us += asked.calibration.costs.of(step, static_cast<Part>(p));
  }
  const double least_s = 2000 * work_us / 1e6;
  const auto result = forecast(asked);
  EXPECT_GT(*result.all, least_s);
  EXPECT_LT(*result.all, 1.25 * least_s);
  EXPECT_EQ(result.limit, Limit::kCores);
}

TEST(ForecastTest, registrations_that_are_counted_hold_everybody_up) {
  auto asked = question("policy-rotation", 3000);
  asked.plant.registrations_per_minute = 600;
  const auto result = forecast(asked);
  ASSERT_TRUE(result.all);
  // A minute's worth comes at once, the rest at the limit; the last ones ask again up to 12 s late.
  EXPECT_GE(*result.all, (3000 - 600) / 600.0 * 60);
  EXPECT_LE(*result.all, (3000 - 600) / 600.0 * 60 + 60);
  EXPECT_GT(result.turned_away, 0u);
  EXPECT_EQ(result.limit, Limit::kThrottle);
}

TEST(ForecastTest, disabled_device_does_not_come_back_and_nobody_else_notices) {
  const auto result = forecast(question("one-compromised", 100));
  EXPECT_EQ(result.affected, 1u);
  EXPECT_EQ(result.returning, 0u);
  EXPECT_EQ(result.back, 0u);
  EXPECT_FALSE(result.all);
}

TEST(ForecastTest, device_that_is_enabled_again_comes_back_after_its_slow_wait) {
  auto asked = question(with(R"("acts":[
    {"atSeconds":10,"act":"disableDevices","devices":{"count":1},"name":"it"},
    {"atSeconds":100,"act":"enableDevices","devices":{"as":"it"}}])"),
                        10);
  asked.slow_retry_ms = 60'000;
  const auto result = forecast(asked);
  EXPECT_EQ(result.returning, 1u);
  ASSERT_TRUE(result.all);
  EXPECT_GT(*result.all, 90);
  EXPECT_LT(*result.all, 90 + 1.2 * 240);  // it has slowed down to four times as much at the most
}

TEST(ForecastTest, deleted_devices_are_made_anew) {
  const auto result =
      forecast(question(with(R"("acts":[{"atSeconds":10,"act":"deleteDevices","devices":{"share":0.5}}])"), 40));
  EXPECT_EQ(result.affected, 20u);
  EXPECT_EQ(result.back, 20u);
}

TEST(ForecastTest, who_has_lost_its_credential_stays_out) {
  const auto result = forecast(question(with(R"("credentialLost":{"share":0.25,"atSeconds":5},
    "acts":[{"atSeconds":10,"act":"revokePolicy"}])"),
                                        40));
  EXPECT_EQ(result.affected, 40u);
  EXPECT_EQ(result.returning, 30u);
  EXPECT_EQ(result.back, 30u);
  EXPECT_EQ(result.locked_out.back().locked_out, 10u);
}

TEST(ForecastTest, sleepers_come_back_when_they_wake) {
  const auto result = forecast(question("half-asleep", 100));
  ASSERT_TRUE(result.all);
  EXPECT_GT(*result.all, 10);   // somebody has just gone to sleep for a minute
  EXPECT_LT(*result.all, 150);  // and has not slept through two of its days
}

TEST(ForecastTest, morning_counts_from_its_start) {
  const auto result = forecast(question("morning", 100));
  EXPECT_EQ(result.affected, 100u);
  EXPECT_EQ(result.back, 100u);
  EXPECT_GT(*result.all, 50);  // the last one is switched on close to the end of the minute
}

TEST(ForecastTest, more_devices_than_the_hub_can_take_at_once_come_back_in_the_end) {
  auto asked = question("policy-rotation", 200'000);
  asked.sample = 1000;
  const auto result = forecast(asked);
  ASSERT_TRUE(result.all);
  EXPECT_EQ(result.back, 200'000u);
  EXPECT_GT(result.gave_up, 200'000u);  // many attempts took too long
}

TEST(ForecastTest, nodes_share_the_devices) {
  auto asked = question("policy-rotation", 4000);
  asked.plant.shares_machine = true;
  const double one = *forecast(asked).all;
  asked.plant.nodes = 4;
  const auto four = forecast(asked);
  EXPECT_EQ(four.affected, 4000u);
  EXPECT_LT(*four.all, one / 2);
}

TEST(ForecastTest, what_is_not_modelled_is_named) {
  const auto told = [](const std::string& members, std::uint32_t devices = 10) {
    return unmodelled(question(with(members), devices));
  };
  EXPECT_THAT(told(R"("acts":[{"atSeconds":1,"act":"sync"}])"), HasSubstr("/acts/0/act: 'sync' is not modelled"));
  EXPECT_THAT(told(R"("acts":[{"atSeconds":1,"act":"clearFaults"}])"), HasSubstr("'clearFaults' is not modelled"));
  EXPECT_THAT(told(R"("acts":[{"atSeconds":1,"act":"advanceClock","bySeconds":5}])"), HasSubstr("'advanceClock'"));
  EXPECT_THAT(told(R"("acts":[{"atSeconds":1,"act":"revokePolicy","policy":"other"}])"), HasSubstr("/acts/0/policy"));
  EXPECT_THAT(told(R"("networkCuts":[{"atSeconds":1,"forSeconds":1}])"), HasSubstr("/networkCuts"));
  EXPECT_THAT(told(R"("crashBeforeCertificate":{"share":0.1})"), HasSubstr("/crashBeforeCertificate"));
  EXPECT_THAT(told(R"("earlierGenerations":[{"generation":2,"share":0.1}])"), HasSubstr("/earlierGenerations"));
  auto many = question("one-compromised", 50'000);
  many.sample = 1000;
  EXPECT_THAT(unmodelled(many), HasSubstr("/acts/0/devices/count"));
  many.sample = 0;
  EXPECT_EQ(unmodelled(many), "");
  many.plant.nodes = 2;
  EXPECT_THAT(unmodelled(many), HasSubstr("/acts/0/devices/count"));
}

TEST(NeedsTest, what_is_found_is_enough_and_one_less_is_not) {
  auto asked = question("policy-rotation", 20'000);
  asked.sample = 1000;
  const double now_s = *forecast(asked).all;
  const auto needs = find_needs(asked, now_s / 3);
  ASSERT_TRUE(needs);
  ASSERT_TRUE(needs->nodes);
  EXPECT_LE(needs->nodes->seconds, now_s / 3);
  ASSERT_GT(needs->nodes->plant.nodes, 1u);
  asked.plant.nodes = needs->nodes->plant.nodes - 1;
  EXPECT_GT(*forecast(asked).all, now_s / 3);
}

TEST(NeedsTest, one_thread_is_not_helped_by_cores) {
  auto asked = question("policy-rotation", 20'000);
  asked.sample = 500;
  const auto needs = find_needs(asked, 5);
  ASSERT_TRUE(needs);
  EXPECT_FALSE(needs->machine);
}

}  // namespace
}  // namespace latchkey::boards::fleet::forecast
