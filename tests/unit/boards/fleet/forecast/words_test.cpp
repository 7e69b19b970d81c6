// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "boards/fleet/scenario/shipped.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::boards::fleet::forecast {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Question question() {
  scenario::Changes changes;
  changes.devices = 1'000'000;
  Question result;
  result.scenario = *scenario::read_scenario(*scenario::find_shipped("policy-rotation"), changes);
  result.calibration = default_calibration();
  result.sample = kLeastSample;
  return result;
}

// Debian's python3-jsonschema judges.
bool schema_takes(const std::string& name, const std::string& document) {
  const tests::MemoryFolder folder;
  const auto file = (folder.path() / "document.json").string();
  std::ofstream(file) << document;
  const auto judge = (folder.path() / "judge.py").string();
  std::ofstream(judge) << "import json, sys\nfrom jsonschema import Draft202012Validator as V\n"
                          "schema = json.load(open(sys.argv[1]))\nV.check_schema(schema)\n"
                          "sys.exit(0 if V(schema).is_valid(json.load(open(sys.argv[2]))) else 9)\n";
  const auto status = std::system(
      (std::string(LATCHKEY_SYSTEM_PYTHON) + " '" + judge + "' '" + LATCHKEY_SCHEMAS + "/" + name + "' '" + file + "'")
          .c_str());
  EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9) << status;
  return status == 0;
}

TEST(WordsTest, forecast_for_people_tells_method_sources_and_the_cloud) {
  const auto asked = question();
  const auto result = foretell(asked);
  ASSERT_TRUE(result);
  Needs needs;
  needs.within_s = 3600;
  const auto text = to_text(asked, *result, needs);
  EXPECT_THAT(text, HasSubstr("1,000,000 devices"));
  EXPECT_THAT(text, HasSubstr(default_calibration().processor));
  EXPECT_THAT(text, HasSubstr("a sample"));
  EXPECT_THAT(text, HasSubstr("16.7 h"));  // a million at the cloud's published limit
  EXPECT_THAT(text, HasSubstr("To be back within 60.0 min"));
  EXPECT_THAT(text, HasSubstr("no number of cores"));
}

TEST(WordsTest, documents_are_what_their_schemas_say) {
  auto asked = question();
  const auto result = foretell(asked);
  ASSERT_TRUE(result);
  const auto document = to_json(asked, *result, std::nullopt);
  EXPECT_TRUE(schema_takes("fleet-forecast.schema.json", document)) << document;
  Needs needs;
  needs.within_s = 60;
  needs.nodes = Means{asked.plant, 59.5};
  const auto more = to_json(asked, *result, needs);
  EXPECT_TRUE(schema_takes("fleet-forecast.schema.json", more)) << more;
  auto odd = json::parse(document);
  odd["colour"] = "red";
  EXPECT_FALSE(schema_takes("fleet-forecast.schema.json", odd.dump()));
  odd = json::parse(document);
  odd["devices"] = 0;
  EXPECT_FALSE(schema_takes("fleet-forecast.schema.json", odd.dump()));
}

TEST(WordsTest, schema_and_reader_agree_on_calibrations) {
  const auto sound = to_json(default_calibration());
  EXPECT_TRUE(schema_takes("fleet-calibration.schema.json", sound));
  for (const auto& [pointer, value] : std::vector<std::pair<std::string, json>>{{"/cores", 0},
                                                                                {"/version", 2},
                                                                                {"/kind", "x"},
                                                                                {"/costs/cut/hubBroker", -1},
                                                                                {"/costs/lunch", 1},
                                                                                {"/more", 1}}) {
    auto document = json::parse(sound);
    document[json::json_pointer(pointer)] = value;
    EXPECT_FALSE(schema_takes("fleet-calibration.schema.json", document.dump())) << pointer;
    EXPECT_FALSE(read_calibration(document.dump())) << pointer;
  }
}

TEST(WordsTest, durations_are_read) {
  EXPECT_EQ(parse_duration("90"), 90);
  EXPECT_EQ(parse_duration("90s"), 90);
  EXPECT_EQ(parse_duration("30m"), 1800);
  EXPECT_EQ(parse_duration("1.5h"), 5400);
  EXPECT_EQ(parse_duration("2d"), 172'800);
  for (const auto* text : {"", "h", "-1h", "1w", "0", "0h", "8d", "1h30m", "1e9", "nan", ".", "1..5", " 1h", "1 h"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(WordsTest, durations_are_told_in_the_unit_that_fits) {
  EXPECT_EQ(duration_text(18.14), "18.1 s");
  EXPECT_EQ(duration_text(600), "10.0 min");
  EXPECT_EQ(duration_text(60'000), "16.7 h");
  EXPECT_EQ(duration_text(604'800), "7.0 days");
}

}  // namespace
}  // namespace latchkey::boards::fleet::forecast
