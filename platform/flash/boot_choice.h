// SPDX-License-Identifier: Apache-2.0
// Which firmware slot is run, as boot loader and agent tell each other through two sectors of flash. An entry is added
// for every change, and the newest one that is whole counts, so that a cut leaves the old choice or the new one; a full
// sector is left for the other one, which is erased first.
//
//   entry = magic sequence choice check   ; four little-endian 32-bit numbers; check = ~(magic ^ sequence ^ choice)
//   choice = chosen trial state           ; one byte each, and a zero
//
// A boot loader calls start() and runs what it says; on a board without one the agent does so first of all. One thread.
#pragma once

#include "platform/flash/flash.h"
#include "platform/ports/firmware_store.h"

namespace latchkey::flash {

class BootChoice {
 public:
  static constexpr std::size_t kSectors = 2;
  static constexpr std::size_t kRegionSize = kSectors * kSectorSize;
  static constexpr std::size_t kEntrySize = 16;

  // The region begins at `at`. `flash` outlives this.
  explicit BootChoice(Flash& flash, std::size_t at = 0) : flash_(flash), at_(at) {}

  // A slot that is planned is on trial from here on, and that is on record before it runs; one that was on trial and
  // not confirmed is given up. A choice that cannot be put on record is not followed: the chosen slot is run. As Flash.
  Result<ports::FirmwareBoot> start();

  // As FirmwareStore's; after start().
  Result<void> try_next(ports::FirmwareSlot slot);
  Result<void> confirm(ports::FirmwareSlot running);

  std::uint32_t erased_sectors() const { return erased_sectors_; }

 private:
  enum class State : std::uint8_t { kSettled = 0, kPlanned = 1, kOnTrial = 2 };
  struct Choice {
    ports::FirmwareSlot chosen = ports::FirmwareSlot::kA;
    ports::FirmwareSlot trial = ports::FirmwareSlot::kA;
    State state = State::kSettled;
  };

  Result<void> find_newest();
  Result<void> add(const Choice& choice);
  Result<void> program(std::size_t sector, std::size_t entry, const Choice& choice);

  Flash& flash_;
  const std::size_t at_;
  Choice choice_;
  std::uint32_t sequence_ = 0;  // of the newest entry; 0: there is none
  std::size_t sector_ = 0;      // where it is
  std::size_t next_ = 0;        // the entry behind the last one there that is not blank
  std::uint32_t erased_sectors_ = 0;
};

}  // namespace latchkey::flash
