// SPDX-License-Identifier: Apache-2.0
// What only a server can do to its clients: it is not there, goes, comes back, says no. In the run on PostgreSQL.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <latch>
#include <thread>

#include "platform/openssl/digest.h"
#include "registry/store/readers.h"
#include "registry/store/schema.h"
#include "registry/store/settings.h"
#include "registry/store/writer.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::store {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using tests::PostgresServer;

#define LATCHKEY_ONLY_ON_POSTGRES() \
  if (!on_postgres()) GTEST_SKIP() << "in the run on PostgreSQL"

std::unique_ptr<Database> must_open(const std::string& url) {
  auto opened = Database::open(url, Database::Access::kReadWrite);
  EXPECT_TRUE(opened) << opened.error().detail;
  return opened ? std::move(*opened) : nullptr;
}

Refusal refused(const std::string& url) {
  const auto opened = Database::open(url, Database::Access::kReadWrite);
  EXPECT_FALSE(opened);
  return opened ? Refusal{} : opened.error();
}

// Of servers that are stopped: not that of the run.
class OwnPostgres : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (on_postgres()) server_ = std::make_unique<PostgresServer>();
  }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    LATCHKEY_ONLY_ON_POSTGRES();
    if (server().pid() < 0) server().start();
    schema_ = "own" + std::to_string(++made_);
    ASSERT_TRUE(must_open(server().url("postgres"))->execute("CREATE SCHEMA " + schema_));
  }
  void TearDown() override {
    writer_.reset();
    if (server_ && server().pid() < 0) server().start();
  }
  static PostgresServer& server() { return *server_; }
  std::string url(const std::string& more = "") const {
    return server().url("postgres", "&options=-csearch_path%3D" + schema_ + more);
  }
  void start_writer(Writer::Options options = {}, const std::string& more = "") {
    auto database = must_open(url(more));
    ASSERT_TRUE(make_ready(*database));
    auto started = Writer::start(std::move(database), openssl::host_digest(), std::move(options));
    ASSERT_TRUE(started) << started.error().detail;
    writer_ = std::move(*started);
  }
  Outcome<Sequence> put(const std::string& name) {
    return writer_->run([&](Transaction& transaction) { return put_setting(transaction.database(), name, "x"); }, {});
  }
  bool has(Database& database, const std::string& name) {
    const auto found = find_setting(database, name);
    return found && found->has_value();
  }

  std::unique_ptr<Writer> writer_;

 private:
  static inline std::unique_ptr<PostgresServer> server_;
  static inline int made_ = 0;
  std::string schema_;
};

TEST(Postgres, wrong_password_is_refused_and_shown_nowhere) {
  LATCHKEY_ONLY_ON_POSTGRES();
  const auto why = refused(postgres_of_run().tcp_url("postgres", "open-sesame"));
  EXPECT_EQ(why.reason, Reason::kStorage);
  EXPECT_THAT(why.detail,
              AllOf(HasSubstr("password authentication failed"), HasSubstr("PGPASSWORD"), Not(HasSubstr("sesame"))));
  EXPECT_TRUE(must_open(postgres_of_run().tcp_url("postgres", PostgresServer::kPassword)));
}

TEST(Postgres, url_that_cannot_be_read_is_refused_and_not_repeated) {
  for (const char* url : {"postgresql://u:open%zzsesame@h/db", "postgresql://u:sesame@[::1/db",
                          "postgresql://u:sesame@h/db?nonsense=1", "postgres://u:sesame@h/db?sslmode"}) {
    const auto why = refused(url);
    EXPECT_EQ(why.reason, Reason::kInvalidArgument) << url;
    EXPECT_THAT(why.detail, AllOf(HasSubstr("postgresql://"), Not(HasSubstr("sesame")))) << url;
  }
}

TEST(Postgres, server_that_is_not_there_is_named) {
  tests::MemoryFolder folder;
  const auto why = refused("postgresql://u@/db?host=" + folder.file("nowhere") + "&password=sesame");
  EXPECT_EQ(why.reason, Reason::kStorage);
  EXPECT_THAT(why.detail, AllOf(HasSubstr("see that PostgreSQL runs"), HasSubstr("nowhere"), Not(HasSubstr("sesame"))));
}

TEST(Postgres, database_and_user_that_are_not_there_are_named) {
  LATCHKEY_ONLY_ON_POSTGRES();
  const auto why = refused(postgres_of_run().url("nonesuch"));
  EXPECT_THAT(why.detail, AllOf(HasSubstr("\"nonesuch\" does not exist"), HasSubstr("docs/postgresql.md")));
}

