// SPDX-License-Identifier: Apache-2.0
// The chain of the audit against somebody who can write the database file: what is found, and what only a head that was
// noted elsewhere finds.
#include <atomic>
#include <thread>

#include "registry/store/audit.h"
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kRecords = 9;

class AuditChain : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    call.source = "127.0.0.1:51234";
    make_factory();                                                  // 1 to 4
    ASSERT_TRUE(registry->create_device(call, kNs, "dev"));          // 5
    ASSERT_TRUE(registry->revoke_device(call, kNs, "dev", true));    // 6
    ASSERT_FALSE(registry->revoke_device(call, kNs, "none", true));  // 7
    ASSERT_TRUE(registry->revoke_policy(call, kNs, "alpha", new_ca("CN=next")));
    ASSERT_TRUE(registry->delete_device(call, kNs, "dev"));
    ASSERT_EQ(head().count, kRecords);
  }

  AuditHead head() { return must(registry->audit_head()); }
  AuditReport report(const std::optional<AuditHead>& noted = std::nullopt) {
    return must(registry->verify_audit(noted));
  }
  void expect_intact() {
    const auto found = report();
    EXPECT_FALSE(found.fault) << found.fault->number << " " << found.fault->what;
  }
  void expect_fault(std::uint64_t number, const std::string& what, const std::optional<AuditHead>& noted = {}) {
    const auto found = report(noted);
    ASSERT_TRUE(found.fault) << "nothing was found; expected: record " << number << " " << what;
    EXPECT_EQ(found.fault->number, number);
    EXPECT_THAT(found.fault->what, HasSubstr(what));
  }

  // The attacker: opens the file himself, and takes the triggers away first.
  std::unique_ptr<store::Database> attacker() {
    auto database = store::Database::open(path, store::Database::Access::kReadWrite);
    EXPECT_TRUE(database);
    drop_audit_triggers(**database);
    return std::move(*database);
  }
  void tamper(const std::string& sql) {
    const auto done = attacker()->execute(sql);
    ASSERT_TRUE(done) << done.error().detail;
  }
  // Writes records anew from `first` on, each with a right hash, and the head to match.
  void rewrite(std::uint64_t first, const std::function<void(AuditRecord&)>& change) {
    auto records = must(registry->audit_from(first, 1000));
    auto database = attacker();
    AuditHash previous = records.front().previous;
    for (AuditRecord& record : records) {
      change(record);
      record.previous = previous;
      previous = record.hash = *audit_hash(openssl::host_digest(), record);
      ASSERT_TRUE(database->query("DELETE FROM audit WHERE number = $1", record.number).run());
      ASSERT_TRUE(store::insert(*database, record));
    }
    ASSERT_TRUE(store::put_audit_head(*database, {records.back().number, previous}));
  }
};

TEST_F(AuditChain, chain_of_acts_and_refusals_is_intact) {
  expect_intact();
  const auto records = must(registry->audit_from(1, 1000));
  ASSERT_EQ(records.size(), kRecords);
  EXPECT_EQ(records.front().previous, AuditHash{});
  for (std::size_t i = 1; i < records.size(); ++i) EXPECT_EQ(records[i].previous, records[i - 1].hash);
  EXPECT_EQ(head().hash, records.back().hash);
}

TEST_F(AuditChain, empty_audit_is_intact_and_its_head_is_zero) {
  path = folder.file("empty.db");
  open();
  expect_intact();
  EXPECT_TRUE(head() == AuditHead{});
  EXPECT_EQ(to_text(head()), "0:" + std::string(64, '0'));
}

TEST_F(AuditChain, goes_on_after_reopening) {
  const auto before = head();
  open();
  EXPECT_TRUE(head() == before);
  ASSERT_TRUE(registry->create_namespace(call, "next"));
  EXPECT_EQ(last_audit().previous, before.hash);
  expect_intact();
}

TEST_F(AuditChain, commit_that_failed_leaves_no_gap) {
  std::atomic<bool> broken = false;
  open({.batch_limit = 256, .keep_changes = 1000, .before_commit = [&](store::Database&) -> Outcome<Nothing> {
          if (broken) return refuse(Reason::kStorage, "the disk is gone");
          return Nothing{};
        }});
  broken = true;
  ASSERT_FALSE(registry->create_namespace(call, "lost"));
  broken = false;
  ASSERT_TRUE(registry->create_namespace(call, "kept"));
  EXPECT_EQ(head().count, kRecords + 1);
  expect_intact();
}

