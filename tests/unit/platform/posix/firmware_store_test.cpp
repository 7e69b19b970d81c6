// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/firmware_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <memory>

#include "platform/sim/firmware_store.h"
#include "tests/contract/firmware_store_contract.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::posix {
namespace {

using ports::FirmwareRecord;
using ports::FirmwareSlot;
using ports::FirmwareStore;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t kSlot = test::kFirmwareSlot;

struct PosixMedium {
  PosixMedium() { restart(); }
  FirmwareStore& store() { return *held; }
  void restart() {
    held.reset();
    held = std::move(*PosixFirmwareStore::open(folder.path(), test::kFirmwareSlot));
  }
  void make_bootable(FirmwareSlot) {}
  tests::TemporaryFolder folder;
  std::unique_ptr<PosixFirmwareStore> held;
};
struct SimMedium {
  FirmwareStore& store() { return held; }
  void restart() { held.restart(); }
  void make_bootable(FirmwareSlot) {}
  sim::SimFirmwareStore held{test::kFirmwareSlot, ByteView()};
};

TEST(PosixFirmwareStore, belongs_to_one_at_a_time_and_keeps_its_files_private) {
  const tests::TemporaryFolder folder;
  const auto store = PosixFirmwareStore::open(folder.path(), kSlot);
  ASSERT_TRUE(store);
  EXPECT_EQ(PosixFirmwareStore::open(folder.path(), kSlot).error(), Status::kBusy);
  EXPECT_TRUE((*store)->write_record(FirmwareRecord::kState0, Bytes(10)));
  for (const std::string name : {"/slot-a.img", "/slot-b.img", "/state-0"}) {
    struct stat found;
    ASSERT_EQ(stat((folder.path().string() + name).c_str(), &found), 0) << name;
    EXPECT_EQ(found.st_mode & 0777, 0600U) << name;
  }
}

TEST(PosixFirmwareStore, refuses_other_sizes_and_folders_that_others_may_write_to) {
  const tests::TemporaryFolder folder;
  EXPECT_EQ(PosixFirmwareStore::open(folder.path(), 0).error(), Status::kInvalidArgument);
  EXPECT_EQ(PosixFirmwareStore::open(folder.path(), kSlot + 1).error(), Status::kInvalidArgument);
  EXPECT_TRUE(PosixFirmwareStore::open(folder.path(), kSlot));
  EXPECT_EQ(PosixFirmwareStore::open(folder.path(), 2 * kSlot).error(), Status::kMismatch);
  ASSERT_EQ(chmod(folder.path().c_str(), 0777), 0);
  EXPECT_EQ(PosixFirmwareStore::open(folder.path(), kSlot).error(), Status::kRefused);
}

TEST(PosixFirmwareStore, a_damaged_boot_word_is_slot_a) {
  const tests::TemporaryFolder folder;
  { EXPECT_TRUE((*PosixFirmwareStore::open(folder.path(), kSlot))->try_next(FirmwareSlot::kB)); }
  std::ofstream(folder / "boot") << "b";
  const auto store = PosixFirmwareStore::open(folder.path(), kSlot);
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->boot().running, FirmwareSlot::kA);
}

}  // namespace
}  // namespace latchkey::posix

namespace latchkey::test {
INSTANTIATE_TYPED_TEST_SUITE_P(Posix, FirmwareStoreContract, posix::PosixMedium);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, FirmwareStoreContract, posix::SimMedium);
}  // namespace latchkey::test
