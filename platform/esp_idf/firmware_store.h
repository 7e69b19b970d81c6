// SPDX-License-Identifier: Apache-2.0
// Firmware slots are the partitions ota_0 and ota_1, the records are blobs in NVS, and the boot loader's promise is
// ESP-IDF's rollback (CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE; without it this does not compile).
//
// Blocks are erased and written in place, in any order, so that a download goes on after a restart; esp_ota_begin would
// want them in one go. Beyond the port: while the running slot is on trial the other one is the way back, so
// write_block and try_next are kRefused; try_next wants an image that the boot loader would take, else kCorrupt.
// One thread.
#pragma once

#include <esp_ota_ops.h>

#include <array>

#include "platform/esp_idf/nvs_space.h"
#include "platform/ports/firmware_store.h"

namespace latchkey::esp_idf {

class EspFirmwareStore final : public ports::FirmwareStore {
 public:
  static constexpr const char* kNamespace = "latchkey-fw";

  // After nvs_flash_init(). kUnsupported: the partition table has no two slots of one size, or something else runs.
  // kStorageFailed.
  Result<void> open();

  std::uint64_t slot_size() const override { return slot_size_; }
  ports::FirmwareBoot boot() const override { return boot_; }
  Result<void> write_block(ports::FirmwareSlot slot, std::uint32_t block, ByteView bytes) override;
  Result<void> read_block(ports::FirmwareSlot slot, std::uint32_t block, MutableBytes out) override;
  Result<void> try_next(ports::FirmwareSlot slot) override;
  Result<void> confirm() override;
  Result<std::size_t> read_record(ports::FirmwareRecord record, MutableBytes out) override;
  Result<void> write_record(ports::FirmwareRecord record, ByteView bytes) override;

 private:
  const esp_partition_t* partition(ports::FirmwareSlot slot) const { return slots_[static_cast<std::size_t>(slot)]; }
  Result<void> find_trial();
  Result<void> check_range(std::uint32_t block, std::size_t size) const;

  NvsSpace space_;
  std::array<const esp_partition_t*, 2> slots_{};
  std::uint64_t slot_size_ = 0;
  ports::FirmwareBoot boot_;
};

}  // namespace latchkey::esp_idf
