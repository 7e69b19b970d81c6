// SPDX-License-Identifier: Apache-2.0
#include "registry/store/sql.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Sql : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Database::open(path, Database::Access::kReadWrite);
    ASSERT_TRUE(opened) << opened.error().detail;
    database = std::move(*opened);
    ASSERT_TRUE(database->execute("CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT, data BYTEA)"));
  }

  std::int64_t count() {
    return **database->query("SELECT COUNT(*) FROM things").first([](const Query& row) { return row.integer(0); });
  }

  tests::MemoryFolder folder;
  std::string path = store_in(folder);
  std::unique_ptr<Database> database;
};

unsigned mode_of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return 0;
  return found.st_mode & 07777;
}

TEST_F(Sql, database_and_its_journal_are_made_private_whatever_the_umask) {
  LATCHKEY_ONLY_ON_SQLITE();
  const mode_t before = ::umask(0);
  const std::string other = folder.file("other.db");
  auto opened = Database::open(other, Database::Access::kReadWrite);
  ASSERT_TRUE(opened);
  ASSERT_TRUE((*opened)->execute("CREATE TABLE t (a BIGINT)"));
  ::umask(before);
  for (const char* suffix : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(other + suffix), 0600u) << suffix;
}

TEST_F(Sql, file_that_others_may_read_is_refused) {
  LATCHKEY_ONLY_ON_SQLITE();
  const std::string other = folder.file("open.db");
  std::ofstream(other).close();
  ASSERT_EQ(::chmod(other.c_str(), 0640), 0);
  auto opened = Database::open(other, Database::Access::kReadWrite);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, Reason::kStorage);
  EXPECT_THAT(opened.error().detail, HasSubstr("0600"));
}

TEST_F(Sql, file_that_is_no_database_is_refused) {
  LATCHKEY_ONLY_ON_SQLITE();
  const std::string other = folder.file("junk.db");
  std::ofstream(other) << std::string(8192, 'x');
  ASSERT_EQ(::chmod(other.c_str(), 0600), 0);
  auto opened = Database::open(other, Database::Access::kReadWrite);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, Reason::kStorage);
}

TEST_F(Sql, folder_that_is_not_there_is_refused) {
  LATCHKEY_ONLY_ON_SQLITE();
  EXPECT_FALSE(Database::open(folder.file("none/registry.db"), Database::Access::kReadWrite));
  EXPECT_FALSE(Database::open(folder.file("none.db"), Database::Access::kReadOnly));
}

TEST_F(Sql, database_is_in_wal_mode_and_synced_at_each_commit) {
  LATCHKEY_ONLY_ON_SQLITE();
  auto mode = database->query("PRAGMA journal_mode").first([](const Query& row) { return row.text(0); });
  EXPECT_EQ(**mode, "wal");
  auto synchronous = database->query("PRAGMA synchronous").first([](const Query& row) { return row.integer(0); });
  EXPECT_EQ(**synchronous, 2);  // FULL
  auto keys = database->query("PRAGMA foreign_keys").first([](const Query& row) { return row.integer(0); });
  EXPECT_EQ(**keys, 1);
}

TEST_F(Sql, values_come_back_as_they_went_in) {
  const Bytes data = {0, 1, 0xff, 0};
  const std::string name =
      on_postgres() ? "a'\"; DROP TABLE \u00fc \U0001f512 things" : std::string("a\0b'\"; DROP TABLE things", 24);
  ASSERT_TRUE(database->query("INSERT INTO things (id, name, data) VALUES ($1, $2, $3)", -7, name, data).run());
  auto query = database->query("SELECT id, name, data FROM things");
  auto found = query.next();
  ASSERT_TRUE(found && *found);
  EXPECT_EQ(query.integer(0), -7);
  EXPECT_EQ(query.text(1), name);
  EXPECT_EQ(query.bytes(2), data);
}

