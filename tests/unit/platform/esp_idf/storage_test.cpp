// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/storage.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/contract/storage_contract.h"
#include "tests/support/esp_idf/nvs.h"

namespace latchkey::test {

struct NvsMedium {
  static constexpr std::size_t kLargest = esp_idf::NvsStorage::kMaxItem;
  NvsMedium() {
    esp::Nvs::the().reset();
    restart();
  }
  ports::Storage& storage() { return *storage_; }
  void restart() {
    storage_.reset();
    esp::Nvs::the().restart();
    storage_ = std::make_unique<esp_idf::NvsStorage>();
    EXPECT_TRUE(storage_->open());
  }
  std::unique_ptr<esp_idf::NvsStorage> storage_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Nvs, StorageContract, NvsMedium);

}  // namespace latchkey::test

namespace latchkey::esp_idf {
namespace {

using ports::Item;
using test::NvsMedium;
using test::esp::kNvsCuts;
using test::esp::Nvs;

std::string read(ports::Storage& storage, Item item) {
  std::vector<std::uint8_t> out(NvsStorage::kMaxItem);
  const auto size = storage.read(item, MutableBytes(out.data(), out.size()));
  if (!size) return "<" + std::string(to_string(size.error())) + ">";
  return std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size));
}
Result<void> write(ports::Storage& storage, Item item, const std::string& text) {
  return storage.write(item, ByteView(text));
}

TEST(NvsStorage, cut_at_any_change_leaves_the_old_record_or_the_new_one) {
  unsigned cuts = 0;
  for (const auto how : kNvsCuts) {
    for (int before = 1; before <= 2; ++before) {  // the newest lies under either key
      for (unsigned change = 1;; ++change) {
        NvsMedium medium;
        for (int i = 0; i < before; ++i) ASSERT_TRUE(write(medium.storage(), Item::kSlotA, "old"));
        ASSERT_TRUE(write(medium.storage(), Item::kSlotB, "other"));
        Nvs::the().cut_power_at(change, how);
        const bool told = write(medium.storage(), Item::kSlotA, "new").has_value();
        if (Nvs::the().has_power()) break;
        ++cuts;
        medium.restart();
        const std::string held = read(medium.storage(), Item::kSlotA);
        EXPECT_TRUE(held == "old" || held == "new") << held << " after a cut in change " << change;
        if (told) {
          EXPECT_EQ(held, "new");
        }
        EXPECT_EQ(read(medium.storage(), Item::kSlotB), "other");
        ASSERT_TRUE(write(medium.storage(), Item::kSlotA, "next"));
        medium.restart();
        EXPECT_EQ(read(medium.storage(), Item::kSlotA), "next");
      }
    }
  }
  EXPECT_EQ(cuts, 12u);  // the new one and the erasing of the old one
}

// That the sweep above can fail: what NVS alone does to the only copy.
TEST(NvsStorage, one_blob_that_is_written_over_can_lose_both) {
  Nvs::the().reset();
  NvsSpace space;
  ASSERT_TRUE(space.open("plain"));
  ASSERT_TRUE(space.write("record", ByteView(std::string("old"))));
  Nvs::the().cut_power_at(1, test::esp::NvsCut::kMiddle);
  EXPECT_FALSE(space.write("record", ByteView(std::string("new"))));
  Nvs::the().restart();
  ASSERT_TRUE(space.open("plain"));
  std::array<std::uint8_t, 8> out{};
  EXPECT_EQ(space.read("record", out).error(), Status::kNotFound);
}

TEST(NvsStorage, cut_while_erasing_brings_no_older_record_back) {
  for (const auto how : kNvsCuts) {
    for (unsigned change = 1;; ++change) {
      NvsMedium medium;
      ASSERT_TRUE(write(medium.storage(), Item::kPendingKey, "a"));
      // the power fails before the first is erased: both are there
      Nvs::the().cut_power_at(2, test::esp::NvsCut::kBefore);
      EXPECT_FALSE(write(medium.storage(), Item::kPendingKey, "b"));
      medium.restart();
      ASSERT_EQ(read(medium.storage(), Item::kPendingKey), "b");
      Nvs::the().cut_power_at(change, how);
      (void)medium.storage().erase(Item::kPendingKey);
      if (Nvs::the().has_power()) {
        EXPECT_EQ(read(medium.storage(), Item::kPendingKey), "<not found>");
        break;
      }
      medium.restart();
      const std::string held = read(medium.storage(), Item::kPendingKey);
      EXPECT_TRUE(held == "b" || held == "<not found>") << held;
    }
  }
}

TEST(NvsStorage, rotten_newest_blob_gives_way_to_an_older_one_or_to_nothing) {
  NvsMedium medium;
  ASSERT_TRUE(write(medium.storage(), Item::kSlotA, "old"));
  Nvs::the().cut_power_at(2, test::esp::NvsCut::kBefore);
  EXPECT_FALSE(write(medium.storage(), Item::kSlotA, "new"));
  medium.restart();
  auto* const newest = Nvs::the().blob(NvsStorage::kNamespace, "slot-a.1");
  auto* const older = Nvs::the().blob(NvsStorage::kNamespace, "slot-a.0");
  ASSERT_NE(newest, nullptr);
  ASSERT_NE(older, nullptr);
  for (std::size_t at = 0; at < newest->size(); ++at) {
    (*newest)[at] ^= 0x10;
    EXPECT_EQ(read(medium.storage(), Item::kSlotA), "old") << at;
    (*newest)[at] ^= 0x10;
  }
  EXPECT_EQ(read(medium.storage(), Item::kSlotA), "new");
  newest->resize(5);
  older->push_back(0);
  EXPECT_EQ(read(medium.storage(), Item::kSlotA), "<not found>");
}

