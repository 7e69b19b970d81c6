// SPDX-License-Identifier: Apache-2.0
// The records of a device in NVS. To overwrite a blob can lose the old bytes and the new ones (40 of 20,573 power cuts
// did), so every item has two keys: a write goes to the one that does not hold the newest, is read back, and only then
// the older is erased.
//
//   blob     = header payload
//   header   = magic sequence length check ; four little-endian 32-bit numbers; check = CRC-32 of the rest and payload
//
// Of two whole blobs the one with the higher sequence counts. What is erased stays readable in flash until NVS needs
// the room: only NVS encryption keeps a retired key from who takes the chip off its board. One thread.
#pragma once

#include <array>

#include "platform/esp_idf/nvs_space.h"
#include "platform/ports/storage.h"

namespace latchkey::esp_idf {

class NvsStorage final : public ports::Storage {
 public:
  static constexpr std::size_t kHeaderSize = 16;
  static constexpr std::size_t kMaxItem = 8192;
  static constexpr const char* kNamespace = "latchkey";

  // After nvs_flash_init(). kStorageFailed.
  Result<void> open() { return space_.open(kNamespace); }

  Result<std::size_t> read(ports::Item item, MutableBytes out) override;
  // kTooLarge beyond kMaxItem; kStorageFull and kCorrupt (what was read back is something else) change nothing.
  Result<void> write(ports::Item item, ByteView bytes) override;
  Result<void> erase(ports::Item item) override;

  // Records written since construction.
  std::uint32_t writes() const { return writes_; }

 private:
  struct Header {
    std::uint32_t sequence = 0;
    std::uint32_t length = 0;
  };
  struct Newest {
    int bank = -1;  // -1: there is none
    Header header;
  };
  // Leaves the blob in blob_. kNotFound, kCorrupt, kStorageFailed.
  Result<Header> load(ports::Item item, int bank);
  Result<Newest> find(ports::Item item);

  NvsSpace space_;
  std::array<std::uint8_t, kHeaderSize + kMaxItem> blob_;  // wiped after each call: it holds keys
  std::uint32_t writes_ = 0;
};

}  // namespace latchkey::esp_idf