// In the order of bytes, whatever a server's own rules are: capitals first, umlauts last.
TEST_F(Sql, text_of_the_schema_orders_by_its_bytes) {
  ASSERT_TRUE(database->execute("CREATE TABLE words (word TEXT PRIMARY KEY)"));
  for (const char* word : {"b", "\u00e4", "B", "a", "_", "A", "a-b", "ab"}) {
    ASSERT_TRUE(database->query("INSERT INTO words (word) VALUES ($1)", word).run());
  }
  auto ordered = database->query("SELECT word FROM words WHERE word > $1 ORDER BY word", "A").all([](const Query& row) {
    return row.text(0);
  });
  ASSERT_TRUE(ordered);
  EXPECT_THAT(*ordered, ElementsAre("B", "_", "a", "a-b", "ab", "b", "\u00e4"));
}

TEST_F(Sql, stream_brings_every_row_and_lets_others_run_beside_it) {
  ASSERT_TRUE(database->begin_write());
  for (int i = 0; i < 2500; ++i) ASSERT_TRUE(database->query("INSERT INTO things (id) VALUES ($1)", i).run());
  std::int64_t next = 0;
  ASSERT_TRUE(database->stream("SELECT id FROM things WHERE id >= $1 ORDER BY id", 0).each([&](const Query& row) {
    EXPECT_EQ(row.integer(0), next++);
    EXPECT_TRUE(next % 500 != 0 || count() == 2500);
  }));
  EXPECT_EQ(next, 2500);
  ASSERT_TRUE(database->stream("SELECT id FROM things").next());  // and left where it stands
  ASSERT_TRUE(database->commit());
}

// A failure may come late in a transaction, but it comes, and before anything is kept.
TEST_F(Sql, failed_write_is_told_by_the_end_of_its_savepoint_at_the_latest) {
  ASSERT_TRUE(database->begin_write());
  ASSERT_TRUE(database->query("INSERT INTO things (id) VALUES (1)").run());
  ASSERT_TRUE(database->savepoint());
  auto done = database->query("INSERT INTO things (id) VALUES (1)").run();
  if (done) done = database->release_savepoint();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, Reason::kStorage);
  EXPECT_TRUE(database->in_transaction());
  ASSERT_TRUE(database->rollback_to_savepoint());
  ASSERT_TRUE(database->release_savepoint());
  ASSERT_TRUE(database->query("INSERT INTO things (id) VALUES (2)").run());
  ASSERT_TRUE(database->commit());
  EXPECT_EQ(count(), 2);
}

TEST_F(Sql, failed_write_that_nobody_looked_at_fails_the_commit) {
  ASSERT_TRUE(database->query("INSERT INTO things (id) VALUES (1)").run());
  ASSERT_TRUE(database->begin_write());
  ASSERT_TRUE(database->query("INSERT INTO things (id) VALUES (2)").run());
  auto done = database->query("INSERT INTO things (id) VALUES (1)").run();
  if (done) done = database->commit();
  ASSERT_FALSE(done);
  database->rollback();
  EXPECT_FALSE(database->in_transaction());
  EXPECT_EQ(count(), 1);
}

TEST_F(Sql, changed_counts_the_rows_of_the_last_statement) {
  ASSERT_TRUE(database->begin_write());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(database->query("INSERT INTO things (id) VALUES ($1)", i).run());
  EXPECT_EQ(*database->changed(), 1);
  ASSERT_TRUE(database->query("UPDATE things SET name = 'x' WHERE id > 0").run());
  EXPECT_EQ(*database->changed(), 2);
  ASSERT_TRUE(database->query("INSERT INTO things (id) VALUES (1) ON CONFLICT (id) DO NOTHING").run());
  EXPECT_EQ(*database->changed(), 0);
  ASSERT_TRUE(database->commit());
}