TEST(Postgres, other_encoding_than_utf8_is_refused) {
  LATCHKEY_ONLY_ON_POSTGRES();
  auto& server = postgres_of_run();
  ASSERT_TRUE(
      must_open(server.url("postgres"))
          ->execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"));
  EXPECT_THAT(refused(server.url("latin")).detail, AllOf(HasSubstr("LATIN1"), HasSubstr("UTF8")));
}

TEST(Postgres, server_without_writes_is_refused_and_a_list_is_searched_for_one_that_takes_them) {
  LATCHKEY_ONLY_ON_POSTGRES();
  auto& server = postgres_of_run();
  const auto why = refused(server.url("postgres", "&options=-cdefault_transaction_read_only%3Don"));
  EXPECT_EQ(why.reason, Reason::kStorage);
  EXPECT_THAT(why.detail, HasSubstr("takes writes"));
  tests::MemoryFolder folder;
  const auto list = server.url("postgres");
  const auto host = list.find("host=") + 5;
  EXPECT_TRUE(must_open(list.substr(0, host) + folder.file("nowhere") + "," + list.substr(host)));
}

TEST(Postgres, read_only_database_says_so_at_the_write) {
  LATCHKEY_ONLY_ON_POSTGRES();
  const auto database = must_open(fresh_postgres());
  ASSERT_TRUE(database->execute("CREATE TABLE t (a BIGINT); SET default_transaction_read_only = on"));
  const auto done = database->query("INSERT INTO t VALUES (1)").run();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, HasSubstr("takes no writes"));
}

TEST(Postgres, statement_that_takes_too_long_is_ended) {
  LATCHKEY_ONLY_ON_POSTGRES();
  const auto database = must_open(postgres_of_run().url("postgres", "&options=-cstatement_timeout%3D50"));
  const auto done = database->query("SELECT pg_sleep(600)").run();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, HasSubstr("statement_timeout"));
  const auto usual = must_open(postgres_of_run().url("postgres"));
  const auto limit =
      usual->query("SELECT current_setting('statement_timeout')").first([](const Query& row) { return row.text(0); });
  EXPECT_EQ(**limit, "30s");
}

TEST(Postgres, text_that_it_cannot_hold_is_the_callers_fault) {
  LATCHKEY_ONLY_ON_POSTGRES();
  const auto database = must_open(fresh_postgres());
  ASSERT_TRUE(make_ready(*database));
  for (const std::string& text :
       {std::string("a\0b", 3), std::string("\xff"), std::string("\xc0\x80"), std::string("\xed\xa0\x80"),
        std::string("\xe2\x82"), std::string("\xf4\x90\x80\x80")}) {
    const auto done = put_setting(*database, "name", text);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, Reason::kInvalidArgument);
  }
  for (const char* text : {"", "\u00e4", "\u20ac", "\U0001f512", "\U0010ffff"}) {
    ASSERT_TRUE(put_setting(*database, "name", text));
    EXPECT_EQ(**find_setting(*database, "name"), text);
  }
}

// What PostgreSQL says in its detail are values of rows, and such may be keys.
TEST(Postgres, values_of_rows_are_in_no_error) {
  LATCHKEY_ONLY_ON_POSTGRES();
  const auto database = must_open(fresh_postgres());
  ASSERT_TRUE(make_ready(*database));
  const auto insert = [&] { return database->query("INSERT INTO settings VALUES ($1, 'x')", "sesame").run(); };
  ASSERT_TRUE(insert());
  const auto done = insert();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, AllOf(HasSubstr("settings"), Not(HasSubstr("sesame"))));
}

TEST_F(OwnPostgres, server_that_went_and_came_back_is_found_again) {
  start_writer();
  Readers readers(url());
  ASSERT_TRUE(put("before"));
  ASSERT_TRUE(readers.view());  // a connection that waits to be used again
  server().stop();
  const auto lost = put("meanwhile");
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().reason, Reason::kStorage);
  EXPECT_FALSE(readers.view());
  server().start();
  ASSERT_TRUE(put("after"));
  const auto view = readers.view();
  ASSERT_TRUE(view) << view.error().detail;
  EXPECT_TRUE(has(**view, "before"));
  EXPECT_FALSE(has(**view, "meanwhile"));
  EXPECT_TRUE(has(**view, "after"));
}

