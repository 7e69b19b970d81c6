// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/fair_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace latchkey::hub::provisioning {
namespace {

constexpr std::size_t kRoom = 100;
using Queue = FairQueue<std::string>;

// Pushes until no more fit; how many did.
std::size_t fill(Queue& queue, const std::string& group, std::size_t room = kRoom, std::size_t bytes = 1) {
  std::size_t pushed = 0;
  for (; queue.fits(group, bytes, room); ++pushed) queue.push(group, bytes, group);
  return pushed;
}

TEST(FairQueue, oldest_of_a_group_comes_first) {
  Queue queue({kRoom, 1'000});
  for (const char* item : {"1", "2", "3"}) queue.push("a", 1, item);
  for (const char* item : {"1", "2", "3"}) EXPECT_EQ(queue.pop(), item);
  EXPECT_EQ(queue.pop(), std::nullopt);
  EXPECT_TRUE(queue.empty());
}

TEST(FairQueue, groups_take_turns_whatever_their_size) {
  Queue queue({kRoom, 1'000});
  for (int i = 0; i < 40; ++i) queue.push("wave", 1, "wave");
  queue.push("small", 1, "small");
  queue.push("small", 1, "small");
  std::string order;
  for (int i = 0; i < 6; ++i) order += *queue.pop() + " ";
  EXPECT_EQ(order, "wave small wave small wave wave ");
}

TEST(FairQueue, one_that_comes_late_waits_for_one_turn_of_each_group) {
  Queue queue({kRoom, 1'000});
  for (const char* group : {"a", "b", "c"}) {
    for (int i = 0; i < 10; ++i) queue.push(group, 1, group);
  }
  queue.push("late", 1, "late");
  int before = 0;
  while (*queue.pop() != "late") ++before;
  EXPECT_EQ(before, 3);
}

TEST(FairQueue, one_group_alone_gets_half_of_the_room_and_leaves_some_for_all_others) {
  Queue queue({kRoom, 1'000});
  EXPECT_EQ(fill(queue, "wave"), kRoom / 2);
  EXPECT_GE(fill(queue, "second"), kRoom / 5);
  EXPECT_GE(fill(queue, "third"), kRoom / 10);
  EXPECT_LT(queue.size(), kRoom);
  EXPECT_TRUE(queue.fits("fourth", 1, kRoom));
  EXPECT_FALSE(queue.fits("wave", 1, kRoom));
}

TEST(FairQueue, bytes_are_bounded_as_the_number_is) {
  Queue queue({kRoom, 1'000});
  EXPECT_EQ(fill(queue, "large", kRoom, 100), 5U);
  EXPECT_EQ(queue.bytes(), 500U);
  EXPECT_TRUE(queue.fits("other", 100, kRoom));
  EXPECT_FALSE(queue.fits("other", 501, kRoom));
  EXPECT_FALSE(queue.fits("other", 5'000, kRoom));
  EXPECT_FALSE(queue.fits("other", SIZE_MAX, kRoom));
}

TEST(FairQueue, room_that_shrinks_below_what_waits_takes_nobody) {
  Queue queue({kRoom, 1'000});
  fill(queue, "wave");
  EXPECT_FALSE(queue.fits("other", 1, 10));
  EXPECT_TRUE(queue.crowded("other", 10));
  EXPECT_TRUE(queue.fits("other", 1, kRoom));
}

TEST(FairQueue, room_above_the_limit_is_the_limit) {
  Queue queue({kRoom, 1'000});
  EXPECT_EQ(fill(queue, "wave", 100 * kRoom), kRoom / 2);
}

TEST(FairQueue, is_crowded_for_a_group_before_it_is_full_for_it) {
  Queue queue({kRoom, 1'000});
  std::size_t calm = 0;
  while (!queue.crowded("wave", kRoom)) {
    ASSERT_TRUE(queue.fits("wave", 1, kRoom));
    queue.push("wave", 1, "wave");
    ++calm;
  }
  EXPECT_GT(calm, kRoom / 3);
  EXPECT_TRUE(queue.fits("wave", 1, kRoom));
  EXPECT_FALSE(queue.crowded("other", kRoom));
}

// Against the plainest model: a map of queues.
TEST(FairQueue, keeps_count_over_any_sequence) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Queue queue({kRoom, 10'000});
  std::map<std::string, std::deque<std::pair<std::size_t, std::string>>> model;
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0) {
      const std::string group(1, static_cast<char>('a' + random() % 5));
      const std::size_t size = 1 + random() % 300;
      if (!queue.fits(group, size, kRoom)) continue;
      const std::string item = group + std::to_string(step);
      queue.push(group, size, item);
      model[group].emplace_back(size, item);
      ++count;
      bytes += size;
    } else if (const auto item = queue.pop()) {
      auto& group = model[item->substr(0, 1)];
      ASSERT_FALSE(group.empty());
      ASSERT_EQ(group.front().second, *item);
      --count;
      bytes -= group.front().first;
      group.pop_front();
    } else {
      ASSERT_EQ(count, 0U);
    }
    ASSERT_EQ(queue.size(), count);
    ASSERT_EQ(queue.bytes(), bytes);
    ASSERT_LE(queue.size(), kRoom);
    ASSERT_LE(queue.bytes(), 10'000U);
  }
  std::size_t groups = 0;
  for (const auto& [name, items] : model) groups += items.empty() ? 0 : 1;
  EXPECT_EQ(queue.groups(), groups);
}

}  // namespace
}  // namespace latchkey::hub::provisioning