TEST_F(AuditChain, many_threads_make_one_chain_and_verification_meanwhile_finds_no_fault) {
  std::atomic<bool> done = false;
  std::thread auditor([&] {
    do expect_intact();
    while (!done);
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 20; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const auto id = "d" + std::to_string(t) + "-" + std::to_string(i);
        EXPECT_TRUE(registry->create_device(call, kNs, id));
        EXPECT_FALSE(registry->create_device(call, kNs, id));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  done = true;
  auditor.join();
  expect_intact();
  EXPECT_EQ(head().count, kRecords + 2 * 20 * 20);
}

// --- the triggers, against mistakes

TEST_F(AuditChain, database_itself_refuses_what_is_not_an_append) {
  const auto database = std::move(*store::Database::open(path, store::Database::Access::kReadWrite));
  const std::string row = "(number, at, actor, source, action, resource, outcome, detail, before, after, hash) VALUES ";
  const std::string values = ", 1, '', '', '', '', '', '', '', '', zeroblob(32))";
  const std::string replace = on_postgres() ? "" : "OR REPLACE ";
  const std::string ignore = on_postgres() ? "" : "OR IGNORE ";
  for (const std::string& sql : {
           std::string("UPDATE audit SET detail = '' WHERE number = 3"),
           std::string("UPDATE audit SET number = number"),
           std::string("DELETE FROM audit WHERE number = 9"),
           std::string("DELETE FROM audit"),
           "INSERT INTO audit " + row + "(3" + values,
           "INSERT INTO audit " + row + "(0" + values,
           "INSERT " + replace + "INTO audit " + row + "(9" + values,
           "INSERT " + ignore + "INTO audit " + row + "(-4" + values,
           std::string("DELETE FROM audit_head"),
           std::string("INSERT INTO audit_head VALUES (20, zeroblob(32))"),
           std::string("UPDATE audit_head SET count = 8"),
           std::string("UPDATE audit_head SET hash = zeroblob(32)"),
       }) {
    const auto done = database->execute(sql);
    ASSERT_FALSE(done) << sql;
    EXPECT_THAT(done.error().detail, HasSubstr("audit")) << sql;
  }
  EXPECT_EQ(head().count, kRecords);
  expect_intact();
}

// --- somebody who takes the triggers away

// Every column that there is, so that one that is added cannot be forgotten in the hash.
TEST_F(AuditChain, flipped_byte_in_any_column_of_any_record_is_found_and_named) {
  std::vector<std::string> columns;
  {
    const auto database = attacker();
    const char* const sql = on_postgres() ? "SELECT column_name::text FROM information_schema.columns WHERE "
                                            "table_schema = current_schema() AND table_name = 'audit'"
                                          : "SELECT name FROM pragma_table_info('audit')";
    ASSERT_TRUE(database->query(sql).each([&](const store::Query& row) { columns.push_back(row.text(0)); }));
  }
  ASSERT_EQ(columns.size(), 11u);
  for (const std::string& column : columns) {
    for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{6}, kRecords}) {
      SCOPED_TRACE(column + " of record " + std::to_string(number));
      const std::string where = " WHERE number = " + std::to_string(number);
      if (column == "number") {
        tamper("UPDATE audit SET number = number + 64" + where);
        expect_fault(number, "is missing");
        tamper("UPDATE audit SET number = number - 64 WHERE number = " + std::to_string(number + 64));
      } else if (column == "at") {
        tamper("UPDATE audit SET at = at - 1" + where);
        expect_fault(number, "was changed");
        tamper("UPDATE audit SET at = at + 1" + where);
      } else {
        const auto database = attacker();
        Bytes bytes = **database->query("SELECT " + column + " FROM audit" + where).first([](const store::Query& row) {
          return row.bytes(0);
        });
        Bytes changed = bytes;
        if (changed.empty()) changed.push_back('x');  // an empty text has no byte to flip: one is put in
        if (!bytes.empty()) changed[changed.size() / 2] ^= 1;
        const auto put = [&](const Bytes& value) {
          const std::string text(value.begin(), value.end());
          const std::string sql = "UPDATE audit SET " + column + " = $1" + where;
          return column == "hash" ? database->query(sql, value).run() : database->query(sql, text).run();
        };
        ASSERT_TRUE(put(changed));
        expect_fault(number, "was changed");
        ASSERT_TRUE(put(bytes));
      }
      expect_intact();
    }
  }
}

TEST_F(AuditChain, removed_record_is_found_wherever_it_stood) {
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{5}, kRecords}) {
    const auto record = must(registry->audit_from(number, 1)).front();
    tamper("DELETE FROM audit WHERE number = " + std::to_string(number));
    expect_fault(number, "is missing");
    ASSERT_TRUE(store::insert(*attacker(), record));  // put back as it was
    expect_intact();
  }
}

TEST_F(AuditChain, cut_tail_is_found) {
  tamper("DELETE FROM audit WHERE number > 4");
  expect_fault(5, "is missing: the head counts 9 records");
}

TEST_F(AuditChain, emptied_audit_is_found) {
  tamper("DELETE FROM audit");
  expect_fault(1, "is missing: the head counts 9 records");
}

