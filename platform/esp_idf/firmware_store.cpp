// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/firmware_store.h"

#include <sdkconfig.h>

#include "platform/esp_idf/status.h"

#ifndef CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE
#error "CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE is wanted: without it an image that does not start is run for ever"
#endif

namespace latchkey::esp_idf {
namespace {

constexpr const char* kRecords[] = {"state-0", "state-1", "pins-0", "pins-1", "revocations-0", "revocations-1"};
constexpr const char* kTrial = "trial";  // the slot that was to be tried; told once when it failed

const char* name_of(ports::FirmwareRecord record) { return kRecords[static_cast<std::size_t>(record)]; }

bool was_given_up(const esp_partition_t* partition) {
  esp_ota_img_states_t state;
  if (esp_ota_get_state_partition(partition, &state) != ESP_OK) return false;
  return state == ESP_OTA_IMG_ABORTED || state == ESP_OTA_IMG_INVALID;
}

bool is_on_trial(const esp_partition_t* partition) {
  esp_ota_img_states_t state;
  return esp_ota_get_state_partition(partition, &state) == ESP_OK && state == ESP_OTA_IMG_PENDING_VERIFY;
}

}  // namespace

Result<void> EspFirmwareStore::open() {
  slots_[0] = esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_OTA_0, nullptr);
  slots_[1] = esp_partition_find_first(ESP_PARTITION_TYPE_APP, ESP_PARTITION_SUBTYPE_APP_OTA_1, nullptr);
  if (slots_[0] == nullptr || slots_[1] == nullptr || slots_[0]->size != slots_[1]->size) {
    return fail(Status::kUnsupported);
  }
  slot_size_ = slots_[0]->size / kBlockSize * kBlockSize;
  const esp_partition_t* const running = esp_ota_get_running_partition();
  if (running == nullptr) return fail(Status::kUnsupported);
  if (running->subtype != slots_[0]->subtype && running->subtype != slots_[1]->subtype) {
    return fail(Status::kUnsupported);
  }
  boot_.running = running->subtype == slots_[1]->subtype ? ports::FirmwareSlot::kB : ports::FirmwareSlot::kA;
  LATCHKEY_TRY_VOID(space_.open(kNamespace));
  return find_trial();
}

// The boot loader keeps the state of a slot that it gave up for ever; that it did so at this start is told by our note.
Result<void> EspFirmwareStore::find_trial() {
  boot_.trial = ports::FirmwareTrial::kNone;
  if (is_on_trial(partition(boot_.running))) {
    boot_.trial = ports::FirmwareTrial::kRunning;
    return {};
  }
  const auto tried = space_.read_number(kTrial);
  if (!tried) return tried.error() == Status::kNotFound ? Result<void>() : fail(tried.error());
  const auto slot = *tried == 0 ? ports::FirmwareSlot::kA : ports::FirmwareSlot::kB;
  if (slot != boot_.running && was_given_up(partition(slot))) boot_.trial = ports::FirmwareTrial::kFailed;
  return space_.erase(kTrial);
}

Result<void> EspFirmwareStore::check_range(std::uint32_t block, std::size_t size) const {
  if (size > kBlockSize || (std::uint64_t{block} + 1) * kBlockSize > slot_size_) return fail(Status::kTooLarge);
  return {};
}

Result<void> EspFirmwareStore::write_block(ports::FirmwareSlot slot, std::uint32_t block, ByteView bytes) {
  if (slot == boot_.running || boot_.trial == ports::FirmwareTrial::kRunning) return fail(Status::kRefused);
  LATCHKEY_TRY_VOID(check_range(block, bytes.size()));
  const std::size_t at = std::size_t{block} * kBlockSize;
  LATCHKEY_TRY_VOID(result_of(esp_partition_erase_range(partition(slot), at, kBlockSize)));
  if (bytes.empty()) return {};
  return result_of(esp_partition_write(partition(slot), at, bytes.data(), bytes.size()));
}

Result<void> EspFirmwareStore::read_block(ports::FirmwareSlot slot, std::uint32_t block, MutableBytes out) {
  LATCHKEY_TRY_VOID(check_range(block, out.size()));
  if (out.size() == 0) return {};
  return result_of(esp_partition_read(partition(slot), std::size_t{block} * kBlockSize, out.data(), out.size()));
}

Result<void> EspFirmwareStore::try_next(ports::FirmwareSlot slot) {
  if (boot_.trial == ports::FirmwareTrial::kRunning) return fail(Status::kRefused);
  if (slot != boot_.running) {
    // What the boot loader last thought of that slot must not be read as a verdict on what lies there now. It says
    // failure when there was nothing to forget.
    (void)esp_ota_invalidate_inactive_ota_data_slot();
    if (was_given_up(partition(slot))) return fail(Status::kStorageFailed);
    LATCHKEY_TRY_VOID(space_.write_number(kTrial, static_cast<std::uint8_t>(slot)));
  }
  const esp_err_t set = esp_ota_set_boot_partition(partition(slot));
  if (set == ESP_ERR_OTA_VALIDATE_FAILED) return fail(Status::kCorrupt);
  return result_of(set);
}

Result<void> EspFirmwareStore::confirm() {
  const esp_partition_t* const running = partition(boot_.running);
  const esp_partition_t* const chosen = esp_ota_get_boot_partition();
  // The call below speaks of the slot that is to be booted, which after try_next() is the other one.
  if (chosen == nullptr || chosen->subtype != running->subtype) {
    LATCHKEY_TRY_VOID(result_of(esp_ota_set_boot_partition(running)));
  }
  esp_ota_img_states_t state;
  if (esp_ota_get_state_partition(running, &state) == ESP_OK) {
    LATCHKEY_TRY_VOID(result_of(esp_ota_mark_app_valid_cancel_rollback()));
  }  // else the image of the factory, which nobody has to confirm
  LATCHKEY_TRY_VOID(space_.erase(kTrial));
  boot_.trial = ports::FirmwareTrial::kNone;
  return {};
}

Result<std::size_t> EspFirmwareStore::read_record(ports::FirmwareRecord record, MutableBytes out) {
  return space_.read(name_of(record), out);
}

Result<void> EspFirmwareStore::write_record(ports::FirmwareRecord record, ByteView bytes) {
  if (bytes.size() > kRecordMax) return fail(Status::kTooLarge);
  return space_.write(name_of(record), bytes);
}

}  // namespace latchkey::esp_idf