TEST_F(Sql, empty_is_not_null) {
  ASSERT_TRUE(database->query("INSERT INTO things VALUES ($1, $2, $3)", 1, std::string_view(), Bytes()).run());
  ASSERT_TRUE(
      database->query("INSERT INTO things VALUES ($1, $2, $3)", 2, std::optional<Uuid>(), std::optional<Uuid>()).run());
  auto rows = database->query("SELECT name, data FROM things ORDER BY id").all([](const Query& row) {
    return std::pair(row.null(0), row.null(1));
  });
  ASSERT_TRUE(rows);
  EXPECT_THAT(*rows, ElementsAre(std::pair(false, false), std::pair(true, true)));
}

TEST_F(Sql, wrong_number_of_values_is_an_error) {
  EXPECT_FALSE(database->query("SELECT id FROM things WHERE id = $1").next());
  EXPECT_FALSE(database->query("SELECT id FROM things", 1).next());
}

TEST_F(Sql, statement_that_does_not_parse_is_an_error) {
  auto query = database->query("SELEKT 1", 1);
  auto row = query.next();
  ASSERT_FALSE(row);
  EXPECT_EQ(row.error().reason, Reason::kStorage);
}

TEST_F(Sql, identifier_of_the_wrong_size_is_a_damaged_row) {
  ASSERT_TRUE(database->query("INSERT INTO things (id, data) VALUES ($1, $2)", 1, Bytes{1, 2, 3}).run());
  auto id = database->query("SELECT data FROM things").first([](const Query& row) { return row.id<Uuid>(0); });
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().reason, Reason::kStorage);
}

TEST_F(Sql, statement_inside_its_own_loop_runs_on_its_own) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(database->query("INSERT INTO things (id) VALUES ($1)", i).run());
  int pairs = 0;
  ASSERT_TRUE(database->query("SELECT id FROM things").each([&](const Query&) {
    ASSERT_TRUE(database->query("SELECT id FROM things").each([&](const Query&) { ++pairs; }));
  }));
  EXPECT_EQ(pairs, 9);
}

TEST_F(Sql, savepoint_takes_back_only_what_came_after_it) {
  ASSERT_TRUE(database->begin_write());
  ASSERT_TRUE(database->query("INSERT INTO things (id) VALUES (1)").run());
  ASSERT_TRUE(database->savepoint());
  ASSERT_TRUE(database->query("INSERT INTO things (id) VALUES (2)").run());
  ASSERT_TRUE(database->rollback_to_savepoint());
  ASSERT_TRUE(database->release_savepoint());
  ASSERT_TRUE(database->commit());
  EXPECT_EQ(count(), 1);
}

TEST_F(Sql, reader_cannot_write_and_keeps_its_view) {
  auto reader = Database::open(path, Database::Access::kReadOnly);
  ASSERT_TRUE(reader);
  EXPECT_FALSE((*reader)->query("INSERT INTO things (id) VALUES (1)").run());

  auto seen = [&] {
    return **(*reader)->query("SELECT COUNT(*) FROM things").first([](const Query& row) { return row.integer(0); });
  };
  ASSERT_TRUE((*reader)->begin_read());
  EXPECT_EQ(seen(), 0);
  ASSERT_TRUE(database->query("INSERT INTO things (id) VALUES (1)").run());
  EXPECT_EQ(seen(), 0);
  (*reader)->end_read();
  EXPECT_EQ(seen(), 1);
}

TEST_F(Sql, full_storage_says_so) {
  LATCHKEY_ONLY_ON_SQLITE();
  auto pages = database->query("PRAGMA page_count").first([](const Query& row) { return row.integer(0); });
  ASSERT_TRUE(database->execute("PRAGMA max_page_count = " + std::to_string(**pages)));
  auto inserted = database->query("INSERT INTO things (id, data) VALUES ($1, $2)", 1, Bytes(100000)).run();
  ASSERT_FALSE(inserted);
  EXPECT_EQ(inserted.error().reason, Reason::kStorage);
  EXPECT_THAT(inserted.error().detail, HasSubstr("storage full"));
  EXPECT_EQ(count(), 0);
}

}  // namespace
}  // namespace latchkey::registry::store
