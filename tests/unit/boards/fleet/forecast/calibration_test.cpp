// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "boards/fleet/forecast/fit.h"

namespace latchkey::boards::fleet::forecast {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json sound() { return json::parse(to_json(default_calibration())); }

std::string faults_of(const json& document) {
  const auto read = read_calibration(document.dump());
  return read ? "none" : read.error();
}

TEST(CalibrationTest, what_is_written_is_read) {
  const auto read = read_calibration(to_json(default_calibration()));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, default_calibration());
}

TEST(CalibrationTest, every_step_costs_somebody_something) {
  for (std::size_t s = 0; s < kSteps; ++s) {
    double all = 0;
    for (std::size_t p = 0; p < kParts; ++p) {
      all += default_calibration().costs.of(static_cast<Step>(s), static_cast<Part>(p));
    }
    EXPECT_GT(all, 0) << to_string(static_cast<Step>(s));
  }
}

TEST(CalibrationTest, what_is_no_document_is_refused) {
  EXPECT_THAT(read_calibration("").error(), HasSubstr("not JSON"));
  EXPECT_THAT(read_calibration("[]").error(), HasSubstr("must be an object"));
  EXPECT_THAT(read_calibration(R"({"kind":"a","kind":"b"})").error(), HasSubstr("given twice"));
}

TEST(CalibrationTest, all_faults_are_told_by_their_place) {
  auto document = sound();
  document["kind"] = "something";
  document["version"] = 2;
  document["costs"]["cut"]["hubBroker"] = -1;
  document["costs"]["issuance"].erase("fleetLoop");
  document["costs"]["lunch"] = json::object();
  document["colour"] = "red";
  const auto faults = faults_of(document);
  EXPECT_THAT(faults, HasSubstr("/kind: must be 'latchkey-fleet-calibration'"));
  EXPECT_THAT(faults, HasSubstr("/version: must be 1"));
  EXPECT_THAT(faults, HasSubstr("/costs/cut/hubBroker: must be a number from 0 to 10000000"));
  EXPECT_THAT(faults, HasSubstr("/costs/issuance/fleetLoop: is missing"));
  EXPECT_THAT(faults, HasSubstr("/costs/lunch: there is no such member here"));
  EXPECT_THAT(faults, HasSubstr("/colour: there is no such member here"));
}

TEST(CalibrationTest, wrong_types_and_ranges_are_refused) {
  for (const auto& [member, value] : std::vector<std::pair<std::string, json>>{{"cores", 0},
                                                                               {"cores", 1.5},
                                                                               {"cores", "2"},
                                                                               {"devices", -1},
                                                                               {"devices", 2'000'000},
                                                                               {"processor", 7},
                                                                               {"processor", std::string(300, 'x')},
                                                                               {"measuredAt", nullptr},
                                                                               {"commitMilliseconds", -0.1},
                                                                               {"commitMilliseconds", "fast"},
                                                                               {"costs", json::array()}}) {
    auto document = sound();
    document[member] = value;
    EXPECT_THAT(faults_of(document), HasSubstr("/" + member + ": must be")) << value;
    document.erase(member);
    EXPECT_THAT(faults_of(document), HasSubstr("/" + member + ": is missing"));
  }
}

TEST(CalibrationTest, middle_is_mean_of_two_and_median_of_three) {
  auto low = default_calibration();
  auto high = low;
  low.costs.of(Step::kCut, Part::kHubBroker) = 10;
  high.costs.of(Step::kCut, Part::kHubBroker) = 30;
  EXPECT_EQ(middle({low, high}).costs.of(Step::kCut, Part::kHubBroker), 20);
  auto odd = high;
  odd.costs.of(Step::kCut, Part::kHubBroker) = 1000;
  EXPECT_EQ(middle({low, high, odd}).costs.of(Step::kCut, Part::kHubBroker), 30);
}

// A machine whose costs are known is found out, whatever it does beside.
TEST(FitTest, costs_are_found_in_what_was_used) {
  const auto& known = default_calibration().costs;
  const double counts[][kSteps] = {{300, 300, 300, 300, 0, 0, 2000},
                                   {0, 0, 0, 0, 0, 0, 2400},
                                   {0, 0, 0, 300, 0, 0, 3000},
                                   {0, 0, 0, 0, 0, 300, 100},
                                   {300, 210, 210, 210, 300, 0, 4000}};
  std::vector<Stretch> stretches;
  for (const auto& row : counts) {
    Stretch stretch;
    stretch.seconds = 5;
    for (std::size_t s = 0; s < kSteps; ++s) stretch.happened[s] = row[s];
    for (std::size_t p = 0; p < kParts; ++p) {
      for (std::size_t s = 0; s < kSteps; ++s) {
        stretch.used_us[p] += row[s] * known.of(static_cast<Step>(s), static_cast<Part>(p));
      }
    }
    stretches.push_back(stretch);
  }
  const auto found = fit(stretches);
  const auto one_device = [](const Costs& costs, Part part) {
    double all = 0;
    for (const auto step : {Step::kProvisioningConnect, Step::kRegistration, Step::kIssuance, Step::kHubConnect,
                            Step::kRefusedConnect, Step::kCut}) {
      all += costs.of(step, part);
    }
    return all;
  };
  for (std::size_t p = 0; p < kParts; ++p) {
    const auto part = static_cast<Part>(p);
    EXPECT_NEAR(one_device(found, part), one_device(known, part), 0.03 * one_device(known, part)) << to_string(part);
  }
  const auto dps = [&](Step step) { return found.of(step, Part::kDpsBroker); };
  EXPECT_NEAR(dps(Step::kProvisioningConnect), known.of(Step::kProvisioningConnect, Part::kDpsBroker), 30);
  EXPECT_NEAR(dps(Step::kRegistration), known.of(Step::kRegistration, Part::kDpsBroker), 30);
  EXPECT_NEAR(found.of(Step::kHubConnect, Part::kHubBroker), known.of(Step::kHubConnect, Part::kHubBroker), 30);
}

TEST(FitTest, nothing_costs_less_than_nothing) {
  Stretch quiet;
  quiet.seconds = 1;
  quiet.happened.fill(100);
  Stretch odd = quiet;
  odd.happened[static_cast<std::size_t>(Step::kMessage)] = 5000;
  quiet.used_us.fill(1e6);
  odd.used_us.fill(1e5);  // more was done, and less used
  const auto found = fit({quiet, odd});
  for (std::size_t s = 0; s < kSteps; ++s) {
    for (std::size_t p = 0; p < kParts; ++p) EXPECT_GE(found.of(static_cast<Step>(s), static_cast<Part>(p)), 0);
  }
}

}  // namespace
}  // namespace latchkey::boards::fleet::forecast
