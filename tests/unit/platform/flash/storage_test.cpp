// SPDX-License-Identifier: Apache-2.0
#include "platform/flash/storage.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/contract/storage_contract.h"
#include "tests/unit/platform/flash/memory_flash.h"

namespace latchkey::test {

struct FlashMedium {
  static constexpr std::size_t kLargest = flash::FlashStorage::kMaxItem;
  ports::Storage& storage() { return *storage_; }
  void restart() { storage_ = std::make_unique<flash::FlashStorage>(flash_); }
  MemoryFlash flash_{flash::FlashStorage::kRegionSize};
  std::unique_ptr<flash::FlashStorage> storage_ = std::make_unique<flash::FlashStorage>(flash_);
};
INSTANTIATE_TYPED_TEST_SUITE_P(Flash, StorageContract, FlashMedium);

}  // namespace latchkey::test

namespace latchkey::flash {
namespace {

using ports::Item;
using test::MemoryFlash;

std::string read(FlashStorage& storage, Item item) {
  std::vector<std::uint8_t> out(FlashStorage::kMaxItem);
  const auto size = storage.read(item, MutableBytes(out.data(), out.size()));
  return size ? std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size)) : "<nothing>";
}
Result<void> write(FlashStorage& storage, Item item, const std::string& text) {
  return storage.write(item, ByteView(text));
}

// A record that fills more than one sector.
std::string record(char letter) { return std::string(5'000, letter); }

TEST(FlashStorage, cut_at_any_change_leaves_the_old_record_or_the_new_one) {
  unsigned cuts = 0;
  for (const unsigned percent : {0U, 1U, 50U, 99U, 100U}) {
    for (unsigned change = 1;; ++change) {
      MemoryFlash flash(FlashStorage::kRegionSize);
      FlashStorage storage(flash);
      ASSERT_TRUE(write(storage, Item::kSlotA, record('o')));
      ASSERT_TRUE(write(storage, Item::kSlotB, "other"));
      flash.cut_at(change, percent);
      const bool told = write(storage, Item::kSlotA, record('n')).has_value();
      if (flash.has_power()) break;
      ++cuts;
      flash.restore();
      FlashStorage after(flash);
      const std::string held = read(after, Item::kSlotA);
      EXPECT_TRUE(held == record('o') || held == record('n'))
          << "cut in change " << change << " at " << percent << " %";
      if (told) {
        EXPECT_EQ(held, record('n'));
      }
      EXPECT_EQ(read(after, Item::kSlotB), "other");
      ASSERT_TRUE(write(after, Item::kSlotA, record('x')));
      EXPECT_EQ(read(after, Item::kSlotA), record('x'));
    }
  }
  EXPECT_GT(cuts, 15u);
}

TEST(FlashStorage, cut_while_erasing_brings_no_older_record_back) {
  for (const unsigned percent : {0U, 50U, 100U}) {
    for (unsigned change = 1;; ++change) {
      MemoryFlash flash(FlashStorage::kRegionSize);
      FlashStorage storage(flash);
      ASSERT_TRUE(write(storage, Item::kPendingKey, record('a')));
      // the power fails before the first record's bank is erased: both banks hold one
      flash.cut_at(3, 0);
      EXPECT_FALSE(write(storage, Item::kPendingKey, record('b')));
      flash.restore();
      FlashStorage again(flash);
      ASSERT_EQ(read(again, Item::kPendingKey), record('b'));
      flash.cut_at(change, percent);
      (void)again.erase(Item::kPendingKey);
      if (flash.has_power()) {
        EXPECT_EQ(read(again, Item::kPendingKey), "<nothing>");
        break;
      }
      flash.restore();
      FlashStorage after(flash);
      const std::string held = read(after, Item::kPendingKey);
      EXPECT_TRUE(held == record('b') || held == "<nothing>") << "cut in change " << change;
    }
  }
}

TEST(FlashStorage, retired_record_is_not_readable_any_more) {
  MemoryFlash flash(FlashStorage::kRegionSize);
  FlashStorage storage(flash);
  ASSERT_TRUE(write(storage, Item::kSlotA, "the old secret"));
  ASSERT_TRUE(write(storage, Item::kSlotA, "the new secret"));
  EXPECT_FALSE(flash.holds("the old secret"));
  ASSERT_TRUE(storage.erase(Item::kSlotA));
  EXPECT_FALSE(flash.holds("the new secret"));
}

TEST(FlashStorage, reading_wears_nothing_and_a_write_erases_one_bank_at_most) {
  MemoryFlash flash(FlashStorage::kRegionSize);
  FlashStorage storage(flash);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(write(storage, Item::kSlotA, record('a')));
  EXPECT_EQ(storage.writes(), 10u);
  EXPECT_EQ(storage.erased_sectors(), 18u);  // two of a bank, nine times
  FlashStorage after(flash);
  EXPECT_EQ(read(after, Item::kSlotA), record('a'));
  EXPECT_EQ(read(after, Item::kSlotB), "<nothing>");
  EXPECT_EQ(after.writes() + after.erased_sectors(), 0u);
}

TEST(FlashStorage, what_is_too_large_changes_nothing) {
  MemoryFlash flash(FlashStorage::kRegionSize);
  FlashStorage storage(flash);
  ASSERT_TRUE(write(storage, Item::kSlotA, "kept"));
  EXPECT_EQ(write(storage, Item::kSlotA, std::string(FlashStorage::kMaxItem + 1, 'x')).error(), Status::kTooLarge);
  EXPECT_EQ(read(storage, Item::kSlotA), "kept");
}

TEST(FlashStorage, damaged_header_is_no_record) {
  MemoryFlash flash(FlashStorage::kRegionSize);
  FlashStorage storage(flash);
  ASSERT_TRUE(write(storage, Item::kSlotA, "kept"));
  for (std::size_t at = 0; at < FlashStorage::kHeaderSize; ++at) {
    flash.bytes()[at] ^= 0x10;
    EXPECT_EQ(read(storage, Item::kSlotA), "<nothing>") << at;
    flash.bytes()[at] ^= 0x10;
  }
  EXPECT_EQ(read(storage, Item::kSlotA), "kept");
}

TEST(FlashStorage, failing_medium_is_told) {
  MemoryFlash flash(kSectorSize);
  FlashStorage storage(flash);
  std::array<std::uint8_t, 8> out{};
  EXPECT_EQ(storage.read(Item::kSlotB, out).error(), Status::kStorageFailed);
  EXPECT_EQ(write(storage, Item::kSlotB, "x").error(), Status::kStorageFailed);
  EXPECT_EQ(storage.erase(Item::kSlotB).error(), Status::kStorageFailed);
}

}  // namespace
}  // namespace latchkey::flash
