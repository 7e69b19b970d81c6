// SPDX-License-Identifier: Apache-2.0
#include "registry/store/schema.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <barrier>
#include <thread>

#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::store {
namespace {

class Schema : public testing::Test {
 protected:
  std::unique_ptr<Database> open() {
    auto opened = Database::open(store_in(folder), Database::Access::kReadWrite);
    return opened ? std::move(*opened) : nullptr;
  }
  static std::vector<std::string> must_tables(Database& database) {
    auto tables = database.tables();
    EXPECT_TRUE(tables) << tables.error().detail;
    return tables ? *tables : std::vector<std::string>{"?"};
  }
  // The plan of a query, as one line.
  static std::string plan(Database& database, const std::string& sql) {
    std::string lines;
    auto done =
        database.query("EXPLAIN QUERY PLAN " + sql).each([&](const Query& row) { lines += row.text(3) + "; "; });
    return done ? lines : done.error().detail;
  }

  tests::MemoryFolder folder;
};

TEST_F(Schema, fresh_database_gets_the_newest_version) {
  auto database = open();
  ASSERT_TRUE(migrate(*database));
  auto version =
      database->query("SELECT version FROM schema_version").first([](const Query& row) { return row.integer(0); });
  EXPECT_EQ(**version, kSchemaVersion);
}

TEST_F(Schema, opening_again_changes_nothing) {
  auto database = open();
  ASSERT_TRUE(migrate(*database));
  ASSERT_TRUE(database->execute("INSERT INTO settings VALUES ('a', 'b')"));
  ASSERT_TRUE(migrate(*database));
  auto value = database->query("SELECT value FROM settings").first([](const Query& row) { return row.text(0); });
  EXPECT_EQ(**value, "b");
}

TEST_F(Schema, database_of_a_newer_program_is_refused_and_left_alone) {
  auto database = open();
  ASSERT_TRUE(migrate(*database));
  ASSERT_TRUE(database->execute("UPDATE schema_version SET version = 99"));
  auto migrated = migrate(*database);
  ASSERT_FALSE(migrated);
  EXPECT_EQ(migrated.error().reason, Reason::kStorage);
  auto version =
      database->query("SELECT version FROM schema_version").first([](const Query& row) { return row.integer(0); });
  EXPECT_EQ(**version, 99);
}

TEST_F(Schema, step_that_fails_leaves_nothing_behind) {
  auto database = open();
  ASSERT_TRUE(database->execute("CREATE VIEW audit AS SELECT 1 AS mine"));  // in the way of one of step 1's last tables
  ASSERT_FALSE(migrate(*database));
  database = open();
  EXPECT_EQ(must_tables(*database), std::vector<std::string>());
}

TEST_F(Schema, every_table_of_the_steps_is_made) {
  auto database = open();
  ASSERT_TRUE(migrate(*database));
  auto expected = schema_tables();
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(must_tables(*database), expected);
}

TEST_F(Schema, somebody_elses_database_is_refused_and_left_alone) {
  auto database = open();
  ASSERT_TRUE(database->execute("CREATE TABLE schema_version (version BIGINT); CREATE TABLE theirs (a BIGINT)"));
  for (const auto& refused : {migrate(*database), make_ready(*database)}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::kStorage);
    EXPECT_THAT(refused.error().detail, testing::HasSubstr("someone else's"));
  }
  EXPECT_EQ(must_tables(*database), (std::vector<std::string>{"schema_version", "theirs"}));
}

TEST_F(Schema, older_database_takes_the_steps_at_once_on_sqlite_and_when_asked_on_postgresql) {
  auto database = open();
  ASSERT_TRUE(migrate(*database));
  // As it was before the last step.
  constexpr int kBefore = kSchemaVersion - 1;
  ASSERT_TRUE(
      database->execute("DROP TABLE firmware_bundles; UPDATE schema_version SET version = " + std::to_string(kBefore)));
  if (on_postgres()) {
    const auto refused = make_ready(*database);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().detail, testing::HasSubstr("latchkey db migrate"));
    EXPECT_EQ(*schema_version_of(*database), kBefore);
    ASSERT_TRUE(migrate(*database));
  }
  ASSERT_TRUE(make_ready(*database));
  EXPECT_EQ(*schema_version_of(*database), kSchemaVersion);
}

TEST_F(Schema, several_who_migrate_at_once_make_one_schema) {
  const int rounds = on_postgres() ? 1 : 20;  // who meets whom where is chance
  for (int round = 0; round < rounds; ++round) {
    const std::string store = store_in(folder, "registry-" + std::to_string(round) + ".db");
    std::vector<std::thread> threads;
    std::barrier at_once(4);
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        at_once.arrive_and_wait();
        const auto database = Database::open(store, Database::Access::kReadWrite);
        EXPECT_TRUE(database) << database.error().detail;
        if (!database) return;
        const auto ready = make_ready(**database);
        EXPECT_TRUE(ready) << ready.error().detail;
      });
    }
    for (auto& thread : threads) thread.join();
    const auto database = Database::open(store, Database::Access::kReadWrite);
    ASSERT_TRUE(database) << database.error().detail;
    ASSERT_EQ(*schema_version_of(**database), kSchemaVersion);
  }
}

