// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/firmware_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "platform/sim/firmware_store.h"

namespace latchkey::posix {
namespace {

using ports::FirmwareRecord;
using ports::FirmwareSlot;
using ports::FirmwareStore;
using ports::FirmwareTrial;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t kSlot = 4 * FirmwareStore::kBlockSize;

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "latchkey-firmware-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// One suite over the real store and the simulated one: they are the same device to who uses them.
struct Medium {
  virtual ~Medium() = default;
  virtual FirmwareStore& store() = 0;
  virtual void restart() = 0;
};
struct PosixMedium final : Medium {
  PosixMedium() { restart(); }
  FirmwareStore& store() override { return *held; }
  void restart() override {
    held.reset();
    held = std::move(*PosixFirmwareStore::open(folder.path(), kSlot));
  }
  Folder folder;
  std::unique_ptr<PosixFirmwareStore> held;
};
struct SimMedium final : Medium {
  FirmwareStore& store() override { return held; }
  void restart() override { held.restart(); }
  sim::SimFirmwareStore held{kSlot, ByteView()};
};

class FirmwareStoreContract : public testing::TestWithParam<bool> {
 protected:
  FirmwareStoreContract() {
    if (GetParam()) medium_ = std::make_unique<PosixMedium>();
    if (!GetParam()) medium_ = std::make_unique<SimMedium>();
  }
  FirmwareStore& store() { return medium_->store(); }
  void restart() { medium_->restart(); }
  Bytes block(FirmwareSlot slot, std::uint32_t index, std::size_t size) {
    Bytes read(size);
    EXPECT_TRUE(store().read_block(slot, index, {read.data(), read.size()}));
    return read;
  }

