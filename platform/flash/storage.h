// SPDX-License-Identifier: Apache-2.0
// The records of a device on raw flash. Every item has two banks; a write goes to the empty one, its header last, and
// then the other is erased, so that a cut leaves the old record or the new one, and no retired key stays readable.
//
//   bank   = header payload              ; kBankSectors sectors, erased where nothing was written
//   header = magic sequence length check ; four little-endian 32-bit numbers; check = ~(magic ^ sequence ^ length)
//
// The bank with the higher sequence counts when both are valid (the power failed before the other was erased).
// Bit rot in the payload is the record's own checksum's business. One thread.
#pragma once

#include "platform/flash/flash.h"
#include "platform/ports/storage.h"

namespace latchkey::flash {

class FlashStorage final : public ports::Storage {
 public:
  static constexpr std::size_t kBankSectors = 3;
  static constexpr std::size_t kBankSize = kBankSectors * kSectorSize;
  static constexpr std::size_t kHeaderSize = 16;
  static constexpr std::size_t kMaxItem = kBankSize - kHeaderSize;
  static constexpr std::size_t kItems = 3;
  static constexpr std::size_t kRegionSize = kItems * 2 * kBankSize;

  // `flash` has kRegionSize bytes and outlives the storage.
  explicit FlashStorage(Flash& flash) : flash_(flash) {}

  Result<std::size_t> read(ports::Item item, MutableBytes out) override;
  // kTooLarge beyond kMaxItem.
  Result<void> write(ports::Item item, ByteView bytes) override;
  Result<void> erase(ports::Item item) override;

  // Wear since construction: records written, sectors erased.
  std::uint32_t writes() const { return writes_; }
  std::uint32_t erased_sectors() const { return erased_sectors_; }

 private:
  struct Header {
    bool valid = false;
    std::uint32_t sequence = 0;
    std::uint32_t length = 0;
  };
  struct Newest {
    int bank = -1;  // -1: there is none
    Header header;
  };

  Result<Header> read_header(std::size_t bank_at);
  Result<Newest> find(ports::Item item);
  Result<void> erase_bank(std::size_t bank_at);

  Flash& flash_;
  std::uint32_t writes_ = 0;
  std::uint32_t erased_sectors_ = 0;
};

}  // namespace latchkey::flash
