// SPDX-License-Identifier: Apache-2.0
#include "registry/store/device_news.h"

#include <gtest/gtest.h>

#include "registry/store/schema.h"
#include "tests/unit/registry/store/store_under_test.h"

namespace latchkey::registry::store {
namespace {

class DeviceNewsTest : public ::testing::Test {
 protected:
  DeviceNewsTest() {
    database_ = std::move(*Database::open(store_in(folder_), Database::Access::kReadWrite));
    EXPECT_TRUE(migrate(*database_));
    device_.bytes.fill(7);
  }
  void join() {
    ASSERT_TRUE(database_
                    ->query("INSERT INTO nodes (name, incarnation, state, beat, lease, applied, cut, address, version, "
                            "draining) VALUES ('a', $1, 1, 0, 8000, 0, 0, '', '', 0)",
                            device_)
                    .run());
  }
  void tell(std::uint64_t version, const std::string& patch = "{}") {
    ASSERT_TRUE(tell_nodes(*database_, {0, "default", device_, "dev-1", version, patch}));
  }

  tests::MemoryFolder folder_;
  std::unique_ptr<Database> database_;
  Uuid device_;
};

TEST_F(DeviceNewsTest, nobody_is_told_where_there_are_no_nodes) {
  tell(2);
  EXPECT_EQ(*newest_news(*database_), 0U);
  EXPECT_TRUE(news_after(*database_, 0, 10)->empty());
}

TEST_F(DeviceNewsTest, news_are_read_on_from_a_number_in_their_order) {
  join();
  tell(2, R"({"rate":5})");
  tell(0, "");
  tell(3);
  EXPECT_EQ(*newest_news(*database_), 3U);
  const auto all = *news_after(*database_, 0, 2);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].number, 1U);
  EXPECT_EQ(all[0].namespace_name, "default");
  EXPECT_EQ(all[0].device, device_);
  EXPECT_EQ(all[0].device_id, "dev-1");
  EXPECT_EQ(all[0].desired_version, 2U);
  EXPECT_EQ(all[0].patch, R"({"rate":5})");
  EXPECT_EQ(all[1].desired_version, 0U);
  ASSERT_EQ(news_after(*database_, 2, 10)->size(), 1U);
  EXPECT_EQ(news_after(*database_, 2, 10)->front().desired_version, 3U);
  EXPECT_TRUE(news_after(*database_, 3, 10)->empty());
}

TEST_F(DeviceNewsTest, no_more_than_so_many_are_kept_and_who_missed_some_can_tell) {
  join();
  ASSERT_TRUE(database_->begin_write());
  for (std::uint64_t i = 1; i <= kKeptNews + 3; ++i) tell(i);
  ASSERT_TRUE(database_->commit());
  EXPECT_EQ(*newest_news(*database_), kKeptNews + 3);
  EXPECT_EQ(news_after(*database_, 0, 1)->front().number, 4U);
  EXPECT_EQ(news_after(*database_, 0, 2 * kKeptNews)->size(), kKeptNews);
}

}  // namespace
}  // namespace latchkey::registry::store