TEST(NvsStorage, full_medium_keeps_the_old_record_and_says_so) {
  NvsMedium medium;
  ASSERT_TRUE(write(medium.storage(), Item::kSlotA, "kept"));
  Nvs::the().set_room(64);
  EXPECT_EQ(write(medium.storage(), Item::kSlotA, std::string(100, 'x')).error(), Status::kStorageFull);
  EXPECT_EQ(read(medium.storage(), Item::kSlotA), "kept");
}

TEST(NvsStorage, failing_medium_is_told_and_nothing_is_lost) {
  NvsMedium medium;
  ASSERT_TRUE(write(medium.storage(), Item::kSlotA, "kept"));
  Nvs::the().fail_changes(1);
  EXPECT_EQ(write(medium.storage(), Item::kSlotA, "new").error(), Status::kStorageFailed);
  EXPECT_EQ(read(medium.storage(), Item::kSlotA), "kept");
  Nvs::the().fail_changes(1);
  EXPECT_EQ(medium.storage().erase(Item::kSlotA).error(), Status::kStorageFailed);
  EXPECT_EQ(read(medium.storage(), Item::kSlotA), "kept");
}

TEST(NvsStorage, reading_wears_nothing_and_a_write_is_two_changes_at_most) {
  NvsMedium medium;
  ASSERT_TRUE(write(medium.storage(), Item::kSlotA, "a"));
  const unsigned before = Nvs::the().changes();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(write(medium.storage(), Item::kSlotA, "b"));
  EXPECT_EQ(Nvs::the().changes() - before, 20u);
  medium.restart();
  for (const Item item : test::kItems) (void)read(medium.storage(), item);
  EXPECT_EQ(Nvs::the().changes() - before, 20u);
}

TEST(NvsStorage, retired_record_is_not_among_the_keys_any_more) {
  NvsMedium medium;
  ASSERT_TRUE(write(medium.storage(), Item::kSlotA, "the old secret"));
  ASSERT_TRUE(write(medium.storage(), Item::kSlotA, "the new secret"));
  EXPECT_EQ(Nvs::the().blob(NvsStorage::kNamespace, "slot-a.0"), nullptr);
  ASSERT_NE(Nvs::the().blob(NvsStorage::kNamespace, "slot-a.1"), nullptr);
  ASSERT_TRUE(medium.storage().erase(Item::kSlotA));
  EXPECT_EQ(Nvs::the().blob(NvsStorage::kNamespace, "slot-a.1"), nullptr);
}

TEST(NvsStorage, what_is_too_large_changes_nothing) {
  NvsMedium medium;
  ASSERT_TRUE(write(medium.storage(), Item::kSlotA, "kept"));
  EXPECT_EQ(write(medium.storage(), Item::kSlotA, std::string(NvsStorage::kMaxItem + 1, 'x')).error(),
            Status::kTooLarge);
  EXPECT_EQ(read(medium.storage(), Item::kSlotA), "kept");
}

TEST(NvsStorage, without_its_namespace_every_call_fails) {
  NvsStorage storage;
  EXPECT_EQ(read(storage, Item::kSlotA), "<" + std::string(to_string(Status::kStorageFailed)) + ">");
  EXPECT_EQ(write(storage, Item::kSlotA, "x").error(), Status::kStorageFailed);
  EXPECT_EQ(storage.erase(Item::kSlotA).error(), Status::kStorageFailed);
}

TEST(NvsSpace, closes_what_it_opened_and_reads_what_a_script_wrote) {
  Nvs::the().reset();
  {
    NvsSpace space;
    ASSERT_TRUE(space.open("one"));
    ASSERT_TRUE(space.open("two"));
    EXPECT_EQ(Nvs::the().open_handles(), 1u);
    EXPECT_EQ(space.open("a name that is too long").error(), Status::kStorageFailed);
  }
  EXPECT_EQ(Nvs::the().open_handles(), 0u);
  Nvs::the().put_text("nvs", "facts", "name", "pump-17");
  NvsSpace facts;
  ASSERT_TRUE(facts.open_to_read("nvs", "facts"));
  EXPECT_EQ(facts.open_to_read("nvs", "nothing").error(), Status::kNotFound);
  ASSERT_TRUE(facts.open_to_read("nvs", "facts"));
  std::array<std::uint8_t, 8> exact{};
  EXPECT_EQ(*facts.read_text("name", exact), "pump-17");
  std::array<std::uint8_t, 7> small{};
  EXPECT_EQ(facts.read_text("name", small).error(), Status::kTooLarge);
  EXPECT_EQ(facts.read_text("other", exact).error(), Status::kNotFound);
  EXPECT_EQ(facts.write("name", ByteView(std::string("x"))).error(), Status::kStorageFailed);
}

}  // namespace
}  // namespace latchkey::esp_idf
