// SPDX-License-Identifier: Apache-2.0
// What one connection announces and others hear. SQLite tells nobody, and says so.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "registry/store/sql.h"
#include "tests/support/postgresql_between.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::store {
namespace {

using Heard = Database::Heard;
constexpr std::chrono::minutes kLong(1);  // that no test waits for
constexpr std::chrono::milliseconds kNow(0);

class News : public testing::Test {
 protected:
  News() {
    EXPECT_TRUE(speaker_->execute("CREATE TABLE things (id BIGINT PRIMARY KEY)"));
    listener_ = open(store_);
  }
  ~News() override { ::close(call_); }

  static std::unique_ptr<Database> open(const std::string& store) {
    auto opened = Database::open(store, Database::Access::kReadWrite);
    EXPECT_TRUE(opened) << opened.error().detail;
    return std::move(*opened);
  }
  static Outcome<Nothing> put(Database& database, int id) {
    return database.query("INSERT INTO things (id) VALUES ($1)", id).run();
  }
  std::int64_t count() {
    return **listener_->query("SELECT COUNT(*) FROM things").first([](const Query& row) { return row.integer(0); });
  }

  const int call_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const tests::MemoryFolder folder_;
  const std::string store_ = store_in(folder_);
  const std::unique_ptr<Database> speaker_ = open(store_);
  std::unique_ptr<Database> listener_;
};

class NewsOnPostgres : public News {
 protected:
  void SetUp() override {
    if (!on_postgres()) GTEST_SKIP() << "SQLite tells nobody";
    ASSERT_TRUE(*listener_->listen());
  }
};

TEST_F(News, sqlite_tells_nobody_and_a_call_ends_the_wait) {
  LATCHKEY_ONLY_ON_SQLITE();
  EXPECT_FALSE(*listener_->listen());
  EXPECT_FALSE(listener_->listening());
  speaker_->announce();
  EXPECT_EQ(listener_->wait_for_news(call_, kNow), Heard::kNothing);
  ::eventfd_write(call_, 1);
  EXPECT_EQ(listener_->wait_for_news(call_, kLong), Heard::kCall);
}

TEST_F(News, who_does_not_listen_hears_nothing) {
  speaker_->announce();
  EXPECT_TRUE(speaker_->settle());
  EXPECT_FALSE(listener_->listening());
  EXPECT_EQ(listener_->wait_for_news(call_, kNow), Heard::kNothing);
}

TEST_F(NewsOnPostgres, call_ends_the_wait) {
  EXPECT_EQ(listener_->wait_for_news(call_, kNow), Heard::kNothing);
  ::eventfd_write(call_, 1);
  EXPECT_EQ(listener_->wait_for_news(call_, kLong), Heard::kCall);
}

TEST_F(NewsOnPostgres, announcement_outside_of_a_transaction_is_heard) {
  for (int i = 0; i < 3; ++i) {
    speaker_->announce();
    EXPECT_EQ(listener_->wait_for_news(call_, kLong), Heard::kNews);
  }
}

TEST_F(NewsOnPostgres, many_announcements_are_heard_at_once_and_none_is_left) {
  for (int i = 0; i < 100; ++i) speaker_->announce();
  ASSERT_TRUE(speaker_->settle());
  ASSERT_EQ(count(), 0);  // behind them all: they are here
  EXPECT_EQ(listener_->wait_for_news(call_, kLong), Heard::kNews);
  EXPECT_EQ(listener_->wait_for_news(call_, kNow), Heard::kNothing);
}

TEST_F(NewsOnPostgres, commit_is_there_when_its_announcement_is_heard) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(speaker_->begin_write());
    speaker_->announce();
    ASSERT_TRUE(put(*speaker_, i));
    ASSERT_TRUE(speaker_->commit());
    ASSERT_EQ(listener_->wait_for_news(call_, kLong), Heard::kNews);
    EXPECT_EQ(count(), i + 1);
  }
}

