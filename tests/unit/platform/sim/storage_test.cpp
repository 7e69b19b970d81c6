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
