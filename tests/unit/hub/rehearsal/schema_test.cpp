// SPDX-License-Identifier: Apache-2.0
// The published schemas say what the readers say: judged by a validator that others wrote (Debian's
// python3-jsonschema).
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "hub/rehearsal/faults.h"
#include "hub/rehearsal/seed.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/hub/rehearsal/documents.h"

namespace latchkey::hub::rehearsal {
namespace {

using nlohmann::json;

// Exit status 0 and one word for each document: whether it is valid.
constexpr const char* kJudge = R"py(
import json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
judge = Draft202012Validator(schema)
json.dump([judge.is_valid(document) for document in json.load(open(sys.argv[2]))], open(sys.argv[3], "w"))
)py";

std::vector<bool> valid(const std::string& schema, const json& documents) {
  const tests::MemoryFolder folder;
  const auto in = (folder.path() / "documents.json").string();
  const auto out = (folder.path() / "verdicts.json").string();
  const auto judge = (folder.path() / "judge.py").string();
  std::ofstream(in) << documents.dump();
  std::ofstream(judge) << kJudge;
  const std::string command = std::string(LATCHKEY_SYSTEM_PYTHON) + " '" + judge + "' '" + LATCHKEY_SCHEMAS + "/" +
                              schema + "' '" + in + "' '" + out + "'";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("the validator does not run: " + command);
  return json::parse(std::ifstream(out)).get<std::vector<bool>>();
}

// Those that a schema can be asked about: what is not JSON, or has a name twice, never gets that far.
json readable(const Documents& documents) {
  json result = json::array();
  for (const auto& [text, refusal] : documents) {
    if (refusal.find("given twice") != std::string::npos) continue;
    if (auto parsed = json::parse(text, nullptr, false); !parsed.is_discarded()) result.push_back(std::move(parsed));
  }
  return result;
}

json all(const std::vector<std::string>& documents) {
  json result = json::array();
  for (const auto& text : documents) result.push_back(json::parse(text));
  return result;
}

void expect(const std::string& schema, const json& documents, bool verdict) {
  const auto verdicts = valid(schema, documents);
  ASSERT_EQ(verdicts.size(), documents.size());
  for (std::size_t i = 0; i < verdicts.size(); ++i) EXPECT_EQ(verdicts[i], verdict) << documents[i];
}

TEST(Schema, of_faults_takes_what_the_reader_takes) {
  for (const auto& text : good_faults()) {
    Faults faults;
    const auto set = faults.set(text);
    EXPECT_TRUE(set) << text << ": " << set.error().detail;
  }
  expect("faults.schema.json", all(good_faults()), true);
}

TEST(Schema, of_faults_refuses_what_the_reader_refuses) {
  const auto documents = readable(bad_faults());
  ASSERT_GT(documents.size(), 20u);
  expect("faults.schema.json", documents, false);
}

TEST(Schema, of_seeds_takes_what_the_reader_takes) {
  for (const auto& text : good_seeds()) {
    const auto steps = read_seed(text);
    EXPECT_TRUE(steps) << text << ": " << steps.error().detail;
  }
  expect("seed.schema.json", all(good_seeds()), true);
}

TEST(Schema, of_seeds_refuses_what_the_reader_refuses) {
  const auto documents = readable(bad_seeds());
  ASSERT_GT(documents.size(), 10u);
  expect("seed.schema.json", documents, false);
}

}  // namespace
}  // namespace latchkey::hub::rehearsal
