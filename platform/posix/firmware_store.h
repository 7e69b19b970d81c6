// SPDX-License-Identifier: Apache-2.0
// Firmware slots as files of one directory, for hosts that play a device: slot-a.img and slot-b.img of full size, the
// records (state-0, state-1, pins-0, ...), and `boot`, the boot loader's own word. All 0600.
//
// open() is the boot loader: it decides which slot this start runs. Blocks are written in place and synced; records and
// `boot` are written as platform/files does it, whole. The directory belongs to one process at a time (flock on
// .lock). Not thread-safe.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "platform/files/descriptor.h"
#include "platform/ports/firmware_store.h"

namespace latchkey::posix {

class PosixFirmwareStore final : public ports::FirmwareStore {
 public:
  // Makes the directory (0700) and the slots if they are not there; `slot_size` is a multiple of kBlockSize
  // (kInvalidArgument), and that of slots which are there already (kMismatch).
  // kBusy: another process has it. kRefused: it is not a directory of this user's, or others may write to it.
  // kStorageFailed, kStorageFull: as they say. A damaged `boot` counts as none: slot A.
  static Result<std::unique_ptr<PosixFirmwareStore>> open(const std::string& directory, std::uint64_t slot_size);

  std::uint64_t slot_size() const override { return slot_size_; }
  ports::FirmwareBoot boot() const override { return boot_; }
  Result<void> write_block(ports::FirmwareSlot slot, std::uint32_t block, ByteView bytes) override;
  Result<void> read_block(ports::FirmwareSlot slot, std::uint32_t block, MutableBytes out) override;
  Result<void> try_next(ports::FirmwareSlot slot) override;
  Result<void> confirm() override;
  Result<std::size_t> read_record(ports::FirmwareRecord record, MutableBytes out) override;
  Result<void> write_record(ports::FirmwareRecord record, ByteView bytes) override;

  // Where the image is.
  std::string path(ports::FirmwareSlot slot) const;

 private:
  // What the boot loader remembers: the slot that is run for good, and one that is planned or on trial.
  struct Choice {
    ports::FirmwareSlot chosen = ports::FirmwareSlot::kA;
    ports::FirmwareSlot trial = ports::FirmwareSlot::kA;
    enum class Trial : char { kNone = '-', kPlanned = 'p', kRunning = 'r' } state = Trial::kNone;
  };
  PosixFirmwareStore(std::string directory, std::uint64_t slot_size, files::Descriptor folder, files::Descriptor lock)
      : directory_(std::move(directory)), slot_size_(slot_size), folder_(std::move(folder)), lock_(std::move(lock)) {}

  Result<void> open_slots();
  Result<void> start();
  Choice read_choice();
  Result<void> write_choice(const Choice& choice);
  Result<void> check_range(std::uint32_t block, std::size_t size) const;

  const std::string directory_;
  const std::uint64_t slot_size_;
  const files::Descriptor folder_;
  const files::Descriptor lock_;  // closed, and with it the lock
  std::array<files::Descriptor, 2> slots_;
  ports::FirmwareBoot boot_;
  Choice choice_;
};

}  // namespace latchkey::posix
