// SPDX-License-Identifier: Apache-2.0
// `latchkey audit` over a real server, the real management room and a real registry.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "registry/store/sql.h"
#include "tests/unit/hub/cli/support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;

class AuditVerbs : public CommandLineTest<ManagementTest> {
 protected:
  void SetUp() override {
    furnish();
    put(kDevices + "/dev");
    post(kDevices + "/dev/revoke", {{"disable", true}});
    last = get("/audit/head").body["count"];
  }
  void tamper(const std::string& sql) {
    using registry::store::Database;
    const auto file = Database::open(folder.file("registry.db"), Database::Access::kReadWrite);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->execute("DROP TRIGGER IF EXISTS audit_never_changes"));
    ASSERT_TRUE((*file)->execute(sql));
  }
  std::vector<json> lines_of(const std::string& text) {
    std::istringstream in(text);
    std::vector<json> records;
    for (std::string line; std::getline(in, line);) records.push_back(json::parse(line));
    return records;
  }

  std::uint64_t last = 0;
};

TEST_F(AuditVerbs, show_tells_what_the_act_changed) {
  EXPECT_EQ(run("audit show -n " + std::to_string(last)), 0) << err;
  EXPECT_THAT(out, HasSubstr("ACTION    device.revoke"));
  EXPECT_THAT(out, HasSubstr("FROM      unix socket"));
  EXPECT_THAT(out, MatchesRegex("[^$]*BEFORE    credential=[0-9a-f]+ enabled=yes version=1\n[^$]*"));
  EXPECT_THAT(out, MatchesRegex("[^$]*AFTER     credential=[0-9a-f]+ enabled=no version=2\n[^$]*"));
  EXPECT_EQ(run("audit show -n " + std::to_string(last) + " -o json"), 0);
  EXPECT_EQ(json::parse(out)["number"], last);
  EXPECT_EQ(run("audit show -n " + std::to_string(last + 1)), 3);
  EXPECT_EQ(run("audit show"), 2);
  EXPECT_EQ(run("audit show -n 0"), 2);
}

TEST_F(AuditVerbs, head_can_be_noted_and_verified_against_later) {
  EXPECT_EQ(run("audit head"), 0) << err;
  const auto noted = out.substr(0, out.find('\n'));
  EXPECT_THAT(noted, MatchesRegex(std::to_string(last) + ":[0-9a-f]+"));
  EXPECT_EQ(run("namespace create -n later"), 0);
  EXPECT_EQ(run("audit verify --head " + noted), 0) << err;
  EXPECT_THAT(out, HasSubstr("intact: " + std::to_string(last + 1) + " records, head " + std::to_string(last + 1)));
  EXPECT_EQ(run("audit verify --head " + std::to_string(last) + ":" + std::string(64, '0')), 4);
  EXPECT_THAT(err, HasSubstr("noted head"));
  EXPECT_EQ(run("audit verify --head 7"), 2);
  EXPECT_EQ(run("audit head -o json"), 0);
  EXPECT_EQ(json::parse(out)["count"], last + 1);
}

TEST_F(AuditVerbs, verify_names_the_broken_record_and_exits_4_in_both_forms) {
  EXPECT_EQ(run("audit verify"), 0) << err;
  tamper("UPDATE audit SET resource = resource || '0' WHERE number = 3");
  EXPECT_EQ(run("audit verify"), 4);
  EXPECT_THAT(err, HasSubstr("the audit is not intact: record 3 was changed"));
  EXPECT_THAT(out, IsEmpty());
  EXPECT_EQ(run("audit verify -o json"), 4);
  EXPECT_EQ(json::parse(out)["fault"]["number"], 3);
}

TEST_F(AuditVerbs, export_writes_a_line_a_record_to_a_private_file_or_the_output) {
  const auto file = folder.file("audit.jsonl");
  EXPECT_EQ(run("audit export --out " + file), 0) << err;
  EXPECT_THAT(err, HasSubstr("exported " + std::to_string(last) + " records, up to the head " + std::to_string(last)));
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto records = lines_of(text);
  ASSERT_EQ(records.size(), last);
  for (std::size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i]["number"], i + 1);

  EXPECT_EQ(run("audit export"), 0);
  EXPECT_EQ(out, text);
  EXPECT_EQ(run("audit export --from " + std::to_string(last)), 0);
  EXPECT_EQ(lines_of(out).size(), 1u);
  EXPECT_EQ(run("audit export --from " + std::to_string(last + 1)), 0);
  EXPECT_THAT(out, IsEmpty());
}

TEST_F(AuditVerbs, export_refuses_what_it_cannot_write) {
  const auto file = folder.file("taken");
  std::ofstream(file) << "mine";
  EXPECT_EQ(run("audit export --out " + file), 2);
  EXPECT_THAT(err, HasSubstr("exists already"));
  EXPECT_EQ(run("audit export --out " + folder.file("none/audit.jsonl")), 2);
  EXPECT_EQ(run("audit export --from 0"), 2);
  EXPECT_EQ(run("audit export --from x"), 2);
}

TEST_F(AuditVerbs, export_of_many_pages_ends_at_the_head_it_began_with) {
  std::vector<std::thread> threads;  // they share commits
  for (int t = 0; t < 50; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 42; ++i) EXPECT_TRUE(registry->audit({"tester", clock.now()}, "probe", "it", "ok", ""));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(run("audit export"), 0) << err;
  EXPECT_EQ(lines_of(out).size(), last + 50 * 42);
}

TEST_F(AuditVerbs, without_a_hub_the_audit_is_not_at_hand_and_says_so) {
  server.reset();
  for (const std::string verb : {"list", "head", "verify", "export", "show -n 1"}) {
    EXPECT_EQ(run("audit " + verb), 5) << verb;
    EXPECT_THAT(err, HasSubstr("no hub is running")) << verb;
  }
}

}  // namespace
}  // namespace latchkey::hub::management