 private:
  std::unique_ptr<Medium> medium_;
};

TEST_P(FirmwareStoreContract, a_new_one_runs_slot_a) {
  EXPECT_EQ(store().slot_size(), kSlot);
  EXPECT_EQ(store().boot().running, FirmwareSlot::kA);
  EXPECT_EQ(store().boot().trial, FirmwareTrial::kNone);
}

TEST_P(FirmwareStoreContract, blocks_are_read_as_written_and_stay) {
  const Bytes whole(FirmwareStore::kBlockSize, 0x11);
  const Bytes part(100, 0x22);
  EXPECT_TRUE(store().write_block(FirmwareSlot::kB, 0, whole));
  EXPECT_TRUE(store().write_block(FirmwareSlot::kB, 3, part));
  restart();
  EXPECT_EQ(block(FirmwareSlot::kB, 0, whole.size()), whole);
  EXPECT_EQ(block(FirmwareSlot::kB, 3, part.size()), part);
}

TEST_P(FirmwareStoreContract, nothing_is_written_beyond_a_slot_or_to_the_one_that_runs) {
  const Bytes some(10, 1);
  EXPECT_EQ(store().write_block(FirmwareSlot::kA, 0, some).error(), Status::kRefused);
  EXPECT_EQ(store().write_block(FirmwareSlot::kB, 4, some).error(), Status::kTooLarge);
  EXPECT_EQ(store().write_block(FirmwareSlot::kB, 0, Bytes(FirmwareStore::kBlockSize + 1)).error(), Status::kTooLarge);
  EXPECT_EQ(store().write_record(FirmwareRecord::kState0, Bytes(FirmwareStore::kRecordMax + 1)).error(),
            Status::kTooLarge);
}

TEST_P(FirmwareStoreContract, a_trial_that_is_confirmed_stays) {
  EXPECT_TRUE(store().try_next(FirmwareSlot::kB));
  EXPECT_EQ(store().boot().running, FirmwareSlot::kA);
  restart();
  EXPECT_EQ(store().boot().running, FirmwareSlot::kB);
  EXPECT_EQ(store().boot().trial, FirmwareTrial::kRunning);
  EXPECT_TRUE(store().confirm());
  for (int start = 0; start < 2; ++start) {
    restart();
    EXPECT_EQ(store().boot().running, FirmwareSlot::kB);
    EXPECT_EQ(store().boot().trial, FirmwareTrial::kNone);
  }
}

TEST_P(FirmwareStoreContract, a_trial_that_is_not_confirmed_is_over_at_the_next_start) {
  EXPECT_TRUE(store().try_next(FirmwareSlot::kB));
  restart();
  restart();
  EXPECT_EQ(store().boot().running, FirmwareSlot::kA);
  EXPECT_EQ(store().boot().trial, FirmwareTrial::kFailed);
  restart();
  EXPECT_EQ(store().boot().running, FirmwareSlot::kA);
  EXPECT_EQ(store().boot().trial, FirmwareTrial::kNone);
}

TEST_P(FirmwareStoreContract, records_are_replaced_whole) {
  Bytes room(64);
  const auto read = [&](FirmwareRecord record) { return store().read_record(record, {room.data(), room.size()}); };
  EXPECT_EQ(read(FirmwareRecord::kPins0).error(), Status::kNotFound);
  EXPECT_TRUE(store().write_record(FirmwareRecord::kPins0, Bytes(40, 1)));
  EXPECT_TRUE(store().write_record(FirmwareRecord::kPins0, Bytes(7, 2)));
  restart();
  EXPECT_EQ(*read(FirmwareRecord::kPins0), 7U);
  EXPECT_EQ(room[6], 2);
  EXPECT_EQ(read(FirmwareRecord::kPins1).error(), Status::kNotFound);
  EXPECT_TRUE(store().write_record(FirmwareRecord::kState1, Bytes(65, 3)));
  EXPECT_EQ(read(FirmwareRecord::kState1).error(), Status::kTooLarge);
}

INSTANTIATE_TEST_SUITE_P(, FirmwareStoreContract, testing::Bool(),
                         [](const auto& tested) { return std::string(tested.param ? "posix" : "sim"); });

TEST(PosixFirmwareStore, belongs_to_one_at_a_time_and_keeps_its_files_private) {
  const Folder folder;
  const auto store = PosixFirmwareStore::open(folder.path(), kSlot);
  ASSERT_TRUE(store);
  EXPECT_EQ(PosixFirmwareStore::open(folder.path(), kSlot).error(), Status::kBusy);
  EXPECT_TRUE((*store)->write_record(FirmwareRecord::kState0, Bytes(10)));
  for (const std::string name : {"/slot-a.img", "/slot-b.img", "/state-0"}) {
    struct stat found;
    ASSERT_EQ(stat((folder.path() + name).c_str(), &found), 0) << name;
    EXPECT_EQ(found.st_mode & 0777, 0600U) << name;
  }
}

TEST(PosixFirmwareStore, refuses_other_sizes_and_folders_that_others_may_write_to) {
  const Folder folder;
  EXPECT_EQ(PosixFirmwareStore::open(folder.path(), 0).error(), Status::kInvalidArgument);
  EXPECT_EQ(PosixFirmwareStore::open(folder.path(), kSlot + 1).error(), Status::kInvalidArgument);
  EXPECT_TRUE(PosixFirmwareStore::open(folder.path(), kSlot));
  EXPECT_EQ(PosixFirmwareStore::open(folder.path(), 2 * kSlot).error(), Status::kMismatch);
  ASSERT_EQ(chmod(folder.path().c_str(), 0777), 0);
  EXPECT_EQ(PosixFirmwareStore::open(folder.path(), kSlot).error(), Status::kRefused);
}

TEST(PosixFirmwareStore, a_damaged_boot_word_is_slot_a) {
  const Folder folder;
  { EXPECT_TRUE((*PosixFirmwareStore::open(folder.path(), kSlot))->try_next(FirmwareSlot::kB)); }
  std::ofstream(folder.path() + "/boot") << "b";
  const auto store = PosixFirmwareStore::open(folder.path(), kSlot);
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->boot().running, FirmwareSlot::kA);
}

}  // namespace
}  // namespace latchkey::posix