TEST_F(OwnPostgres, server_that_goes_in_the_middle_of_a_batch_fails_all_of_it) {
  bool stops = false;
  Writer::Options options;
  options.before_commit = [&](Database&) -> Outcome<Nothing> {
    if (stops) server().stop();
    return Nothing{};
  };
  start_writer(std::move(options));
  ASSERT_TRUE(put("before"));
  stops = true;
  const auto lost = put("lost");
  stops = false;
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().reason, Reason::kStorage);
  EXPECT_THAT(lost.error().detail, HasSubstr("lost"));
  server().start();
  ASSERT_TRUE(put("after"));
  const auto database = must_open(url());
  EXPECT_TRUE(has(*database, "before"));
  EXPECT_FALSE(has(*database, "lost"));
  EXPECT_TRUE(has(*database, "after"));
}

TEST_F(OwnPostgres, server_that_goes_in_the_middle_of_an_operation_fails_it) {
  start_writer();
  const auto lost = writer_->run(
      [&](Transaction& transaction) -> Outcome<Nothing> {
        LATCHKEY_TRY_VOID(put_setting(transaction.database(), "lost", "x"));
        server().stop();
        LATCHKEY_TRY(found, find_setting(transaction.database(), "lost"));
        return Nothing{};
      },
      {});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().reason, Reason::kStorage);
  server().start();
  ASSERT_TRUE(put("after"));
  EXPECT_FALSE(has(*must_open(url()), "lost"));
}

TEST_F(OwnPostgres, database_that_has_gone_back_is_written_to_no_more) {
  start_writer();
  const auto change = [&] {
    return writer_->run([](Transaction& t) { return t.change(DeviceGone{Uuid{}, "d"}); }, {});
  };
  ASSERT_TRUE(change());
  ASSERT_TRUE(change());
  ASSERT_TRUE(must_open(url())->execute("UPDATE counters SET value = 1 WHERE name = 'change'"));
  const auto done = change();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, HasSubstr("gone back"));
}

std::string setting_of(Database& database, const char* name) {
  const auto found = database.query("SELECT current_setting($1)", std::string_view(name)).first([](const Query& row) {
    return row.text(0);
  });
  return found && *found ? **found : std::string();
}

TEST(Postgres, client_that_stands_still_keeps_others_waiting_for_less_than_they_wait) {
  LATCHKEY_ONLY_ON_POSTGRES();
  const auto usual = must_open(postgres_of_run().tcp_url("postgres", PostgresServer::kPassword));
  EXPECT_EQ(setting_of(*usual, "idle_in_transaction_session_timeout"), "5s");
  EXPECT_EQ(setting_of(*usual, "lock_timeout"), "10s");
  EXPECT_EQ(setting_of(*usual, "tcp_keepalives_idle"), "10");
  EXPECT_EQ(setting_of(*usual, "tcp_keepalives_interval"), "5");
  EXPECT_EQ(setting_of(*usual, "tcp_keepalives_count"), "3");
  EXPECT_EQ(setting_of(*usual, "tcp_user_timeout"), "10000");
  EXPECT_EQ(setting_of(*usual, "client_connection_check_interval"), "2s");
  const auto reader = Database::open(postgres_of_run().url("postgres"), Database::Access::kReadOnly);
  ASSERT_TRUE(reader) << reader.error().detail;
  EXPECT_EQ(setting_of(**reader, "idle_in_transaction_session_timeout"), "2min");
}

TEST(Postgres, limits_of_the_url_are_left_as_they_are) {
  LATCHKEY_ONLY_ON_POSTGRES();
  const auto database = must_open(postgres_of_run().url(
      "postgres", "&options=-cidle_in_transaction_session_timeout%3D7000%20-cclient_connection_check_interval%3D3000"));
  EXPECT_EQ(setting_of(*database, "idle_in_transaction_session_timeout"), "7s");
  EXPECT_EQ(setting_of(*database, "client_connection_check_interval"), "3s");
}

