// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "boards/fleet/history/reader.h"
#include "boards/fleet/history/writer.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::boards::fleet::history {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

RunBegun run_of(std::uint32_t worker) {
  RunBegun run;
  run.scenario = "test";
  run.worker = worker;
  return run;
}

void append(const std::filesystem::path& file, std::string_view text) {
  std::ofstream(file, std::ios::app | std::ios::binary) << text;
}

std::vector<Record> all(Reader& reader) {
  std::vector<Record> result;
  while (auto record = reader.next()) result.push_back(std::move(*record));
  return result;
}

std::vector<std::pair<TimeUs, Device>> moments(const std::vector<Record>& records) {
  std::vector<std::pair<TimeUs, Device>> result;
  for (const auto& record : records) result.emplace_back(record.time, record.device);
  return result;
}

TEST(Files, several_workers_are_read_in_the_order_of_time) {
  const tests::MemoryFolder folder;
  for (const std::uint32_t worker : {0, 1, 2}) {
    auto writer = Writer::create(file_of(folder.path(), worker), run_of(worker));
    ASSERT_TRUE(writer);
    for (TimeUs time = worker + 1; time < 10; time += 3) writer->write(time, worker, Asleep{});
  }
  auto reader = Reader::open(folder.path());
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->files(), 3U);
  const auto records = all(*reader);
  EXPECT_EQ(records[3].worker, 0U);
  EXPECT_EQ(records[4].worker, 1U);
  EXPECT_EQ(records[5].worker, 2U);
  EXPECT_THAT(moments(records),
              ElementsAre(std::pair(0, kNoDevice), std::pair(0, kNoDevice), std::pair(0, kNoDevice), std::pair(1, 0),
                          std::pair(2, 1), std::pair(3, 2), std::pair(4, 0), std::pair(5, 1), std::pair(6, 2),
                          std::pair(7, 0), std::pair(8, 1), std::pair(9, 2)));
  EXPECT_THAT(reader->damages(), IsEmpty());
}

TEST(Files, a_torn_last_line_is_told_and_the_rest_is_read) {
  const tests::MemoryFolder folder;
  const auto file = file_of(folder.path(), 1);
  { Writer::create(file, run_of(1))->write(5, 0, Asleep{}); }
  append(file, R"({"k":"asleep","t":6,"d":)");
  auto reader = Reader::open(folder.path());
  ASSERT_TRUE(reader);
  EXPECT_THAT(all(*reader), SizeIs(2));
  ASSERT_THAT(reader->damages(), SizeIs(1));
  EXPECT_EQ(reader->damages()[0].file, "history-001.jsonl");
  EXPECT_EQ(reader->damages()[0].line, 3U);
  EXPECT_EQ(reader->damages()[0].why, "torn last line");
}

TEST(Files, a_whole_line_without_its_end_counts_as_torn) {  // its last number may have lost digits
  const tests::MemoryFolder folder;
  const auto file = file_of(folder.path(), 1);
  { ASSERT_TRUE(Writer::create(file, run_of(1))); }
  append(file, R"({"k":"asleep","t":6,"d":1})");
  auto reader = Reader::open(folder.path());
  EXPECT_THAT(all(*reader), SizeIs(1));
  EXPECT_THAT(reader->damages(), SizeIs(1));
}

TEST(Files, a_damaged_line_is_told_and_passed_over) {
  const tests::MemoryFolder folder;
  const auto file = file_of(folder.path(), 1);
  { ASSERT_TRUE(Writer::create(file, run_of(1))); }
  append(file, "{\"k\":\"asleep\",\"t\":6,\"d\":1}\nnonsense\n{\"k\":\"asleep\",\"t\":8,\"d\":1}\n");
  auto reader = Reader::open(folder.path());
  EXPECT_THAT(all(*reader), SizeIs(3));
  ASSERT_THAT(reader->damages(), SizeIs(1));
  EXPECT_EQ(reader->damages()[0].line, 3U);
}

TEST(Files, a_record_that_goes_back_in_time_is_damage) {
  const tests::MemoryFolder folder;
  const auto file = file_of(folder.path(), 1);
  { ASSERT_TRUE(Writer::create(file, run_of(1))); }
  append(file, "{\"k\":\"asleep\",\"t\":6,\"d\":1}\n{\"k\":\"asleep\",\"t\":5,\"d\":1}\n");
  auto reader = Reader::open(folder.path());
  EXPECT_THAT(all(*reader), SizeIs(2));
  ASSERT_THAT(reader->damages(), SizeIs(1));
  EXPECT_EQ(reader->damages()[0].why, "goes back in time");
}

TEST(Files, a_folder_without_histories_is_refused) {
  const tests::MemoryFolder folder;
  EXPECT_EQ(Reader::open(folder.path()).error(), Status::kNotFound);
  EXPECT_EQ(Reader::open(folder.path() / "nowhere").error(), Status::kNotFound);
}

TEST(Files, an_empty_file_has_no_records) {
  const tests::MemoryFolder folder;
  append(file_of(folder.path(), 1), "");
  auto reader = Reader::open(folder.path());
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->next(), std::nullopt);
}

TEST(Writer, does_not_write_over_an_older_history) {
  const tests::MemoryFolder folder;
  const auto file = file_of(folder.path(), 1);
  { ASSERT_TRUE(Writer::create(file, run_of(1))); }
  EXPECT_EQ(Writer::create(file, run_of(1)).error(), Status::kInvalidArgument);
  EXPECT_EQ(Writer::create(folder.path() / "nowhere" / "x", run_of(1)).error(), Status::kNotFound);
}

TEST(Writer, gives_the_file_to_its_owner_alone) {
  const tests::MemoryFolder folder;
  const auto file = file_of(folder.path(), 1);
  const auto writer = Writer::create(file, run_of(1));
  struct stat status = {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST(Writer, hands_over_what_is_a_second_old) {
  const tests::MemoryFolder folder;
  auto writer = Writer::create(file_of(folder.path(), 1), run_of(1));
  writer->write(10, 0, Asleep{});
  writer->write(1'000'000, 0, Asleep{});
  auto reader = Reader::open(folder.path());  // as after a crash: the writer is still there
  EXPECT_THAT(all(*reader), SizeIs(3));
  EXPECT_EQ(writer->written(), std::filesystem::file_size(file_of(folder.path(), 1)));
}

TEST(Writer, raises_a_time_that_goes_back) {
  const tests::MemoryFolder folder;
  {
    auto writer = Writer::create(file_of(folder.path(), 1), run_of(1));
    writer->write(10, 0, Asleep{});
    writer->write(9, 1, Asleep{});
  }
  auto reader = Reader::open(folder.path());
  EXPECT_THAT(moments(all(*reader)), ElementsAre(std::pair(0, kNoDevice), std::pair(10, 0), std::pair(10, 1)));
  EXPECT_THAT(reader->damages(), IsEmpty());
}

TEST(Writer, a_file_that_takes_no_more_is_told_and_keeps_what_it_has) {
  const tests::MemoryFolder folder;
  auto writer = Writer::create(file_of(folder.path(), 1), run_of(1));
  const auto before = writer->written();
  rlimit old = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit small = old;
  small.rlim_cur = before;
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  writer->write(1, 0, Asleep{});
  writer->flush();
  ::setrlimit(RLIMIT_FSIZE, &old);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(writer->status(), Status::kStorageFailed);
  writer->write(2, 0, Asleep{});  // room again, but the history has a hole
  writer->flush();
  EXPECT_EQ(writer->written(), before);
}

}  // namespace
}  // namespace latchkey::boards::fleet::history
