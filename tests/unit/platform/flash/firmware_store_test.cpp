// SPDX-License-Identifier: Apache-2.0
#include "platform/flash/firmware_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/contract/firmware_store_contract.h"
#include "tests/unit/platform/flash/memory_flash.h"

namespace latchkey::test {

struct FlashFirmwareMedium {
  FlashFirmwareMedium() { restart(); }
  ports::FirmwareStore& store() { return *store_; }
  void restart() {
    store_ = std::make_unique<flash::FlashFirmwareStore>(flash_, kFirmwareSlot);
    EXPECT_TRUE(store_->start());
  }
  void make_bootable(ports::FirmwareSlot) {}  // the boot loader runs what it is told to
  MemoryFlash flash_{flash::FlashFirmwareStore::region_size(kFirmwareSlot)};
  std::unique_ptr<flash::FlashFirmwareStore> store_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Flash, FirmwareStoreContract, FlashFirmwareMedium);

}  // namespace latchkey::test

namespace latchkey::flash {
namespace {

using ports::FirmwareRecord;
using ports::FirmwareSlot;
using ports::FirmwareStore;
using test::MemoryFlash;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kSlot = test::kFirmwareSlot;
constexpr std::size_t kRegion = FlashFirmwareStore::region_size(kSlot);

Bytes record_of(FlashFirmwareStore& store, FirmwareRecord record) {
  Bytes room(FirmwareStore::kRecordMax);
  const auto size = store.read_record(record, {room.data(), room.size()});
  EXPECT_TRUE(size || size.error() == Status::kNotFound);
  room.resize(size.value_or(0));
  return room;
}

TEST(FlashFirmwareStore, cut_at_any_change_of_a_record_leaves_the_old_one_the_new_one_or_none_and_no_other_touched) {
  const Bytes old_text(4'400, 'o');
  const Bytes new_text(FirmwareStore::kRecordMax, 'n');
  unsigned cuts = 0;
  for (const unsigned percent : {0U, 1U, 50U, 99U, 100U}) {
    for (unsigned change = 1;; ++change) {
      SCOPED_TRACE(testing::Message() << "change " << change << ", " << percent << " %");
      MemoryFlash flash(kRegion);
      FlashFirmwareStore store(flash, kSlot);
      ASSERT_TRUE(store.start());
      ASSERT_TRUE(store.write_record(FirmwareRecord::kState0, old_text));
      ASSERT_TRUE(store.write_record(FirmwareRecord::kState1, old_text));
      flash.cut_at(change, percent);
      const bool told = store.write_record(FirmwareRecord::kState0, new_text).has_value();
      if (flash.has_power()) break;
      ++cuts;
      flash.restore();
      FlashFirmwareStore after(flash, kSlot);
      ASSERT_TRUE(after.start());
      const Bytes held = record_of(after, FirmwareRecord::kState0);
      EXPECT_TRUE(held == old_text || held == new_text || held.empty());
      if (told) {
        EXPECT_EQ(held, new_text);
      }
      EXPECT_EQ(record_of(after, FirmwareRecord::kState1), old_text);
      ASSERT_TRUE(after.write_record(FirmwareRecord::kState0, new_text));
      EXPECT_EQ(record_of(after, FirmwareRecord::kState0), new_text);
    }
  }
  EXPECT_GE(cuts, 15u);
}

TEST(FlashFirmwareStore, cut_at_any_change_of_a_block_touches_no_other) {
  for (const unsigned percent : {0U, 50U, 100U}) {
    for (unsigned change = 1;; ++change) {
      MemoryFlash flash(kRegion);
      FlashFirmwareStore store(flash, kSlot);
      ASSERT_TRUE(store.start());
      for (std::uint32_t block = 0; block < 3; ++block) {
        ASSERT_TRUE(store.write_block(FirmwareSlot::kB, block, Bytes(FirmwareStore::kBlockSize, 0x11)));
      }
      flash.cut_at(change, percent);
      (void)store.write_block(FirmwareSlot::kB, 1, Bytes(100, 0x22));
      if (flash.has_power()) break;
      flash.restore();
      FlashFirmwareStore after(flash, kSlot);
      ASSERT_TRUE(after.start());
      Bytes read(FirmwareStore::kBlockSize);
      for (const std::uint32_t block : {0U, 2U}) {
        ASSERT_TRUE(after.read_block(FirmwareSlot::kB, block, {read.data(), read.size()}));
        EXPECT_EQ(read, Bytes(FirmwareStore::kBlockSize, 0x11)) << block;
      }
    }
  }
}

TEST(FlashFirmwareStore, damaged_header_is_no_record) {
  MemoryFlash flash(kRegion);
  FlashFirmwareStore store(flash, kSlot);
  ASSERT_TRUE(store.start());
  ASSERT_TRUE(store.write_record(FirmwareRecord::kState0, Bytes(9, 'x')));
  for (std::size_t at = 0; at < FlashFirmwareStore::kHeaderSize; ++at) {
    flash.bytes()[FlashFirmwareStore::kRecordsAt + at] ^= 0x10;
    EXPECT_TRUE(record_of(store, FirmwareRecord::kState0).empty()) << at;
    flash.bytes()[FlashFirmwareStore::kRecordsAt + at] ^= 0x10;
  }
  EXPECT_EQ(record_of(store, FirmwareRecord::kState0).size(), 9u);
}

TEST(FlashFirmwareStore, failing_medium_is_told) {
  MemoryFlash flash(kRegion - kSlot);
  FlashFirmwareStore store(flash, kSlot);
  ASSERT_TRUE(store.start());
  EXPECT_EQ(store.write_block(FirmwareSlot::kB, 0, Bytes(1)).error(), Status::kStorageFailed);
  MemoryFlash none(0);
  EXPECT_EQ(FlashFirmwareStore(none, kSlot).start().error(), Status::kStorageFailed);
}

}  // namespace
}  // namespace latchkey::flash
