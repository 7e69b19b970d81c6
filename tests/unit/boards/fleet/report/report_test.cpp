// SPDX-License-Identifier: Apache-2.0
// From files to files, and the schema of what comes out.
#include "boards/fleet/report/report.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "boards/fleet/history/writer.h"
#include "boards/fleet/scenario/scenario.h"
#include "boards/fleet/scenario/shipped.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::boards::fleet::report {
namespace {

using history::Service;
using history::Writer;
using nlohmann::json;
using testing::HasSubstr;

constexpr TimeUs kSecond = 1'000'000;

history::RunBegun run_of(std::uint32_t worker) {
  history::RunBegun run;
  run.scenario = "policy-rotation";
  if (worker == 0) run.document = std::string(*scenario::find_shipped("policy-rotation"));
  run.devices = 4;
  run.prefix = "fleet-";
  run.started_ms = 1'795'298'400'000;
  run.worker = worker;
  run.workers = 2;
  run.first = worker == 2 ? 2 : 0;
  run.count = worker == 0 ? 0 : 2;
  return run;
}

// Four devices on two workers; a revoke at 10 s; the second worker may break off before its end.
void write_run(const std::filesystem::path& folder, bool whole) {
  auto parent = Writer::create(history::file_of(folder, 0), run_of(0));
  ASSERT_TRUE(parent);
  for (const std::uint32_t worker : {1U, 2U}) {
    auto writer = Writer::create(history::file_of(folder, worker), run_of(worker));
    ASSERT_TRUE(writer);
    for (Device device = 2 * worker - 2; device < 2 * worker; ++device) {
      writer->write(0, device, history::Due{history::Cause::kArrival, 0});
      writer->write(1 * kSecond, device, history::Connecting{Service::kDps, 0});
    }
    for (Device device = 2 * worker - 2; device < 2 * worker; ++device) {
      writer->write(2 * kSecond, device, history::Stored{1, "0a", "ca", 0, false});
      writer->write(3 * kSecond, device, history::Connected{Service::kHub, 1});
    }
    writer->write(11 * kSecond, 2 * worker - 1, history::Ended{Service::kHub, true, history::Why::kLost, 0});
    if (whole || worker == 1) writer->write(20 * kSecond, history::RunEnded{history::Ending::kTimeUp, ""});
  }
  parent->write(10 * kSecond, history::ActBegun{0, history::ActKind::kRevokeDevices, "two", "", {1, 3}, false});
  parent->write(12 * kSecond, history::ActAnswered{0, true, ""});
  parent->write(20 * kSecond, history::RunEnded{history::Ending::kTimeUp, ""});
}

json read(const std::filesystem::path& file) { return json::parse(std::ifstream(file)); }

// Exit status 0 when the document is valid.
int judged(const std::filesystem::path& document) {
  const auto judge = document.parent_path() / "judge.py";
  std::ofstream(judge) << "import json, sys\nfrom jsonschema import Draft202012Validator as V\n"
                          "schema = json.load(open(sys.argv[1]))\nV.check_schema(schema)\n"
                          "for e in V(schema).iter_errors(json.load(open(sys.argv[2]))): sys.exit(e.message)\n";
  return std::system((std::string(LATCHKEY_SYSTEM_PYTHON) + " '" + judge.string() + "' '" + LATCHKEY_SCHEMAS +
                      "/fleet-report.schema.json' '" + document.string() + "'")
                         .c_str());
}

TEST(Report, tells_in_json_what_the_histories_hold) {
  const tests::MemoryFolder folder;
  write_run(folder.path(), true);
  const auto written = write_report(folder.path());
  ASSERT_TRUE(written);
  const auto report = read(written->json);
  EXPECT_EQ(report["version"], 1);
  EXPECT_EQ(report["run"]["devices"], 4);
  EXPECT_EQ(report["run"]["seconds"], 20.0);
  EXPECT_EQ(report["run"]["ended"], "time-up");
  EXPECT_EQ(report["run"]["document"]["name"], "policy-rotation");
  EXPECT_EQ(report["histories"]["files"], 3);
  EXPECT_EQ(report["histories"]["damages"], json::array());
  EXPECT_EQ(report["warnings"], json::array());
  EXPECT_EQ(report["totals"]["certificates"], 4);
  EXPECT_EQ(report["end"]["connected"], 2);
  EXPECT_EQ(report["end"]["absent"][0]["device"], "fleet-000002");
  const auto& act = report["acts"][0];
  EXPECT_EQ(act["kind"], "revokeDevices");
  EXPECT_EQ(act["begun"], 10.0);
  EXPECT_EQ(act["answered"], 12.0);
  EXPECT_EQ(act["live"], 2);
  EXPECT_EQ(act["cut"]["max"], 1.0);
  EXPECT_EQ(act["back"]["count"], 0);
  EXPECT_EQ(act["back"]["waiting"], 2);
  EXPECT_EQ(act["back"]["p50"], nullptr);
  EXPECT_EQ(report["timeline"]["binSeconds"], 0.25);
  EXPECT_EQ(report["timeline"]["connected"].back(), json({{"1", 2}}));
  EXPECT_THAT(written->summary, HasSubstr("In the end 2 devices are connected"));
}

TEST(Report, follows_its_schema) {
  const tests::MemoryFolder folder;
  write_run(folder.path(), true);
  const auto written = write_report(folder.path());
  ASSERT_TRUE(written);
  EXPECT_EQ(judged(written->json), 0);
  auto other = read(written->json);
  other["totals"]["surprise"] = 1;
  std::ofstream(folder.path() / "other.json") << other.dump();
  EXPECT_NE(judged(folder.path() / "other.json"), 0);
}

TEST(Report, of_an_empty_history_follows_the_schema_too) {
  const tests::MemoryFolder folder;
  std::ofstream(history::file_of(folder.path(), 0)) << "";
  const auto written = write_report(folder.path());
  ASSERT_TRUE(written);
  EXPECT_EQ(judged(written->json), 0);
  EXPECT_THAT(written->summary, HasSubstr("no records"));
}

TEST(Report, belongs_to_its_owner_alone_and_replaces_the_last_one) {
  const tests::MemoryFolder folder;
  write_run(folder.path(), true);
  ASSERT_TRUE(write_report(folder.path()));
  const auto written = write_report(folder.path());
  ASSERT_TRUE(written);
  for (const auto& file : {written->json, written->page}) {
    struct stat status = {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
  }
}

TEST(Report, of_a_worker_that_broke_off_says_so_and_keeps_the_rest) {
  const tests::MemoryFolder folder;
  write_run(folder.path(), false);
  std::ofstream(history::file_of(folder.path(), 2), std::ios::app) << R"({"k":"conn)";
  const auto written = write_report(folder.path());
  ASSERT_TRUE(written);
  const auto report = read(written->json);
  EXPECT_EQ(report["histories"]["filesWithoutEnd"], 1);
  EXPECT_EQ(report["histories"]["damages"][0]["why"], "torn last line");
  EXPECT_EQ(report["totals"]["certificates"], 4);
  EXPECT_THAT(written->summary, HasSubstr("1 worker broke off"));
}

TEST(Report, without_histories_there_is_none) {
  const tests::MemoryFolder folder;
  EXPECT_EQ(write_report(folder.path()).error(), Status::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "report.json"));
}

TEST(Report, acts_have_the_same_names_in_scenarios_and_histories) {
  for (int kind = 0; kind < 9; ++kind) {
    EXPECT_EQ(to_string(static_cast<scenario::ActKind>(kind)), to_string(static_cast<history::ActKind>(kind)));
  }
}

}  // namespace
}  // namespace latchkey::boards::fleet::report