// What the server sees of a process that was stopped is that it says nothing. Here it says nothing until somebody else
// has got the lock.
TEST_F(OwnPostgres, writer_that_stands_still_loses_its_lock_and_nothing_that_was_answered) {
  std::latch in_the_middle(1);
  std::latch others_went_on(1);
  std::atomic<bool> stands_still = false;
  Writer::Options options;
  options.before_commit = [&](Database&) -> Outcome<Nothing> {
    if (!stands_still.exchange(false)) return Nothing{};
    in_the_middle.count_down();
    others_went_on.wait();
    return Nothing{};
  };
  start_writer(std::move(options), "%20-cidle_in_transaction_session_timeout%3D200");
  const auto other = std::move(*Writer::start(must_open(url()), openssl::host_digest(), {}));
  ASSERT_TRUE(put("before"));
  stands_still = true;
  Outcome<Sequence> lost = Sequence{0};
  std::thread stopped([&] { lost = put("lost"); });
  in_the_middle.wait();
  const auto done = other->run([](Transaction& t) { return put_setting(t.database(), "others", "x"); }, {});
  others_went_on.count_down();
  stopped.join();
  EXPECT_TRUE(done) << done.error().detail;
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().reason, Reason::kStorage);
  EXPECT_THAT(lost.error().detail, AllOf(HasSubstr("stood still"), HasSubstr("idle_in_transaction_session_timeout"),
                                         HasSubstr("ask again")));
  ASSERT_TRUE(put("after"));
  const auto database = must_open(url());
  EXPECT_TRUE(has(*database, "before"));
  EXPECT_TRUE(has(*database, "others"));
  EXPECT_FALSE(has(*database, "lost"));
  EXPECT_TRUE(has(*database, "after"));
}

// To PostgreSQL that is a success with a warning: it stands at the primary, and is lost with that.
TEST_F(OwnPostgres, commit_that_no_standby_confirmed_is_not_called_done) {
  server().stop();
  server().start({"synchronous_standby_names=nobody", "max_wal_senders=1", "wal_level=replica"});
  auto database = must_open(url("%20-csynchronous_commit%3Dlocal"));
  ASSERT_TRUE(make_ready(*database));
  ASSERT_TRUE(database->execute("SET synchronous_commit = on"));
  std::atomic<bool> over = false;
  std::thread operator_who_loses_patience([&] {
    const auto other = must_open(server().url("postgres"));
    while (!over) {
      static_cast<void>(
          other->execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  auto committed = database->begin_write();
  if (committed) committed = put_setting(*database, "everywhere", "x");
  if (committed) committed = database->commit();
  over = true;
  operator_who_loses_patience.join();
  EXPECT_FALSE(database->in_transaction());
  server().stop();
  server().start();
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().reason, Reason::kStorage);
  EXPECT_THAT(committed.error().detail, AllOf(HasSubstr("not known to hold"), HasSubstr("synchronous replication")));
}

// Two nodes: numbers follow commits, and none is given twice.
TEST_F(OwnPostgres, writers_of_two_nodes_take_turns) {
  start_writer();
  auto other = must_open(url());
  auto second = std::move(*Writer::start(std::move(other), openssl::host_digest(), {}));
  constexpr int kEach = 50;
  const auto work = [&](Writer& writer) {
    Sequence last = 0;
    for (int i = 0; i < kEach; ++i) {
      const auto done = writer.run(
          [](Transaction& t) -> Outcome<Nothing> {
            LATCHKEY_TRY_VOID(t.audit({0, 5, "actor", "act", "thing", "ok", ""}));
            return t.change(DeviceGone{Uuid{}, "d"});
          },
          {});
      ASSERT_TRUE(done) << done.error().detail;
      EXPECT_GT(*done, last);
      last = *done;
    }
  };
  std::thread one([&] { work(*writer_); });
  std::thread two([&] { work(*second); });
  one.join();
  two.join();
  const auto database = must_open(url());
  const auto number = [&](const char* sql) {
    return **database->query(sql).first([](const Query& row) { return row.integer(0); });
  };
  EXPECT_EQ(number("SELECT COUNT(*) FROM changes"), 2 * kEach);
  EXPECT_EQ(number("SELECT MAX(sequence) FROM changes"), 2 * kEach);
  EXPECT_EQ(number("SELECT MAX(number) FROM audit"), 2 * kEach);
  EXPECT_EQ(number("SELECT count FROM audit_head"), 2 * kEach);
}

TEST_F(OwnPostgres, readers_are_no_more_than_the_server_can_have) {
  start_writer();
  Readers readers(url());
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int i = 0; i < 3 * static_cast<int>(Readers::kMostOfPostgres); ++i) {
    threads.emplace_back([&] {
      const auto view = readers.view();
      if (!view || has(**view, "none")) ++failed;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  const auto count = must_open(url())
                         ->query("SELECT COUNT(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
                         .first([](const Query& row) { return row.integer(0); });
  EXPECT_LE(**count, static_cast<std::int64_t>(Readers::kMostOfPostgres) + 2);
}

}  // namespace
}  // namespace latchkey::registry::store