TEST_F(AuditChain, swapped_records_are_found) {
  tamper(
      "UPDATE audit SET number = 100 WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 4;"
      "UPDATE audit SET number = 4 WHERE number = 100");
  expect_fault(3, "stands where another one was");
}

TEST_F(AuditChain, record_that_closes_a_gap_is_found) {
  tamper("DELETE FROM audit WHERE number = 5; UPDATE audit SET number = number - 1 WHERE number > 5");
  expect_fault(5, "stands where another one was");
}

TEST_F(AuditChain, inserted_record_is_found) {
  tamper(
      "UPDATE audit SET number = number + 100 WHERE number > 5; UPDATE audit SET number = number - 99 WHERE number > 5;"
      "INSERT INTO audit SELECT 6, at, actor, source, action, resource, outcome, detail, before, after, hash "
      "FROM audit WHERE number = 2");
  expect_fault(6, "stands where another one was");
}

TEST_F(AuditChain, record_before_the_first_is_found) {
  tamper(
      "INSERT INTO audit SELECT -7, at, actor, source, action, resource, outcome, detail, before, after, hash "
      "FROM audit WHERE number = 2");
  expect_fault(0, "was inserted");
}

TEST_F(AuditChain, well_made_record_behind_the_head_is_found) {
  AuditRecord forged = last_audit();
  forged.previous = forged.hash;
  forged.number = kRecords + 1;
  forged.hash = *audit_hash(openssl::host_digest(), forged);
  ASSERT_TRUE(store::insert(*attacker(), forged));
  expect_fault(kRecords + 1, "was inserted: the head counts 9 records");
}

TEST_F(AuditChain, table_without_its_key_may_hold_a_number_twice_and_that_is_found) {
  tamper(
      "CREATE TABLE copy AS SELECT * FROM audit; DROP TABLE audit; ALTER TABLE copy RENAME TO audit;"
      "INSERT INTO audit SELECT * FROM audit WHERE number = 4");
  expect_fault(4, "was inserted: its number is taken");
}

TEST_F(AuditChain, changed_head_is_found) {
  tamper("UPDATE audit_head SET hash = zeroblob(32)");
  expect_fault(kRecords, "does not match the head");
}

TEST_F(AuditChain, head_that_runs_ahead_is_found) {
  tamper("UPDATE audit_head SET count = 12");
  expect_fault(kRecords + 1, "is missing: the head counts 12 records");
}

TEST_F(AuditChain, head_that_was_put_back_is_found) {
  tamper("UPDATE audit_head SET count = 4, hash = (SELECT hash FROM audit WHERE number = 4)");
  expect_fault(5, "was inserted: the head counts 4 records");
}

TEST_F(AuditChain, without_a_head_nothing_is_verified_and_nothing_is_written) {
  tamper("DELETE FROM audit_head");
  EXPECT_REFUSED(registry->verify_audit(std::nullopt), Reason::kStorage);
  EXPECT_REFUSED(registry->audit_head(), Reason::kStorage);
  EXPECT_REFUSED(registry->create_namespace(call, "unseen"), Reason::kStorage);
  EXPECT_REFUSED(registry->find_namespace("unseen"), Reason::kNotFound);
}

// --- a chain that was made anew as a whole: only a head from elsewhere tells

TEST_F(AuditChain, noted_head_is_part_of_a_chain_that_went_on) {
  const auto noted = head();
  ASSERT_TRUE(registry->create_namespace(call, "later"));
  EXPECT_FALSE(report(noted).fault);
  EXPECT_FALSE(report(AuditHead{}).fault);  // noted before there was anything
  EXPECT_FALSE(report(head()).fault);
}

TEST_F(AuditChain, rewritten_chain_is_found_by_a_noted_head_alone) {
  const auto noted = head();
  rewrite(3, [](AuditRecord& record) { record.actor = "somebody else"; });
  expect_intact();
  expect_fault(kRecords, "is not the one of the noted head", noted);
}

TEST_F(AuditChain, tail_cut_together_with_the_head_is_found_by_a_noted_head_alone) {
  const auto noted = head();
  tamper(
      "DELETE FROM audit WHERE number > 6;"
      "UPDATE audit_head SET count = 6, hash = (SELECT hash FROM audit WHERE number = 6)");
  expect_intact();
  expect_fault(7, "is missing: the noted head counts 9 records", noted);
}

TEST_F(AuditChain, noted_head_with_another_hash_is_refused) {
  auto noted = head();
  noted.hash[0] ^= 1;
  expect_fault(kRecords, "is not the one of the noted head", noted);
  noted.count = 3;
  expect_fault(3, "is not the one of the noted head", noted);
  noted.count = 0;
  EXPECT_REFUSED(registry->verify_audit(noted), Reason::kInvalidArgument);
}

}  // namespace
}  // namespace latchkey::registry
