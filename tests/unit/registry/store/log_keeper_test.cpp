// SPDX-License-Identifier: Apache-2.0
#include "registry/store/log_keeper.h"

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "registry/store/readers.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::registry::store {
namespace {

class LogKeeperTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Database::open(path, Database::Access::kReadWrite);
    ASSERT_TRUE(opened) << opened.error().detail;
    writer = std::move(*opened);
    ASSERT_TRUE(writer->execute("CREATE TABLE lines (number INTEGER PRIMARY KEY, text TEXT NOT NULL)"));
  }
  void start(LogKeeper::Options options) {
    auto started = LogKeeper::start(*writer, options);
    ASSERT_TRUE(started) << started.error().detail;
    keeper = std::move(*started);
  }
  // One commit of some ten pages.
  void commit() {
    ASSERT_TRUE(writer->begin_write());
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(writer->query("INSERT INTO lines VALUES ($1, $2)", ++lines, std::string(2000, 'x')).run());
    }
    ASSERT_TRUE(writer->commit());
  }
  std::uintmax_t file_size() const { return std::filesystem::file_size(path); }
  std::uintmax_t log_size() const { return std::filesystem::file_size(path + "-wal"); }
  std::int64_t counted() {
    auto reader = Database::open(path, Database::Access::kReadOnly);
    EXPECT_TRUE(reader);
    auto count = (*reader)->query("SELECT COUNT(*) FROM lines").first([](const Query& row) { return row.integer(0); });
    return count && *count ? **count : -1;
  }

  tests::MemoryFolder folder;
  std::string path = folder.file("log.db");
  std::unique_ptr<Database> writer;
  std::unique_ptr<LogKeeper> keeper;  // goes before the writer
  std::int64_t lines = 0;
};

TEST_F(LogKeeperTest, log_is_folded_back_by_somebody_else_than_the_writer) {
  start({.every = 50, .most = 1'000'000});
  const auto before = file_size();
  for (int i = 0; i < 10; ++i) commit();
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (file_size() == before && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_GT(file_size(), before);
  EXPECT_EQ(counted(), lines);
}

TEST_F(LogKeeperTest, short_log_is_left_alone) {
  const auto before = file_size();
  start({.every = 1'000'000, .most = 2'000'000});
  for (int i = 0; i < 10; ++i) commit();
  keeper.reset();
  EXPECT_EQ(file_size(), before);
  EXPECT_EQ(counted(), lines);
}

// With `every` out of reach only the writer folds.
TEST_F(LogKeeperTest, log_never_grows_beyond_its_most_for_long) {
  start({.every = 100, .most = 100});
  std::uintmax_t largest = 0;
  for (int i = 0; i < 100; ++i) {
    commit();
    largest = std::max(largest, log_size());
  }
  EXPECT_LT(largest, 200u * 4096u);
  EXPECT_EQ(counted(), lines);
}

TEST_F(LogKeeperTest, reader_that_stays_holds_nobody_up_and_sees_what_it_saw) {
  start({.every = 20, .most = 40});
  commit();
  auto reader = std::move(*Database::open(path, Database::Access::kReadOnly));
  ASSERT_TRUE(reader->begin_read());
  const auto count = [&] {
    auto found = reader->query("SELECT COUNT(*) FROM lines").first([](const Query& row) { return row.integer(0); });
    return found && *found ? **found : -1;
  };
  const auto seen = count();
  for (int i = 0; i < 20; ++i) commit();
  EXPECT_EQ(count(), seen);
  reader->end_read();
  EXPECT_EQ(count(), lines);
}

TEST_F(LogKeeperTest, nothing_is_lost_when_the_keeper_ends_in_between) {
  start({.every = 10, .most = 1000});
  for (int i = 0; i < 5; ++i) commit();
  keeper.reset();
  for (int i = 0; i < 5; ++i) commit();
  writer.reset();
  EXPECT_EQ(counted(), lines);
}

}  // namespace
}  // namespace latchkey::registry::store
