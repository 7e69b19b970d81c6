// SPDX-License-Identifier: Apache-2.0
#include "platform/sim/storage.h"

#include <gtest/gtest.h>

#include "tests/contract/storage_contract.h"

namespace latchkey::test {

struct SimMedium {
  ports::Storage& storage() { return storage_; }
  void restart() { storage_.restore_power(); }
  sim::SimStorage storage_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, StorageContract, SimMedium);

}  // namespace latchkey::test

namespace latchkey::sim {
namespace {

using ports::Item;

std::string held(SimStorage& storage, Item item) {
  const auto& content = storage.medium(item);
  return content ? std::string(content->begin(), content->end()) : "<nothing>";
}

Result<void> write(SimStorage& storage, const std::string& text) { return storage.write(Item::kSlotA, ByteView(text)); }

TEST(SimStoragePower, fails_before_at_or_after_the_chosen_change) {
  for (const auto& [how, left] :
       {std::pair<Cut, std::string>{Cut::kBefore, "old!old!"}, {Cut::kTorn, "new?old!"}, {Cut::kAfter, "new?new?"}}) {
    SimStorage storage;
    storage.cut_power_at(2, how);
    ASSERT_TRUE(write(storage, "old!old!"));
    EXPECT_EQ(write(storage, "new?new?").error(), Status::kStorageFailed);
    EXPECT_FALSE(storage.has_power());
    storage.restore_power();
    EXPECT_EQ(held(storage, Item::kSlotA), left);
    EXPECT_TRUE(write(storage, "next"));
  }
}

TEST(SimStoragePower, torn_first_write_ends_in_erased_flash) {
  SimStorage storage;
  storage.cut_power_at(1, Cut::kTorn);
  EXPECT_FALSE(write(storage, "abcd"));
  EXPECT_EQ(held(storage, Item::kSlotA), "ab\xFF\xFF");
}

TEST(SimStoragePower, torn_in_other_ways) {
  const std::string old(3 * kTornPage, 'o'), fresh(3 * kTornPage, 'n');
  const std::string page_o(kTornPage, 'o'), page_n(kTornPage, 'n');
  for (const auto& [how, left] :
       {std::pair<Cut, std::string>{Cut::kTornEnd, old.substr(old.size() / 2) + fresh.substr(old.size() / 2)},
        {Cut::kTornPages, page_n + page_o + page_n},
        {Cut::kErased, std::string(old.size(), '\xFF')}}) {
    SimStorage storage;
    storage.cut_power_at(2, how);
    ASSERT_TRUE(write(storage, old));
    EXPECT_FALSE(write(storage, fresh));
    EXPECT_EQ(held(storage, Item::kSlotA), left);
  }
}

TEST(SimStoragePower, reordered_change_lands_without_the_one_before) {
  for (const Cut how : {Cut::kLostOne, Cut::kLostTwo}) {
    SimStorage storage;
    ASSERT_TRUE(write(storage, "old"));
    storage.cut_power_at(how == Cut::kLostOne ? 3 : 4, how);
    ASSERT_TRUE(write(storage, "lost"));
    if (how == Cut::kLostTwo) {
      ASSERT_TRUE(storage.erase(Item::kPendingKey));
    }
    EXPECT_FALSE(storage.write(Item::kSlotB, ByteView(std::string("landed"))));
    storage.restore_power();
    EXPECT_EQ(held(storage, Item::kSlotA), "old");
    EXPECT_EQ(held(storage, Item::kSlotB), "landed");
    const auto& before = storage.before_cut()[0];
    EXPECT_EQ(before, (std::vector<std::uint8_t>{'o', 'l', 'd'})) << "before the change that was lost";
  }
}

TEST(SimStoragePower, change_of_the_same_item_hides_the_lost_one) {
  SimStorage storage;
  ASSERT_TRUE(write(storage, "old"));
  storage.cut_power_at(3, Cut::kLostOne);
  ASSERT_TRUE(write(storage, "lost"));
  EXPECT_FALSE(write(storage, "last"));
  EXPECT_EQ(held(storage, Item::kSlotA), "last");
}

TEST(SimStorageFaults, full_medium_refuses_writes_and_lets_erase) {
  SimStorage storage;
  storage.fill_at(2);
  ASSERT_TRUE(write(storage, "fits"));
  EXPECT_EQ(write(storage, "does not").error(), Status::kStorageFull);
  EXPECT_EQ(held(storage, Item::kSlotA), "fits");
  EXPECT_TRUE(storage.erase(Item::kSlotA));
  EXPECT_EQ(write(storage, "still not").error(), Status::kStorageFull);
  storage.fill_at(0);
  EXPECT_TRUE(write(storage, "room again"));
}

TEST(SimStoragePower, torn_erase_destroys_the_first_half) {
  SimStorage storage;
  ASSERT_TRUE(write(storage, "abcd"));
  storage.cut_power_at(2, Cut::kTorn);
  EXPECT_FALSE(storage.erase(Item::kSlotA));
  EXPECT_EQ(held(storage, Item::kSlotA),
            "\xFF\xFF"
            "cd");
}

TEST(SimStoragePower, nothing_works_until_it_is_back) {
  SimStorage storage;
  ASSERT_TRUE(write(storage, "a"));
  storage.cut_power_at(2, Cut::kBefore);
  EXPECT_FALSE(storage.erase(Item::kSlotA));
  std::array<std::uint8_t, 4> out;
  EXPECT_EQ(storage.read(Item::kSlotA, out).error(), Status::kStorageFailed);
  EXPECT_EQ(write(storage, "b").error(), Status::kStorageFailed);
  EXPECT_EQ(storage.changes(), 2u) << "a dead process changes nothing";
  storage.restore_power();
  EXPECT_TRUE(storage.read(Item::kSlotA, out));
}

TEST(SimStoragePower, sweep_ends_when_the_run_completes) {
  unsigned cuts = 0;
  for (unsigned n = 1;; ++n) {
    SimStorage storage;
    storage.cut_power_at(n, Cut::kTorn);
    const bool completed = write(storage, "1") && write(storage, "2") && storage.erase(Item::kSlotA);
    EXPECT_EQ(completed, storage.has_power());
    if (completed) break;
    ++cuts;
  }
  EXPECT_EQ(cuts, 3u);
}

TEST(SimStorageFaults, come_after_so_many_calls_and_go_away) {
  SimStorage storage;
  storage.fail_after(1, Status::kStorageFull, 2);
  EXPECT_TRUE(write(storage, "a"));
  EXPECT_EQ(write(storage, "b").error(), Status::kStorageFull);
  EXPECT_EQ(storage.erase(Item::kSlotA).error(), Status::kStorageFull);
  EXPECT_EQ(held(storage, Item::kSlotA), "a");
  EXPECT_TRUE(write(storage, "c"));
  EXPECT_EQ(storage.changes(), 4u);
}

}  // namespace
}  // namespace latchkey::sim
