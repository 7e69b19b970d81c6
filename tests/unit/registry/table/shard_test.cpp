// SPDX-License-Identifier: Apache-2.0
// Shards of a few groups, filled to the brim with keys that a hash would never give.
#include "registry/table/internal/shard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace latchkey::registry::internal {
namespace {

using Random = std::mt19937_64;

// A seed of this run, printed so that a failure can be had again (LATCHKEY_SEED=...).
std::uint64_t fresh_seed() {
  const char* given = std::getenv("LATCHKEY_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

struct Before {
  bool operator()(const TableKey& a, const TableKey& b) const {
    return a.high != b.high ? a.high < b.high : a.low < b.low;
  }
};

// One shard alone in its arrays, and what it should hold.
class Small {
 public:
  explicit Small(std::uint32_t rows, std::size_t number = 3)
      : groups_(rows * kRow), slots_(rows * kRow * kGroupSlots), count_(rows * kRowGroups), number_(number) {
    rows_.groups = groups_.data();
    rows_.slots = slots_.data();
    rows_.smaller = rows_.larger = rows;
  }

  std::uint32_t groups() const { return count_; }
  // Keys that fit, by the shard's invariant.
  std::size_t room() const { return std::size_t{count_ - 1} * kGroupSlots; }
  std::size_t size() const { return model_.size(); }

  // The `serial`-th key of that home group, favourite line and fingerprint.
  TableKey key(std::uint32_t group, unsigned line, unsigned fingerprint, std::uint64_t serial) const {
    const std::uint64_t row = group / kRowGroups;
    const std::uint64_t column = number_ * kRowGroups + group % kRowGroups;
    const std::uint64_t first_of_row = ((row << 32) + rows_.smaller - 1) / rows_.smaller;
    const std::uint64_t place = (line * 256 + kGroupLines - 1) / kGroupLines;
    return {column << (64 - kShardBits - kRowGroupBits) | first_of_row, serial << 16 | place << 8 | fingerprint};
  }

  bool insert(const TableKey& key) {
    if (!model_.emplace(key, ++last_).second) return false;
    shard().insert(key, value(last_));
    return true;
  }
  bool erase(const TableKey& key) {
    const TableSlot* const slot = rows_.find(key);
    if (slot != nullptr) shard().erase(*slot);
    return model_.erase(key) == 1;
  }
  const TableSlot* find(const TableKey& key) const { return rows_.find(key); }
  // Some key that is there.
  TableKey any(Random& random) const {
    auto at = model_.begin();
    std::advance(at, static_cast<long>(random() % model_.size()));
    return at->first;
  }

  const Group& group(std::uint32_t at) const { return groups_[in_array(at)]; }
  const TableSlot& slot(std::uint32_t at, unsigned index) const { return slots_[in_array(at) * kGroupSlots + index]; }
  std::uint32_t home(const TableKey& key) const {
    return static_cast<std::uint32_t>(height_of(key, rows_.smaller) >> 32) * kRowGroups + column_of(key) % kRowGroups;
  }
  std::uint32_t keys_away_from_home() const {
    std::uint32_t away = 0;
    each_key([&](std::uint32_t at, unsigned, const TableKey& key) { away += home(key) != at; });
    return away;
  }

  std::size_t taken_in_all_shards() const {
    std::size_t taken = 0;
    for (const Group& group : groups_) taken += static_cast<std::size_t>(std::popcount(taken_slots(group)));
    return taken;
  }

  // Everything is found, nothing else lies there, and the invariants of shard.h hold.
  void check() const {
    std::vector<std::uint32_t> needed(count_, 0);
    std::size_t keys = 0;
    each_key([&](std::uint32_t at, unsigned index, const TableKey& key) {
      ++keys;
      const std::uint32_t start = home(key);
      const std::uint32_t window = place_of(key).window;
      if (start == at) {
        EXPECT_NE(window >> index & 1, 0U) << "outside its window";
      } else {
        EXPECT_EQ(empty_slots(group(start)) & window, 0U) << "not in its home group, though there is room";
      }
      for (std::uint32_t on_the_way = start; on_the_way != at; on_the_way = (on_the_way + 1) % count_) {
        needed[on_the_way] |= 1U << class_of(key);
      }
    });
    ASSERT_EQ(keys, model_.size());
    for (std::uint32_t at = 0; at < count_; ++at) ASSERT_EQ(group(at).overflow, needed[at]) << "group " << at;
    for (const auto& [key, number] : model_) {
      const TableSlot* const found = find(key);
      ASSERT_NE(found, nullptr);
      ASSERT_TRUE(found->key == key);
      ASSERT_EQ(found->value.policy, value(number).policy);
    }
    ASSERT_FALSE(testing::Test::HasFailure());
  }

 private:
  static TableValue value(std::uint64_t number) {
    TableValue value;
    value.policy = static_cast<std::uint16_t>(number);
    return value;
  }
  Shard shard() const { return {rows_, number_, rows_.smaller}; }
  std::size_t in_array(std::uint32_t at) const {
    return at / kRowGroups * kRow + number_ * kRowGroups + at % kRowGroups;
  }
  template <class Visit>
  void each_key(Visit visit) const {
    for (std::uint32_t at = 0; at < count_; ++at) {
      for (std::uint32_t taken = taken_slots(group(at)); taken != 0; taken &= taken - 1) {
        visit(at, lowest(taken), slot(at, lowest(taken)).key);
      }
    }
  }

  std::vector<Group> groups_;
  std::vector<TableSlot> slots_;
  Rows rows_;
  std::uint32_t count_;
  std::size_t number_;
  std::map<TableKey, std::uint64_t, Before> model_;
  std::uint64_t last_ = 0;
};

// Which keys a run draws from.
struct Crowd {
  const char* name;
  std::uint32_t homes;    // this many groups, the last ones of the shard: what overflows goes round to the first
  unsigned lines;         // favourite lines
  unsigned fingerprints;  // 16 apart: one class, else many
};
constexpr Crowd kCrowds[] = {
    {"everywhere", 1000, 7, 256}, {"one window each", 1000, 1, 256},    {"one class", 1000, 7, 1},
    {"one home", 1, 7, 256},      {"one home and window", 1, 1, 256},   {"all alike", 1, 1, 1},
    {"two homes", 2, 2, 40},      {"three homes, one class", 3, 7, 16},
};

TableKey draw(const Small& small, const Crowd& crowd, Random& random) {
  const std::uint32_t homes = std::min(crowd.homes, small.groups());
  const std::uint32_t group = small.groups() - 1 - static_cast<std::uint32_t>(random() % homes);
  const auto line = static_cast<unsigned>(random() % crowd.lines);
  const auto which = static_cast<unsigned>(random() % crowd.fingerprints);
  return small.key(group, line, crowd.fingerprints <= 16 ? which * 16 : which, random() % 60);
}

TEST(Shard, agrees_with_a_plain_map_in_tiny_shards_whatever_the_crowd) {
  Random random(fresh_seed());
  for (const Crowd& crowd : kCrowds) {
    for (const std::uint32_t rows : {1U, 2U, 3U}) {
      SCOPED_TRACE(std::string(crowd.name) + ", rows " + std::to_string(rows));
      Small small(rows, random() % kShards);
      for (int i = 0; i < 6000; ++i) {
        const std::uint64_t erase_percent = i / 1000 % 2 == 0 ? 20 : 60;  // fills to the brim, half empties, ...
        if (small.size() != 0 && (small.size() >= small.room() || random() % 100 < erase_percent)) {
          ASSERT_TRUE(small.erase(small.any(random)));
        } else {
          small.insert(draw(small, crowd, random));
        }
        const TableKey absent = small.key(small.groups() - 1, 0, static_cast<unsigned>(random() % 256), 100);
        ASSERT_EQ(small.find(absent), nullptr);
        if (i % 10 != 0) continue;
        ASSERT_NO_FATAL_FAILURE(small.check());
      }
      while (small.size() != 0) {
        ASSERT_TRUE(small.erase(small.any(random)));
        ASSERT_NO_FATAL_FAILURE(small.check());
      }
      for (std::uint32_t at = 0; at < small.groups(); ++at) {
        ASSERT_EQ(small.group(at).overflow, 0U);
        ASSERT_EQ(taken_slots(small.group(at)), 0U);
      }
    }
  }
}

TEST(Shard, keys_make_room_for_one_another_as_long_as_all_have_some) {
  Random random(fresh_seed());
  for (int round = 0; round < 300; ++round) {
    Small small(1);
    // Three keys for each of the first four lines: their windows are the first six, twelve slots.
    std::vector<TableKey> keys;
    for (unsigned i = 0; i < 12; ++i) keys.push_back(small.key(1, i / 3, i, i));
    std::shuffle(keys.begin(), keys.end(), random);
    for (const TableKey& key : keys) {
      ASSERT_TRUE(small.insert(key));
      ASSERT_NO_FATAL_FAILURE(small.check());
    }
    ASSERT_EQ(small.keys_away_from_home(), 0U);
    ASSERT_EQ(taken_slots(small.group(1)), 0xfffU);
  }
}

TEST(Shard, a_full_window_sends_a_key_on_though_the_group_is_not_full) {
  Small small(1);
  for (unsigned i = 0; i < 6; ++i) small.insert(small.key(1, 4, i, i));
  ASSERT_EQ(small.group(1).overflow, 0U);
  const TableKey seventh = small.key(1, 4, 0x39, 7);
  small.insert(seventh);
  ASSERT_NO_FATAL_FAILURE(small.check());
  EXPECT_EQ(small.group(1).overflow, 1U << 9);
  EXPECT_EQ(empty_slots(small.group(1)), 0xffU);
  EXPECT_NE(taken_slots(small.group(2)), 0U);
  EXPECT_EQ(small.find(small.key(1, 4, 0x39, 8)), nullptr);

  small.erase(small.key(1, 4, 2, 2));  // and it comes back when there is room
  ASSERT_NO_FATAL_FAILURE(small.check());
  EXPECT_EQ(small.group(1).overflow, 0U);
  EXPECT_EQ(taken_slots(small.group(2)), 0U);
  EXPECT_NE(small.find(seventh), nullptr);
}

TEST(Shard, a_guest_from_another_group_gives_way_to_a_key_at_home) {
  Small small(1);
  for (unsigned i = 0; i < 7; ++i) small.insert(small.key(0, 0, i, i));  // the seventh is a guest of group 1
  ASSERT_EQ(small.keys_away_from_home(), 1U);
  for (unsigned i = 0; i < 6; ++i) small.insert(small.key(1, 0, i, 10 + i));
  ASSERT_NO_FATAL_FAILURE(small.check());
  EXPECT_EQ(small.keys_away_from_home(), 1U);
  EXPECT_EQ(std::popcount(taken_slots(small.group(1))), 7);
}

TEST(Shard, searches_end_when_all_groups_overflow) {
  Random random(fresh_seed());
  for (const unsigned classes : {1U, 16U}) {
    Small small(1);
    std::vector<TableKey> keys;
    for (unsigned i = 0; i < 40; ++i) keys.push_back(small.key(i % 4, 0, i / 4 % classes, i));
    for (const TableKey& key : keys) ASSERT_TRUE(small.insert(key));
    for (std::uint32_t at = 0; at < small.groups(); ++at) ASSERT_NE(small.group(at).overflow, 0U);
    ASSERT_NO_FATAL_FAILURE(small.check());
    for (unsigned group = 0; group < 4; ++group) {
      for (unsigned fingerprint = 0; fingerprint < 256; ++fingerprint) {
        ASSERT_EQ(small.find(small.key(group, 0, fingerprint, 99)), nullptr);
      }
    }
    std::shuffle(keys.begin(), keys.end(), random);
    for (const TableKey& key : keys) {
      ASSERT_TRUE(small.erase(key));
      ASSERT_EQ(small.find(key), nullptr);
      ASSERT_NO_FATAL_FAILURE(small.check());
    }
  }
}

TEST(Shard, erase_storms_leave_no_trace) {
  Random random(fresh_seed());
  for (int round = 0; round < 50; ++round) {
    Small small(2);
    const Crowd crowd = kCrowds[random() % std::size(kCrowds)];
    for (int storm = 0; storm < 4; ++storm) {
      for (int i = 0; i < 2000 && small.size() < small.room(); ++i) small.insert(draw(small, crowd, random));
      ASSERT_NO_FATAL_FAILURE(small.check()) << crowd.name;
      const std::size_t left = random() % 8;
      while (small.size() > left) ASSERT_TRUE(small.erase(small.any(random)));
      ASSERT_NO_FATAL_FAILURE(small.check()) << crowd.name;
    }
  }
}

TEST(Shard, neighbours_in_the_arrays_stay_untouched) {
  Random random(fresh_seed());
  Small small(1, 7);
  for (std::size_t i = 0; i < small.room(); ++i) small.insert(small.key(static_cast<std::uint32_t>(i % 4), 0, 1, i));
  EXPECT_EQ(small.taken_in_all_shards(), small.size());
}

}  // namespace
}  // namespace latchkey::registry::internal
