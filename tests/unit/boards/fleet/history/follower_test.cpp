// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/history/follower.h"

#include <gmock/gmock.h>

#include "boards/fleet/history/writer.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::boards::fleet::history {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

RunBegun run_of(std::uint32_t worker) {
  RunBegun run;
  run.worker = worker;
  return run;
}
std::vector<Device> devices_of(const std::vector<Record>& records) {
  std::vector<Device> result;
  for (const auto& record : records) {
    if (record.device != kNoDevice) result.push_back(record.device);
  }
  return result;
}

TEST(Follower, gives_what_is_older_than_the_latest_word_of_every_file) {
  const tests::MemoryFolder folder;
  auto parent = Writer::create(file_of(folder.path(), 0), run_of(0));
  auto worker = Writer::create(file_of(folder.path(), 1), run_of(1));
  Follower follower(folder.path(), 1);
  worker->write(100, 1, Asleep{});
  worker->write(300, 3, Asleep{});
  worker->flush();
  parent->write(200, 2, Asleep{});
  parent->flush();
  EXPECT_THAT(devices_of(follower.take(400)), ElementsAre(1, 2));
  EXPECT_THAT(devices_of(follower.take(400)), IsEmpty());
  parent->write(500, 5, Asleep{});
  parent->flush();
  EXPECT_THAT(devices_of(follower.take(600)), ElementsAre(3));
}

TEST(Follower, does_not_wait_for_ever_for_a_silent_file) {
  const tests::MemoryFolder folder;
  auto worker = Writer::create(file_of(folder.path(), 1), run_of(1));
  Follower follower(folder.path(), 2, 1'000);  // the parent's file and that of worker 2 are not there
  worker->write(500, 1, Asleep{});
  worker->flush();
  EXPECT_THAT(devices_of(follower.take(900)), IsEmpty());
  EXPECT_THAT(devices_of(follower.take(1'600)), ElementsAre(1));
  auto late = Writer::create(file_of(folder.path(), 2), run_of(2));
  late->write(400, 2, Asleep{});
  late->flush();
  const auto records = follower.take(3'000);
  EXPECT_THAT(devices_of(records), ElementsAre(2));
  EXPECT_EQ(records.back().worker, 2U);
}

TEST(Follower, a_file_that_has_ended_holds_up_nobody) {
  const tests::MemoryFolder folder;
  auto parent = Writer::create(file_of(folder.path(), 0), run_of(0));
  auto worker = Writer::create(file_of(folder.path(), 1), run_of(1));
  Follower follower(folder.path(), 1);
  parent->write(10, RunEnded{});
  parent->flush();
  worker->write(50, 1, Asleep{});
  worker->flush();
  EXPECT_THAT(devices_of(follower.take(60)), ElementsAre(1));
}

TEST(Follower, half_a_line_is_read_when_its_end_has_come) {
  const tests::MemoryFolder folder;
  const auto file = file_of(folder.path(), 0);
  { ASSERT_TRUE(Writer::create(file, run_of(0))); }
  Follower follower(folder.path(), 0);
  std::ofstream out(file, std::ios::app | std::ios::binary);
  out << R"({"k":"asleep","t":5,)" << std::flush;
  EXPECT_THAT(devices_of(follower.take(9'000'000)), IsEmpty());
  out << "\"d\":7}\nnonsense\n{\"k\":\"asleep\",\"t\":6,\"d\":8}\n" << std::flush;
  EXPECT_THAT(devices_of(follower.take(9'000'000)), ElementsAre(7, 8));
}

}  // namespace
}  // namespace latchkey::boards::fleet::history
