// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/processes.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/temporary_folder.h"

namespace latchkey::boards::fleet::program {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

class ProcessesTest : public testing::Test {
 protected:
  void write(const std::filesystem::path& file, const std::string& text) {
    std::filesystem::create_directories((data_ / file).parent_path());
    std::ofstream(data_ / file) << text;
  }
  const tests::MemoryFolder folder_;
  const std::filesystem::path data_ = folder_.path();
};

TEST_F(ProcessesTest, hub_and_brokers_are_found_by_the_data_folder) {
  write("endpoints.json", R"({"pid": 11, "hub": "127.0.0.1:8883"})");
  write("brokers/hub.pid", "13 4491441 aff3 4c7e\n");
  write("brokers/dps.pid", "12 4491440 aff3 4c7e\n");
  write("brokers/hub.conf", "14\n");
  EXPECT_THAT(processes_of_hub(data_),
              ElementsAre(Pair("hub process", 11), Pair("dps broker", 12), Pair("hub broker", 13)));
}

TEST_F(ProcessesTest, nobody_is_found_where_there_is_no_hub_or_nonsense) {
  EXPECT_THAT(processes_of_hub(data_ / "nowhere"), IsEmpty());
  write("endpoints.json", "[]");
  write("brokers/hub.pid", "torn");
  EXPECT_THAT(processes_of_hub(data_), IsEmpty());
}

TEST_F(ProcessesTest, what_lives_is_told_with_what_it_holds_and_what_does_not_is_left_out) {
  const auto seen = look_at({{"gone", -1}, {"fleet", ::getpid()}, {"none", 0}});
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_EQ(seen[0].name, "fleet");
  EXPECT_EQ(seen[0].pid, static_cast<std::uint32_t>(::getpid()));
  EXPECT_GT(seen[0].memory_kib, 100u);
  EXPECT_LT(seen[0].memory_kib, 100'000'000u);
}

}  // namespace
}  // namespace latchkey::boards::fleet::program
