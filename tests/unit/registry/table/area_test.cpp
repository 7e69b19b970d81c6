// SPDX-License-Identifier: Apache-2.0
#include "registry/table/internal/area.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <new>

namespace latchkey::registry::internal {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

// Every 512th byte up to `bytes` tells its own address.
void mark(Area& area, std::size_t from, std::size_t bytes) {
  for (std::size_t at = from; at < bytes; at += 512) std::memcpy(area.get() + at, &at, sizeof at);
}
bool marked(const Area& area, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += 512) {
    std::size_t seen = 0;
    std::memcpy(&seen, area.get() + at, sizeof seen);
    if (seen != at) return false;
  }
  return true;
}

TEST(Area, holds_nothing_at_first) {
  const Area area;
  EXPECT_EQ(area.get(), nullptr);
}

TEST(Area, keeps_its_contents_while_it_grows_and_moves_and_settles) {
  Area area;
  std::size_t before = 0;
  int moves = 0;
  for (std::size_t bytes = 1024; bytes < 40 * kMegabyte; bytes += bytes / 4096 * 512 + 512) {
    const std::byte* const old = area.get();
    area.grow(bytes);
    moves += area.get() != old;
    mark(area, before, bytes);
    area.settle(bytes);
    before = bytes;
    ASSERT_TRUE(marked(area, bytes)) << bytes;
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(area.get()) % 64, 0U);
  }
  EXPECT_GE(moves, 4);
}

TEST(Area, keeps_what_is_left_when_it_shrinks_and_serves_on) {
  Area area;
  area.grow(20 * kMegabyte);
  mark(area, 0, 20 * kMegabyte);
  for (int i = 0; i < 10; ++i) area.settle(20 * kMegabyte);
  for (const std::size_t bytes : {19 * kMegabyte, 7 * kMegabyte + 512, 6 * kMegabyte, std::size_t{1024}}) {
    area.shrink(bytes);
    ASSERT_TRUE(marked(area, bytes)) << bytes;
  }
  area.grow(20 * kMegabyte);
  mark(area, 1024, 20 * kMegabyte);
  for (int i = 0; i < 10; ++i) area.settle(20 * kMegabyte);
  EXPECT_TRUE(marked(area, 20 * kMegabyte));
}

TEST(Area, settles_page_by_page_and_ends) {
  Area area;
  area.grow(5 * kMegabyte);
  mark(area, 0, 5 * kMegabyte);
  EXPECT_FALSE(area.settle(0));
  EXPECT_FALSE(area.settle(1 * kMegabyte));  // less than a huge page
  EXPECT_EQ(area.held(1 * kMegabyte), 1 * kMegabyte);
  EXPECT_TRUE(area.settle(5 * kMegabyte));
  EXPECT_EQ(area.held(1 * kMegabyte), 2 * kMegabyte);
  EXPECT_TRUE(area.settle(5 * kMegabyte));
  EXPECT_FALSE(area.settle(5 * kMegabyte));  // the last megabyte stays in small pages
  EXPECT_EQ(area.held(1 * kMegabyte), 4 * kMegabyte);
  EXPECT_EQ(area.held(5 * kMegabyte), 5 * kMegabyte);
  EXPECT_TRUE(marked(area, 5 * kMegabyte));
  area.shrink(3 * kMegabyte);
  EXPECT_EQ(area.held(1 * kMegabyte), 2 * kMegabyte);
  EXPECT_TRUE(marked(area, 3 * kMegabyte));
}

TEST(Area, is_as_it_was_when_there_is_no_memory) {
  Area area;
  area.grow(3 * kMegabyte);
  mark(area, 0, 3 * kMegabyte);
  const std::byte* const old = area.get();
  EXPECT_THROW(area.grow(std::size_t{1} << 62), std::bad_alloc);
  EXPECT_EQ(area.get(), old);
  EXPECT_TRUE(marked(area, 3 * kMegabyte));
}

TEST(Area, swap_exchanges_contents) {
  Area one;
  Area other;
  one.grow(3 * kMegabyte);
  mark(one, 0, 3 * kMegabyte);
  one.swap(other);
  EXPECT_EQ(one.get(), nullptr);
  EXPECT_TRUE(marked(other, 3 * kMegabyte));
  other.grow(9 * kMegabyte);
  EXPECT_TRUE(marked(other, 3 * kMegabyte));
}

}  // namespace
}  // namespace latchkey::registry::internal