// A page costs what is on it, however many rows there are: it is found by an index that has its order.
TEST_F(Schema, pages_never_scan_and_never_sort) {
  LATCHKEY_ONLY_ON_SQLITE();  // as its planner tells
  auto database = open();
  ASSERT_TRUE(migrate(*database));
  const std::string queries[] = {
      "SELECT * FROM devices WHERE namespace = x'00' AND id > 'a' ORDER BY id LIMIT 100",
      "SELECT * FROM enrollments WHERE is_group = 0 AND folded_id > 'a' ORDER BY folded_id LIMIT 100",
      "SELECT * FROM enrollments WHERE is_group = 1 ORDER BY folded_id",
      "SELECT * FROM registrations r WHERE r.enrollment = x'00' AND r.folded_id > 'a' ORDER BY r.folded_id LIMIT 100",
      "SELECT * FROM audit WHERE number < 5 ORDER BY number DESC LIMIT 100",
      "SELECT * FROM labels WHERE resource = 'a'",
  };
  for (const std::string& sql : queries) {
    const std::string text = plan(*database, sql);
    EXPECT_THAT(text, testing::HasSubstr("SEARCH")) << sql;
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("SCAN"))) << sql << ": " << text;
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("TEMP B-TREE"))) << sql << ": " << text;
  }
}

TEST_F(Schema, devices_are_counted_without_reading_them) {
  LATCHKEY_ONLY_ON_SQLITE();  // as its planner tells
  auto database = open();
  ASSERT_TRUE(migrate(*database));
  for (const std::string sql : {"SELECT COUNT(*) FROM devices WHERE namespace = x'00'",
                                "SELECT COUNT(*) FROM devices WHERE namespace = x'00' AND enabled = 0"}) {
    EXPECT_THAT(plan(*database, sql), testing::HasSubstr("COVERING INDEX")) << sql;
  }
}

// What the operations promise about their cost rests on these indexes.
TEST_F(Schema, revocation_and_crls_never_scan_certificates) {
  LATCHKEY_ONLY_ON_SQLITE();  // as its planner tells
  auto database = open();
  ASSERT_TRUE(migrate(*database));
  const std::string queries[] = {
      "UPDATE certificates SET status = 3 WHERE device = x'00' AND status = 2 AND not_after > 1",
      "SELECT DISTINCT ca FROM certificates WHERE device = x'00' AND status = 2 AND not_after > 1",
      "SELECT serial, revoked_at FROM certificates WHERE status = 3 AND ca = x'00' AND not_after > 1",
      "SELECT id FROM cas WHERE crl_wanted > crl_number",
      "SELECT * FROM devices WHERE namespace = x'00' AND id = 'a'",
      "SELECT sequence FROM changes WHERE sequence > 5 ORDER BY sequence LIMIT 10",
  };
  for (const std::string& sql : queries) {
    const std::string text = plan(*database, sql);
    const bool by_number = text.find("INTEGER PRIMARY KEY") != std::string::npos;
    EXPECT_TRUE(by_number || text.find("INDEX") != std::string::npos) << sql << ": " << text;
    // The due CAs are all of their own index: reading it whole is the point.
    const bool whole = text.find("cas_due") != std::string::npos;
    EXPECT_TRUE(whole || text.find("SEARCH") != std::string::npos) << sql << ": " << text;
  }
}

// Certificates lie in the order of issuance: to read their rows device by device would be a jump for each.
TEST_F(Schema, looking_at_every_device_reads_no_rows_of_certificates_and_never_sorts) {
  LATCHKEY_ONLY_ON_SQLITE();  // as its planner tells
  auto database = open();
  ASSERT_TRUE(migrate(*database));
  const std::string queries[] = {
      "SELECT d.uuid, c.not_before, c.not_after, c.policy, r.hub, c.serial FROM devices d CROSS JOIN certificates c "
      "ON c.device = d.uuid AND c.credential_id = d.credential_id LEFT JOIN registrations r "
      "ON r.folded_id = d.registration_id WHERE c.status = 2 AND c.not_after > 1 "
      "AND +c.ca IN (SELECT ca FROM hub_certificates) ORDER BY d.uuid",
      "SELECT d.uuid, c.ca, c.not_before, c.not_after, c.issued_at FROM devices d LEFT JOIN certificates c "
      "ON c.device = d.uuid AND c.status = 2 AND c.credential_id = d.credential_id "
      "WHERE d.uuid IN (x'00', x'01') ORDER BY d.uuid",
      "SELECT 1 FROM certificates n WHERE n.device = x'00' AND n.status = 2 AND n.not_after >= 1 "
      "AND (n.not_after > 1 OR n.serial > x'00') AND n.credential_id = x'00' "
      "AND +n.ca IN (SELECT ca FROM hub_certificates)",
  };
  for (const std::string& sql : queries) {
    const std::string text = plan(*database, sql);
    EXPECT_THAT(text, testing::HasSubstr("USING COVERING INDEX certificates_of_device (device=? AND status=?")) << sql;
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("TEMP B-TREE"))) << sql << ": " << text;
  }
}

}  // namespace
}  // namespace latchkey::registry::store