// Another announcement, heard first, shows that there was none.
TEST_F(NewsOnPostgres, what_is_rolled_back_is_not_announced) {
  ASSERT_TRUE(speaker_->begin_write());
  speaker_->announce();
  ASSERT_TRUE(put(*speaker_, 1));
  speaker_->rollback();
  ASSERT_TRUE(speaker_->begin_write());
  ASSERT_TRUE(put(*speaker_, 2));
  ASSERT_TRUE(speaker_->commit());
  ASSERT_EQ(count(), 1);
  EXPECT_EQ(listener_->wait_for_news(call_, kNow), Heard::kNothing);
}

TEST_F(NewsOnPostgres, commit_that_fails_is_not_announced) {
  ASSERT_TRUE(speaker_->begin_write());
  speaker_->announce();
  ASSERT_TRUE(put(*speaker_, 1));
  ASSERT_TRUE(put(*speaker_, 1));  // told by the commit
  ASSERT_FALSE(speaker_->commit());
  speaker_->rollback();
  ASSERT_EQ(count(), 0);
  EXPECT_EQ(listener_->wait_for_news(call_, kNow), Heard::kNothing);
}

TEST_F(NewsOnPostgres, own_announcements_are_no_news) {
  listener_->announce();
  ASSERT_EQ(count(), 0);
  EXPECT_EQ(listener_->wait_for_news(call_, kNow), Heard::kNothing);
}

TEST_F(NewsOnPostgres, what_came_between_two_queries_is_heard) {
  speaker_->announce();
  ASSERT_TRUE(speaker_->settle());
  for (int i = 0; i < 3; ++i) ASSERT_EQ(count(), 0);
  EXPECT_EQ(listener_->wait_for_news(call_, kLong), Heard::kNews);
}

TEST_F(NewsOnPostgres, lost_connection_is_news_and_the_next_one_listens) {
  ASSERT_TRUE(speaker_
                  ->query("SELECT pg_terminate_backend(pid)::int4 FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                          "AND backend_type = 'client backend'")
                  .all([](const Query&) { return 0; }));
  EXPECT_EQ(listener_->wait_for_news(call_, kLong), Heard::kNews);
  EXPECT_EQ(count(), 0) << "by a connection that is made for it";
  EXPECT_TRUE(listener_->listening());
  EXPECT_EQ(listener_->wait_for_news(call_, kNow), Heard::kNothing);
  speaker_->announce();
  EXPECT_EQ(listener_->wait_for_news(call_, kLong), Heard::kNews);
}

TEST_F(NewsOnPostgres, server_that_refuses_listen_is_said_to) {
  tests::PostgresBetween between(postgres_of_run(), "LISTEN latchkey", "LISTEN latch-ey");
  const auto database = open(between.url("postgres"));
  const auto listens = database->listen();
  ASSERT_FALSE(listens);
  EXPECT_NE(listens.error().detail.find("LISTEN"), std::string::npos) << listens.error().detail;
  EXPECT_FALSE(database->listening());
  ::eventfd_write(call_, 1);
  EXPECT_EQ(database->wait_for_news(call_, kLong), Heard::kCall);
  EXPECT_TRUE(database->query("SELECT 1").first([](const Query&) { return 0; })) << "the connection serves on";
}

TEST_F(NewsOnPostgres, server_that_refuses_notify_commits_all_the_same) {
  tests::PostgresBetween between(postgres_of_run(), "NOTIFY latchkey", "NOTIFY latch-ey");
  const auto database = open(between.url("postgres", store_.substr(store_.find("&options"))));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(database->begin_write());
    database->announce();
    ASSERT_TRUE(put(*database, i));
    ASSERT_TRUE(database->commit());
    database->announce();
  }
  EXPECT_TRUE(database->settle());
  EXPECT_EQ(count(), 5);
  EXPECT_EQ(listener_->wait_for_news(call_, kNow), Heard::kNothing);
}

}  // namespace
}  // namespace latchkey::registry::store
