// SPDX-License-Identifier: Apache-2.0
#include "platform/flash/boot_choice.h"

#include <array>

#include "platform/flash/sectors.h"

namespace latchkey::flash {
namespace {

constexpr std::uint32_t kMagic = 0x42464B4C;  // "LKFB"
constexpr std::size_t kEntries = kSectorSize / BootChoice::kEntrySize;

using Entry = std::array<std::uint8_t, BootChoice::kEntrySize>;

std::uint32_t check_of(std::uint32_t sequence, std::uint32_t choice) { return ~(kMagic ^ sequence ^ choice); }

bool is_blank(const Entry& entry) {
  for (const std::uint8_t byte : entry) {
    if (byte != 0xFF) return false;
  }
  return true;
}

// Its sequence; 0: torn, or none of ours.
std::uint32_t sequence_of(const Entry& entry) {
  const std::uint32_t sequence = get_u32(entry.data() + 4);
  const bool whole = get_u32(entry.data()) == kMagic &&
                     get_u32(entry.data() + 12) == check_of(sequence, get_u32(entry.data() + 8)) && entry[8] <= 1 &&
                     entry[9] <= 1 && entry[10] <= 2 && entry[11] == 0;
  return whole ? sequence : 0;
}

}  // namespace

Result<void> BootChoice::find_newest() {
  sequence_ = 0;
  choice_ = Choice();
  sector_ = next_ = 0;
  for (std::size_t sector = 0; sector < kSectors; ++sector) {
    std::size_t used = 0;
    bool newest_here = false;
    for (std::size_t i = 0; i < kEntries; ++i) {
      Entry entry;
      LATCHKEY_TRY_VOID(flash_.read(at_ + sector * kSectorSize + i * kEntrySize, entry));
      if (!is_blank(entry)) used = i + 1;
      if (sequence_of(entry) <= sequence_) continue;
      sequence_ = sequence_of(entry);
      choice_ = {static_cast<ports::FirmwareSlot>(entry[8]), static_cast<ports::FirmwareSlot>(entry[9]),
                 static_cast<State>(entry[10])};
      newest_here = true;
    }
    if (newest_here || sector == sector_) {
      sector_ = sector;
      next_ = used;
    }
  }
  return {};
}

Result<void> BootChoice::program(std::size_t sector, std::size_t entry, const Choice& choice) {
  const std::uint32_t word = static_cast<std::uint32_t>(choice.chosen) | static_cast<std::uint32_t>(choice.trial) << 8 |
                             static_cast<std::uint32_t>(choice.state) << 16;
  Entry bytes;
  put_u32(bytes.data(), kMagic);
  put_u32(bytes.data() + 4, sequence_ + 1);
  put_u32(bytes.data() + 8, word);
  put_u32(bytes.data() + 12, check_of(sequence_ + 1, word));
  return flash_.program(at_ + sector * kSectorSize + entry * kEntrySize, bytes);
}

Result<void> BootChoice::add(const Choice& choice) {
  std::size_t sector = sector_;
  std::size_t entry = next_;
  if (entry == kEntries) {
    sector = 1 - sector_;
    entry = 0;
    LATCHKEY_TRY(erased, make_blank(flash_, at_ + sector * kSectorSize, 1));
    erased_sectors_ += erased;
  } else {
    ++next_;  // whatever comes of it, these bytes are not programmed twice
  }
  LATCHKEY_TRY_VOID(program(sector, entry, choice));
  sector_ = sector;
  next_ = entry + 1;
  ++sequence_;
  choice_ = choice;
  return {};
}

Result<ports::FirmwareBoot> BootChoice::start() {
  LATCHKEY_TRY_VOID(find_newest());
  const Choice found = choice_;
  ports::FirmwareBoot boot{found.chosen, ports::FirmwareTrial::kNone};
  if (found.state == State::kPlanned && add({found.chosen, found.trial, State::kOnTrial})) {
    boot = {found.trial, ports::FirmwareTrial::kRunning};
  }
  if (found.state == State::kOnTrial) {
    boot.trial = ports::FirmwareTrial::kFailed;
    LATCHKEY_TRY_VOID(add({found.chosen, found.chosen, State::kSettled}));
  }
  return boot;
}

Result<void> BootChoice::try_next(ports::FirmwareSlot slot) { return add({choice_.chosen, slot, State::kPlanned}); }

Result<void> BootChoice::confirm(ports::FirmwareSlot running) { return add({running, running, State::kSettled}); }

}  // namespace latchkey::flash
