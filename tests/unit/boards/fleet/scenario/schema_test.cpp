// SPDX-License-Identifier: Apache-2.0
// The published schema says what the reader says: judged by a validator that others wrote (Debian's
// python3-jsonschema).
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "boards/fleet/scenario/shipped.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/boards/fleet/scenario/documents.h"

namespace latchkey::boards::fleet::scenario {
namespace {

using nlohmann::json;

constexpr const char* kJudge = R"py(
import json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
judge = Draft202012Validator(schema)
json.dump([judge.is_valid(document) for document in json.load(open(sys.argv[2]))], open(sys.argv[3], "w"))
)py";

std::vector<bool> verdicts_on(const json& documents) {
  const tests::MemoryFolder folder;
  const auto in = (folder.path() / "documents.json").string();
  const auto out = (folder.path() / "verdicts.json").string();
  const auto judge = (folder.path() / "judge.py").string();
  std::ofstream(in) << documents.dump();
  std::ofstream(judge) << kJudge;
  const std::string command = std::string(LATCHKEY_SYSTEM_PYTHON) + " '" + judge + "' '" + LATCHKEY_SCHEMAS +
                              "/fleet-scenario.schema.json' '" + in + "' '" + out + "'";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("the validator does not run: " + command);
  return json::parse(std::ifstream(out)).get<std::vector<bool>>();
}

TEST(ScenarioSchema, takes_what_the_reader_takes) {
  json documents = {smallest(), everything()};
  for (const auto& one : shipped()) documents.push_back(json::parse(one.document));
  const auto verdicts = verdicts_on(documents);
  ASSERT_EQ(verdicts.size(), documents.size());
  for (std::size_t i = 0; i < verdicts.size(); ++i) EXPECT_TRUE(verdicts[i]) << documents[i].dump(1);
}

TEST(ScenarioSchema, refuses_what_it_can_know_to_be_wrong) {
  json documents = json::array();
  for (const auto& bad : all_bad_scenarios()) {
    if (bad.schema_tells) documents.push_back(json::parse(bad.document));
  }
  const auto verdicts = verdicts_on(documents);
  ASSERT_EQ(verdicts.size(), documents.size());
  for (std::size_t i = 0; i < verdicts.size(); ++i) EXPECT_FALSE(verdicts[i]) << documents[i].dump(1);
}

}  // namespace
}  // namespace latchkey::boards::fleet::scenario
