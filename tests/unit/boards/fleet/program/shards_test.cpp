// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/shards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace latchkey::boards::fleet::program {
namespace {

using testing::HasSubstr;

constexpr Machine kSmall{20'000, 2};

TEST(ShardsTest, shards_cover_every_device_once) {
  for (const std::uint32_t devices : {1U, 7U, 6'645U, 6'646U, 10'000U, 99'999U}) {
    std::string problem;
    const auto shards = spread(devices, std::nullopt, kSmall, problem);
    ASSERT_FALSE(shards.empty()) << problem;
    std::uint32_t next = 0;
    for (const auto& shard : shards) {
      EXPECT_EQ(shard.first, next);
      EXPECT_GT(shard.count, 0u);
      EXPECT_LE(shard.count * kDescriptorsPerDevice + kDescriptorsPerWorker, kSmall.descriptors);
      next += shard.count;
    }
    EXPECT_EQ(next, devices);
  }
}

TEST(ShardsTest, half_of_the_cores_are_left_to_the_hub) {
  std::string problem;
  EXPECT_EQ(spread(1'000, std::nullopt, {20'000, 2}, problem).size(), 1u);
  EXPECT_EQ(spread(1'000, std::nullopt, {20'000, 8}, problem).size(), 4u);
  EXPECT_EQ(spread(10'000, std::nullopt, {20'000, 2}, problem).size(), 2u);  // descriptors want more
}

TEST(ShardsTest, fewer_devices_than_processes_need_no_more_processes_than_devices) {
  std::string problem;
  EXPECT_EQ(spread(3, 8, kSmall, problem).size(), 3u);
}

TEST(ShardsTest, too_few_processes_are_refused_with_limit_and_remedy) {
  std::string problem;
  EXPECT_TRUE(spread(10'000, 1, kSmall, problem).empty());
  EXPECT_THAT(problem, HasSubstr("limit is 20000"));
  EXPECT_THAT(problem, HasSubstr("--processes 2"));
  problem.clear();
  EXPECT_EQ(spread(10'000, 2, kSmall, problem).size(), 2u);
  EXPECT_TRUE(problem.empty());
}

TEST(ShardsTest, machine_without_descriptors_is_refused) {
  std::string problem;
  EXPECT_TRUE(spread(1, std::nullopt, {60, 2}, problem).empty());
  EXPECT_THAT(problem, HasSubstr("ulimit -Hn"));
}

}  // namespace
}  // namespace latchkey::boards::fleet::program
