// SPDX-License-Identifier: Apache-2.0
// The audit of a running hub, as an auditor meets it: exported and verified by the program in docs/audit.md, which is
// not ours, and verified by the hub after the file was edited with `sqlite3`.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"
#include "tests/support/subprocess.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// The program that docs/audit.md gives to auditors.
std::string program_of_the_page() {
  const auto page = read_text(LATCHKEY_AUDIT_PAGE);
  const std::string opening = "```python\n";
  const auto start = page.find(opening);
  if (start == std::string::npos) throw std::runtime_error("docs/audit.md has no program");
  const auto from = start + opening.size();
  return page.substr(from, page.find("```", from) - from);
}

class AuditTest : public HubTest<AuditTest> {
 public:
  static void SetUpTestSuite() {
    HubTest::SetUpTestSuite();
    Cohort cohort(hub(), "line");
    cohort.provision(cohort.device("a"));
    operate(hub(), {"device", "revoke", "-n", cohort.device("a"), "--disable", "-y"});
    operate(hub(), {"device", "delete", "-n", cohort.device("a"), "-y"});
    cohort.revoke_policy();
    cohort.delete_policy();
    hub().cli({"device", "revoke", "-n", "nobody", "-y"});
    hub().cli({"policy", "revoke", "-n", "line", "-y"});
  }

 protected:
  Finished sql(const std::string& statements) {
    return run({LATCHKEY_SQLITE, (hub().data() / "registry.db").string(), statements});
  }
  // The program of the page on an export.
  Finished check(const std::filesystem::path& file) {
    const auto program = work_.path() / "check.py";
    std::ofstream(program) << program_of_the_page();
    return run({LATCHKEY_PYTHON, program.string(), file.string()});
  }
  std::filesystem::path exported(const std::string& name) {
    const auto file = work_.path() / name;
    const auto done = hub().cli({"audit", "export", "--out", file.string()});
    EXPECT_EQ(done.exit_status, 0) << done.err;
    return file;
  }
  std::string head() {
    auto text = hub().cli({"audit", "head"}).out;
    text.erase(text.find_last_not_of('\n') + 1);
    return text;
  }

  const TemporaryFolder work_;
};

TEST_F(AuditTest, export_is_verified_by_a_program_that_is_not_ours) {
  const auto noted = head();
  const auto file = exported("audit.jsonl");
  EXPECT_EQ(std::filesystem::status(file).permissions() & std::filesystem::perms::all,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto checked = check(file);
  ASSERT_EQ(checked.exit_status, 0) << checked.err;
  EXPECT_EQ(checked.out, noted + "\n");
  EXPECT_EQ(hub().cli({"audit", "verify", "--head", noted}).exit_status, 0);

  std::ifstream lines(file);
  std::string line;
  bool revoked = false;
  bool refused = false;
  while (std::getline(lines, line)) {
    const auto record = json::parse(line);
    const bool of_operator = record["actor"].get<std::string>().starts_with("uid:");
    if (of_operator) {
      EXPECT_EQ(record["source"], "unix socket") << line;
    }
    if (record["action"] == "device.revoke" && record["outcome"] == "ok") {
      revoked = true;
      EXPECT_THAT(record["before"].get<std::string>(), HasSubstr("enabled=yes"));
      EXPECT_THAT(record["after"].get<std::string>(), HasSubstr("enabled=no"));
    }
    if (record["action"] == "device.revoke" && record["outcome"] == "not found") refused = true;
  }
  EXPECT_TRUE(revoked && refused);
}

TEST_F(AuditTest, program_of_the_page_finds_a_changed_and_a_missing_line) {
  const auto text = read_text(exported("whole.jsonl"));
  auto changed = text;
  const auto at = changed.find("line-a");
  ASSERT_NE(at, std::string::npos);
  changed[at + 5] = 'b';
  std::ofstream(work_.path() / "changed.jsonl") << changed;
  EXPECT_THAT(check(work_.path() / "changed.jsonl").err, HasSubstr("is not as it was written"));

  auto shorter = text;
  const auto second = shorter.find('\n') + 1;
  shorter.erase(second, shorter.find('\n', second) + 1 - second);
  std::ofstream(work_.path() / "shorter.jsonl") << shorter;
  const auto missing = check(work_.path() / "shorter.jsonl");
  EXPECT_NE(missing.exit_status, 0);
  EXPECT_THAT(missing.err, HasSubstr("record 2 is not"));
}

TEST_F(AuditTest, export_never_writes_over_a_file) {
  const auto file = exported("once.jsonl");
  const auto again = hub().cli({"audit", "export", "--out", file.string()});
  EXPECT_EQ(again.exit_status, 2);
  EXPECT_THAT(again.err, HasSubstr("exists already"));
}

TEST_F(AuditTest, database_refuses_to_change_or_delete_a_record) {
  EXPECT_THAT(sql("UPDATE audit SET actor = 'x' WHERE number = 2").err, HasSubstr("never changed"));
  EXPECT_THAT(sql("DELETE FROM audit WHERE number = 2").err, HasSubstr("never deleted"));
  EXPECT_EQ(hub().cli({"audit", "verify"}).exit_status, 0);
}

// The last word: the hub runs on, and its audit is not what it was.
TEST_F(AuditTest, record_that_was_edited_while_the_hub_runs_is_named_and_verify_fails) {
  const auto noted = head();
  const std::string drop = "DROP TRIGGER IF EXISTS audit_never_changes; ";
  ASSERT_EQ(sql(drop + "UPDATE audit SET actor = actor || 'x' WHERE number = 5").exit_status, 0);
  const auto changed = hub().cli({"audit", "verify"});
  EXPECT_EQ(changed.exit_status, 4);
  EXPECT_THAT(changed.err, HasSubstr("record 5 was changed"));
  EXPECT_EQ(hub().cli({"-o", "json", "audit", "verify"}).exit_status, 4);
  EXPECT_THAT(check(exported("edited.jsonl")).err, HasSubstr("record 5 is not"));

  ASSERT_EQ(sql("UPDATE audit SET actor = substr(actor, 1, length(actor) - 1) WHERE number = 5").exit_status, 0);
  EXPECT_EQ(hub().cli({"audit", "verify", "--head", noted}).exit_status, 0);
  auto other = noted;
  other.back() = other.back() == '0' ? '1' : '0';
  const auto refused = hub().cli({"audit", "verify", "--head", other});
  EXPECT_EQ(refused.exit_status, 4);
  EXPECT_THAT(refused.err, HasSubstr("noted head"));
  EXPECT_EQ(hub().cli({"audit", "verify", "--head", "nonsense"}).exit_status, 2);
}

}  // namespace
}  // namespace latchkey::tests
