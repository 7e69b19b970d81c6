// SPDX-License-Identifier: Apache-2.0
// Firmware slots on raw flash: the boot choice, the records, two slots, one behind the other.
//
//   region = boot-choice 6record slot-a slot-b   ; whole sectors
//   record = header payload                      ; kRecordSectors sectors, erased where nothing was written
//   header = magic length check                  ; three little-endian 32-bit numbers; check = ~(magic ^ length)
//
// A record has one place: it is erased before it is written anew, its header last, so that a cut leaves the old one,
// the new one, or none. A block is a sector. One thread.
#pragma once

#include "platform/flash/boot_choice.h"

namespace latchkey::flash {

class FlashFirmwareStore final : public ports::FirmwareStore {
 public:
  static constexpr std::size_t kHeaderSize = 12;
  static constexpr std::size_t kRecordSectors = 2;
  static constexpr std::size_t kRecordsAt = BootChoice::kRegionSize;
  static constexpr std::size_t kSlotsAt = kRecordsAt + ports::kFirmwareRecords * kRecordSectors * kSectorSize;
  static constexpr std::size_t region_size(std::size_t slot_size) { return kSlotsAt + 2 * slot_size; }

  // `flash` has region_size(slot_size) bytes and outlives the store; `slot_size` is a multiple of kBlockSize.
  FlashFirmwareStore(Flash& flash, std::size_t slot_size) : flash_(flash), slot_size_(slot_size), choice_(flash) {}

  // The boot loader's part (BootChoice::start). Once, before anything else.
  Result<void> start();

  std::uint64_t slot_size() const override { return slot_size_; }
  ports::FirmwareBoot boot() const override { return boot_; }
  Result<void> write_block(ports::FirmwareSlot slot, std::uint32_t block, ByteView bytes) override;
  Result<void> read_block(ports::FirmwareSlot slot, std::uint32_t block, MutableBytes out) override;
  Result<void> try_next(ports::FirmwareSlot slot) override { return choice_.try_next(slot); }
  Result<void> confirm() override;
  Result<std::size_t> read_record(ports::FirmwareRecord record, MutableBytes out) override;
  Result<void> write_record(ports::FirmwareRecord record, ByteView bytes) override;

  // Wear since construction: blocks and records written.
  std::uint32_t writes() const { return writes_; }

 private:
  Result<std::size_t> place_of(ports::FirmwareSlot slot, std::uint32_t block, std::size_t size) const;

  Flash& flash_;
  const std::size_t slot_size_;
  BootChoice choice_;
  ports::FirmwareBoot boot_;
  std::uint32_t writes_ = 0;
};

}  // namespace latchkey::flash
