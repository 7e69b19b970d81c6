// SPDX-License-Identifier: Apache-2.0
// What every ports::FirmwareStore has to do, run over the real ones and the simulated one alike: they are the same
// device to who uses them.
//
// A suite is made per implementation:  INSTANTIATE_TYPED_TEST_SUITE_P(Posix, FirmwareStoreContract, PosixFirmware);
// The type makes a device that runs slot A, with slots of kFirmwareSlot bytes, and has
//   ports::FirmwareStore& store();
//   void restart();                         // power off and on: the boot loader decides
//   void make_bootable(ports::FirmwareSlot) // what stands in that slot would be run
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "platform/ports/firmware_store.h"

namespace latchkey::test {

using FirmwareBytes = std::vector<std::uint8_t>;
inline constexpr std::uint64_t kFirmwareSlot = 4 * ports::FirmwareStore::kBlockSize;

template <class Medium>
class FirmwareStoreContract : public testing::Test {
 protected:
  ports::FirmwareStore& store() { return medium_.store(); }
  void restart() { medium_.restart(); }
  FirmwareBytes block(ports::FirmwareSlot slot, std::uint32_t index, std::size_t size) {
    FirmwareBytes read(size);
    EXPECT_TRUE(store().read_block(slot, index, {read.data(), read.size()}));
    return read;
  }
  Medium medium_;
};

TYPED_TEST_SUITE_P(FirmwareStoreContract);

TYPED_TEST_P(FirmwareStoreContract, a_new_one_runs_slot_a) {
  EXPECT_EQ(this->store().slot_size(), kFirmwareSlot);
  EXPECT_EQ(this->store().boot().running, ports::FirmwareSlot::kA);
  EXPECT_EQ(this->store().boot().trial, ports::FirmwareTrial::kNone);
}

TYPED_TEST_P(FirmwareStoreContract, blocks_are_read_as_written_and_stay) {
  const FirmwareBytes whole(ports::FirmwareStore::kBlockSize, 0x11);
  const FirmwareBytes part(100, 0x22);
  const FirmwareBytes again(ports::FirmwareStore::kBlockSize, 0x44);
  EXPECT_TRUE(this->store().write_block(ports::FirmwareSlot::kB, 0, whole));
  EXPECT_TRUE(this->store().write_block(ports::FirmwareSlot::kB, 3, part));
  EXPECT_TRUE(this->store().write_block(ports::FirmwareSlot::kB, 0, again));
  this->restart();
  EXPECT_EQ(this->block(ports::FirmwareSlot::kB, 0, again.size()), again);
  EXPECT_EQ(this->block(ports::FirmwareSlot::kB, 3, part.size()), part);
}

TYPED_TEST_P(FirmwareStoreContract, nothing_is_written_beyond_a_slot_or_to_the_one_that_runs) {
  using ports::FirmwareSlot;
  constexpr std::size_t kBlock = ports::FirmwareStore::kBlockSize;
  const FirmwareBytes some(10, 1);
  EXPECT_EQ(this->store().write_block(FirmwareSlot::kA, 0, some).error(), Status::kRefused);
  EXPECT_EQ(this->store().write_block(FirmwareSlot::kB, 4, some).error(), Status::kTooLarge);
  EXPECT_EQ(this->store().write_block(FirmwareSlot::kB, 0, FirmwareBytes(kBlock + 1)).error(), Status::kTooLarge);
  EXPECT_EQ(this->store()
                .write_record(ports::FirmwareRecord::kState0, FirmwareBytes(ports::FirmwareStore::kRecordMax + 1))
                .error(),
            Status::kTooLarge);
}

TYPED_TEST_P(FirmwareStoreContract, a_trial_that_is_confirmed_stays) {
  this->medium_.make_bootable(ports::FirmwareSlot::kB);
  EXPECT_TRUE(this->store().try_next(ports::FirmwareSlot::kB));
  EXPECT_EQ(this->store().boot().running, ports::FirmwareSlot::kA);
  this->restart();
  EXPECT_EQ(this->store().boot().running, ports::FirmwareSlot::kB);
  EXPECT_EQ(this->store().boot().trial, ports::FirmwareTrial::kRunning);
  EXPECT_TRUE(this->store().confirm());
  for (int start = 0; start < 2; ++start) {
    this->restart();
    EXPECT_EQ(this->store().boot().running, ports::FirmwareSlot::kB);
    EXPECT_EQ(this->store().boot().trial, ports::FirmwareTrial::kNone);
  }
}

TYPED_TEST_P(FirmwareStoreContract, a_trial_that_is_not_confirmed_is_over_at_the_next_start) {
  this->medium_.make_bootable(ports::FirmwareSlot::kB);
  for (int round = 0; round < 2; ++round) {  // the second is told from the first
    EXPECT_TRUE(this->store().try_next(ports::FirmwareSlot::kB));
    this->restart();
    EXPECT_EQ(this->store().boot().trial, ports::FirmwareTrial::kRunning);
    this->restart();
    EXPECT_EQ(this->store().boot().running, ports::FirmwareSlot::kA);
    EXPECT_EQ(this->store().boot().trial, ports::FirmwareTrial::kFailed);
    this->restart();
    EXPECT_EQ(this->store().boot().running, ports::FirmwareSlot::kA);
    EXPECT_EQ(this->store().boot().trial, ports::FirmwareTrial::kNone);
  }
}

TYPED_TEST_P(FirmwareStoreContract, what_runs_may_be_confirmed_although_nobody_doubts_it) {
  EXPECT_TRUE(this->store().confirm());
  this->restart();
  EXPECT_EQ(this->store().boot().running, ports::FirmwareSlot::kA);
  EXPECT_EQ(this->store().boot().trial, ports::FirmwareTrial::kNone);
}

TYPED_TEST_P(FirmwareStoreContract, records_are_replaced_whole) {
  using ports::FirmwareRecord;
  FirmwareBytes room(64);
  const auto read = [&](FirmwareRecord record) {
    return this->store().read_record(record, {room.data(), room.size()});
  };
  EXPECT_EQ(read(FirmwareRecord::kPins0).error(), Status::kNotFound);
  EXPECT_TRUE(this->store().write_record(FirmwareRecord::kPins0, FirmwareBytes(40, 1)));
  EXPECT_TRUE(this->store().write_record(FirmwareRecord::kPins0, FirmwareBytes(7, 2)));
  this->restart();
  EXPECT_EQ(*read(FirmwareRecord::kPins0), 7U);
  EXPECT_EQ(room[6], 2);
  EXPECT_EQ(read(FirmwareRecord::kPins1).error(), Status::kNotFound);
  EXPECT_TRUE(this->store().write_record(FirmwareRecord::kState1, FirmwareBytes(65, 3)));
  EXPECT_EQ(read(FirmwareRecord::kState1).error(), Status::kTooLarge);
}

REGISTER_TYPED_TEST_SUITE_P(FirmwareStoreContract, a_new_one_runs_slot_a, blocks_are_read_as_written_and_stay,
                            nothing_is_written_beyond_a_slot_or_to_the_one_that_runs, a_trial_that_is_confirmed_stays,
                            a_trial_that_is_not_confirmed_is_over_at_the_next_start,
                            what_runs_may_be_confirmed_although_nobody_doubts_it, records_are_replaced_whole);

}  // namespace latchkey::test
