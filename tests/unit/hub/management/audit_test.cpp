// SPDX-License-Identifier: Apache-2.0
// The audit over the API: pages in both directions, its head, and its verification.
#include <gmock/gmock.h>

#include "registry/store/sql.h"
#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;

class AuditApi : public ManagementTest {
 protected:
  void SetUp() override { furnish(); }
  std::uint64_t count() { return get("/audit/head").body["count"]; }
  void tamper(const std::string& sql) {
    using registry::store::Database;
    const auto file = Database::open(folder.file("registry.db"), Database::Access::kReadWrite);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->execute("DROP TRIGGER IF EXISTS audit_never_changes"));
    ASSERT_TRUE((*file)->execute(sql));
  }
};

TEST_F(AuditApi, record_has_all_that_is_hashed_and_both_hashes) {
  put(kDevices + "/dev");
  post(kDevices + "/dev/revoke", {{"disable", true}});
  const auto record = newest_audit();
  for (const auto* name : {"number", "at", "atMs", "actor", "source", "action", "resource", "outcome", "detail",
                           "before", "after", "previousHash", "hash"}) {
    EXPECT_TRUE(record.contains(name)) << name;
  }
  EXPECT_EQ(record.size(), 13u);
  EXPECT_EQ(record["source"], "unix socket");
  EXPECT_EQ(record["atMs"], clock.now());
  EXPECT_EQ(record["hash"].get<std::string>().size(), 64u);
  EXPECT_THAT(record["before"].get<std::string>(), HasSubstr("version=1"));
  EXPECT_THAT(record["after"].get<std::string>(), HasSubstr("version=2"));
  EXPECT_EQ(get("/audit?top=2").body["value"][1]["hash"], record["previousHash"]);
}

TEST_F(AuditApi, pages_from_the_oldest_on_reach_the_head) {
  std::string next = "/audit?top=2&from=1";
  std::uint64_t expected = 0;
  std::string previous(64, '0');
  while (!next.empty()) {
    const auto page = get(next);
    ASSERT_EQ(page.status, 200) << next;
    for (const auto& record : page.body["value"]) {
      EXPECT_EQ(record["number"], ++expected);
      EXPECT_EQ(record["previousHash"], previous);
      previous = record["hash"];
    }
    next = page.body.value("nextLink", "");
  }
  const auto head = get("/audit/head").body;
  EXPECT_EQ(head["count"], expected);
  EXPECT_EQ(head["hash"], previous);
  EXPECT_EQ(head["head"], std::to_string(expected) + ":" + previous);
  EXPECT_TRUE(get("/audit?from=" + std::to_string(expected + 1)).body["value"].empty());
}

TEST_F(AuditApi, whole_chain_is_intact_and_tells_its_head) {
  const auto head = get("/audit/head").body["head"].get<std::string>();
  const auto report = get("/audit/verification").body;
  EXPECT_EQ(report["intact"], true);
  EXPECT_EQ(report["head"], head);
  EXPECT_FALSE(report.contains("fault"));
  put("/namespaces/later");
  EXPECT_EQ(get("/audit/verification?head=" + head).body["intact"], true);
}

TEST_F(AuditApi, broken_chain_is_told_by_the_number_of_the_record) {
  tamper("UPDATE audit SET detail = detail || '.' WHERE number = 2");
  const auto report = get("/audit/verification").body;
  EXPECT_EQ(report["intact"], false);
  EXPECT_EQ(report["fault"]["number"], 2);
  EXPECT_THAT(report["fault"]["message"].get<std::string>(), HasSubstr("record 2 was changed"));
}

TEST_F(AuditApi, head_that_is_not_of_this_chain_is_told) {
  const auto noted = std::to_string(count()) + ":" + std::string(64, 'a');
  const auto report = get("/audit/verification?head=" + noted).body;
  EXPECT_EQ(report["intact"], false);
  EXPECT_EQ(report["fault"]["number"], count());
  const auto later = std::to_string(count() + 1) + ":" + std::string(64, 'a');
  EXPECT_EQ(get("/audit/verification?head=" + later).body["fault"]["number"], count() + 1);
}

TEST_F(AuditApi, bad_questions_are_refused_and_leave_no_record) {
  const auto before = count();
  const std::pair<std::string, std::string> table[] = {
      {"/audit?from=0", "from"},
      {"/audit?from=x", "from"},
      {"/audit?from=-1", "from"},
      {"/audit?from=99999999999999999999", "from"},
      {"/audit?from=9223372036854775808", "from"},
      {"/audit?from=1&before=3", "from"},
      {"/audit?before=1x", "before"},
      {"/audit?top=0", "top"},
      {"/audit/head?top=1", "top"},
      {"/audit/verification?head=", "head"},
      {"/audit/verification?head=5", "head"},
      {"/audit/verification?head=x:" + std::string(64, 'a'), "head"},
      {"/audit/verification?head=1:" + std::string(63, 'a'), "head"},
  };
  for (const auto& [target, member] : table) {
    const auto seen = get(target);
    EXPECT_EQ(seen.status, 400) << target;
    EXPECT_EQ(seen.target(), member) << target;
  }
  EXPECT_EQ(get("/audit/verification?head=0:" + std::string(64, 'a')).status, 400);
  EXPECT_EQ(count(), before);
}

TEST_F(AuditApi, nobody_writes_it_from_outside) {
  for (const auto method : {Method::kPut, Method::kPatch, Method::kPost, Method::kDelete}) {
    for (const std::string path : {"/audit", "/audit/head", "/audit/verification"}) {
      EXPECT_EQ(ask(method, path).status, 405) << path;
    }
  }
}

}  // namespace
}  // namespace latchkey::hub::management
