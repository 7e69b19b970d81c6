// SPDX-License-Identifier: Apache-2.0
#include "registry/store/transfer.h"

#include <gmock/gmock.h>

#include "platform/openssl/digest.h"
#include "registry/store/audit.h"
#include "registry/store/schema.h"
#include "registry/store/settings.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::store {
namespace {

using testing::HasSubstr;

// From the store under test to an SQLite file, and back to a fresh one of the store under test.
class Transfer : public testing::Test {
 protected:
  void SetUp() override {
    from = open(store_in(folder, "from.db"));
    file = open(folder.file("file.db"));
    ASSERT_TRUE(migrate(*from));
    run("INSERT INTO namespaces VALUES ($1, 'plant', 1)", bytes(1));
    run("INSERT INTO devices VALUES ($1, $2, 'pump', $3, 1, NULL, '', 1, 1, 1, 0)", bytes(2), bytes(1), bytes(3));
    run("INSERT INTO twins VALUES ($1, '{}', $2, '', 1, 1, 1, 1, 1)", bytes(2), "{\"a\":\"\u00e4\U0001f512\"}");
    run("INSERT INTO changes (sequence, kind, scope, id, enabled) VALUES (7, 2, $1, 'pump', -1)", bytes(1));
    run("UPDATE counters SET value = 9000000000 WHERE name = 'change'");
    run("INSERT INTO counters VALUES ('firmware_pins', 3)");
    ASSERT_TRUE(put_setting(*from, "id_scope", "0ne00000000"));
    for (int i = 1; i <= 3; ++i) {
      AuditRecord record;
      record.number = static_cast<std::uint64_t>(i);
      record.actor = "me";
      record.hash.fill(static_cast<std::uint8_t>(i));
      ASSERT_TRUE(insert(*from, record));
    }
    AuditHash hash{};
    hash.fill(3);
    ASSERT_TRUE(put_audit_head(*from, {3, hash}));
  }
  static std::unique_ptr<Database> open(const std::string& location) {
    auto opened = Database::open(location, Database::Access::kReadWrite);
    EXPECT_TRUE(opened) << opened.error().detail;
    return opened ? std::move(*opened) : nullptr;
  }
  static Bytes bytes(std::uint8_t value) { return Bytes(16, value); }
  template <class... Values>
  void run(const char* sql, const Values&... values) {
    const auto done = from->query(sql, values...).run();
    ASSERT_TRUE(done) << done.error().detail;
  }
  static std::vector<TableDigest> digests(Database& database) {
    EXPECT_TRUE(database.begin_read());
    auto digests = digest_tables(database, openssl::host_digest());
    database.end_read();
    EXPECT_TRUE(digests);
    return digests ? *digests : std::vector<TableDigest>();
  }

  tests::MemoryFolder folder;
  std::unique_ptr<Database> from;
  std::unique_ptr<Database> file;
};

TEST_F(Transfer, everything_comes_out_as_it_went_in_and_back) {
  const auto there = copy_everything(*from, *file, openssl::host_digest());
  ASSERT_TRUE(there) << there.error().detail;
  EXPECT_EQ(*there, digests(*from));
  const auto back = open(store_in(folder, "back.db"));
  const auto copied = copy_everything(*file, *back, openssl::host_digest());
  ASSERT_TRUE(copied) << copied.error().detail;
  EXPECT_EQ(digests(*back), digests(*from));
  EXPECT_EQ(**find_setting(*back, "id_scope"), "0ne00000000");
  EXPECT_EQ(find_audit_head(*back)->count, 3u);
}

TEST_F(Transfer, digest_sees_a_bit_and_no_order) {
  ASSERT_TRUE(copy_everything(*from, *file));
  EXPECT_EQ(digests(*file), digests(*from));
  ASSERT_TRUE(file->execute("UPDATE twins SET desired = '{\"a\":\"b\"}'"));
  EXPECT_NE(digests(*file), digests(*from));
}

TEST_F(Transfer, target_that_is_not_empty_is_refused_and_left_alone) {
  ASSERT_TRUE(migrate(*file));
  ASSERT_TRUE(put_setting(*file, "mine", "x"));
  const auto before = digests(*file);
  const auto copied = copy_everything(*from, *file, openssl::host_digest());
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().reason, Reason::kPreconditionFailed);
  EXPECT_THAT(copied.error().detail, HasSubstr("not empty"));
  EXPECT_EQ(digests(*file), before);
}

TEST_F(Transfer, source_and_target_of_other_versions_are_refused) {
  ASSERT_TRUE(migrate(*file));
  ASSERT_TRUE(file->execute("UPDATE schema_version SET version = 3"));
  const auto to_old = copy_everything(*from, *file, openssl::host_digest());
  ASSERT_FALSE(to_old);
  EXPECT_EQ(to_old.error().reason, Reason::kPreconditionFailed);
  const auto from_old = copy_everything(*file, *from, openssl::host_digest());
  ASSERT_FALSE(from_old);
  EXPECT_THAT(from_old.error().detail, HasSubstr("latchkey db migrate"));
}

}  // namespace
}  // namespace latchkey::registry::store
