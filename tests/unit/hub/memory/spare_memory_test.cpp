// SPDX-License-Identifier: Apache-2.0
#include "hub/memory/spare_memory.h"

#include <gtest/gtest.h>

namespace latchkey::hub::memory {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
std::size_t g_free = 0;
int g_given_back = 0;

// Pages are given back, but the allocator goes on counting them as free.
struct Heaps : testing::Test {
  void SetUp() override { g_free = g_given_back = 0; }
  void look(std::size_t free) {
    g_free = free;
    spare.on_tick(now += 10'000);
  }
  std::uint64_t now = 0;
  SpareMemory spare{4 * kMiB, {[] { return g_free; }, [] { ++g_given_back; }}};
};

TEST_F(Heaps, what_a_wave_has_left_is_given_back_once_it_is_over) {
  look(1 * kMiB);
  look(30 * kMiB);  // still changing
  EXPECT_EQ(g_given_back, 0);
  look(31 * kMiB);
  EXPECT_EQ(g_given_back, 1);
}

TEST_F(Heaps, what_is_free_and_stays_so_is_not_asked_for_again) {
  look(30 * kMiB);
  look(30 * kMiB);
  for (int i = 0; i < 10; ++i) look(30 * kMiB + kMiB);
  EXPECT_EQ(g_given_back, 1);
}

TEST_F(Heaps, the_next_wave_is_given_back_as_well) {
  look(30 * kMiB);
  look(30 * kMiB);
  look(2 * kMiB);  // a wave takes what was free
  look(2 * kMiB);
  look(30 * kMiB);
  look(30 * kMiB);
  EXPECT_EQ(g_given_back, 2);
}

TEST_F(Heaps, little_is_not_worth_it) {
  for (int i = 0; i < 10; ++i) look(4 * kMiB - 1);
  EXPECT_EQ(g_given_back, 0);
}

TEST_F(Heaps, nobody_looks_more_often_than_every_ten_seconds) {
  look(30 * kMiB);
  spare.on_tick(now + 9'999);
  EXPECT_EQ(g_given_back, 0);
  spare.on_tick(now + 10'000);
  EXPECT_EQ(g_given_back, 1);
}

TEST(HeapOfThisProcess, can_be_asked) {
  const SpareMemory::Heap heap = SpareMemory::of_this_process();
  heap.give_back();
  EXPECT_LT(heap.free_bytes(), std::size_t{1} << 40);
}

}  // namespace
}  // namespace latchkey::hub::memory
