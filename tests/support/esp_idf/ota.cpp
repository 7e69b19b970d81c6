// SPDX-License-Identifier: Apache-2.0
#include "tests/support/esp_idf/ota.h"

#include <esp_ota_ops.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace latchkey::test::esp {
namespace {

constexpr std::size_t kSector = 4096;

// One of the two records of otadata: the higher sequence is booted, its parity names the slot.
struct Entry {
  std::uint32_t sequence;
  esp_ota_img_states_t state;
  int slot() const { return static_cast<int>((sequence - 1) % 2); }
};

struct Flash {
  std::array<esp_partition_t, 2> partitions{};
  std::array<std::vector<std::uint8_t>, 2> slots;
  std::array<std::optional<Entry>, 2> entries;
  int running = 0;
  unsigned changes = 0;
  unsigned cut_at = 0;
  bool power = true;

  int index_of(const esp_partition_t* partition) const { return partition == &partitions[1] ? 1 : 0; }
  bool bootable(int slot) const {
    const auto& bytes = slots[static_cast<std::size_t>(slot)];
    return !bytes.empty() && bytes[0] == kImageMagic;
  }
  // As the boot loader chooses: what was given up does not count.
  int active() const {
    int best = -1;
    for (int i = 0; i < 2; ++i) {
      const auto& entry = entries[static_cast<std::size_t>(i)];
      if (!entry || entry->state == ESP_OTA_IMG_INVALID || entry->state == ESP_OTA_IMG_ABORTED) continue;
      if (best < 0 || entry->sequence > entries[static_cast<std::size_t>(best)]->sequence) best = i;
    }
    return best;
  }
  bool admit() {
    if (power && ++changes == cut_at) power = false;
    return power;
  }
};

Flash& flash() {
  static Flash held;
  return held;
}

void boot_active() {
  Flash& at = flash();
  const int active = at.active();
  if (active < 0) {
    at.running = 0;
    return;
  }
  Entry& entry = *at.entries[static_cast<std::size_t>(active)];
  if (!at.bootable(entry.slot())) {
    at.running = 1 - entry.slot();
    return;
  }
  if (entry.state == ESP_OTA_IMG_NEW) entry.state = ESP_OTA_IMG_PENDING_VERIFY;
  at.running = entry.slot();
}

}  // namespace

Ota& Ota::the() {
  static Ota held;
  return held;
}

void Ota::reset(std::uint32_t slot_size) {
  flash() = Flash();
  for (std::size_t i = 0; i < 2; ++i) {
    flash().partitions[i] = {ESP_PARTITION_TYPE_APP,
                             i == 0 ? ESP_PARTITION_SUBTYPE_APP_OTA_0 : ESP_PARTITION_SUBTYPE_APP_OTA_1, slot_size};
    flash().slots[i].assign(slot_size, 0xFF);
  }
  flash().slots[0][0] = kImageMagic;
  flash().entries[0] = Entry{1, ESP_OTA_IMG_VALID};  // the boot loader writes it at the first start
}

void Ota::restart() {
  Flash& at = flash();
  at.power = true;
  at.cut_at = 0;
  for (auto& entry : at.entries) {
    if (entry && entry->state == ESP_OTA_IMG_PENDING_VERIFY) entry->state = ESP_OTA_IMG_ABORTED;
  }
  boot_active();
}

std::vector<std::uint8_t>& Ota::slot(int index) { return flash().slots[static_cast<std::size_t>(index)]; }
int Ota::running() const { return flash().running; }
void Ota::cut_power_at(unsigned change) { flash().cut_at = flash().changes + change; }
bool Ota::has_power() const { return flash().power; }
void Ota::resize_second(std::uint32_t size) {
  flash().partitions[1].size = size;
  flash().slots[1].assign(size, 0xFF);
}

}  // namespace latchkey::test::esp

using namespace latchkey::test::esp;  // NOLINT(google-build-using-namespace): the vendor's names are outside

const esp_partition_t* esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char*) {
  for (const auto& partition : flash().partitions) {
    if (partition.type == type && partition.subtype == subtype && partition.size > 0) return &partition;
  }
  return nullptr;
}

esp_err_t esp_partition_read(const esp_partition_t* partition, std::size_t offset, void* out, std::size_t size) {
  const auto& bytes = flash().slots[static_cast<std::size_t>(flash().index_of(partition))];
  if (offset + size > bytes.size()) return ESP_ERR_INVALID_SIZE;
  std::memcpy(out, bytes.data() + offset, size);
  return ESP_OK;
}

esp_err_t esp_partition_write(const esp_partition_t* partition, std::size_t offset, const void* from,
                              std::size_t size) {
  auto& bytes = flash().slots[static_cast<std::size_t>(flash().index_of(partition))];
  if (offset + size > bytes.size()) return ESP_ERR_INVALID_SIZE;
  const bool whole = flash().admit();
  for (std::size_t i = 0; i < (whole ? size : size / 2); ++i) {
    bytes[offset + i] &= static_cast<const std::uint8_t*>(from)[i];
  }
  return whole ? ESP_OK : ESP_FAIL;
}

esp_err_t esp_partition_erase_range(const esp_partition_t* partition, std::size_t offset, std::size_t size) {
  auto& bytes = flash().slots[static_cast<std::size_t>(flash().index_of(partition))];
  if (offset % kSector != 0 || size % kSector != 0) return ESP_ERR_INVALID_ARG;
  if (offset + size > bytes.size()) return ESP_ERR_INVALID_SIZE;
  if (!flash().admit()) return ESP_FAIL;
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), size, 0xFF);
  return ESP_OK;
}

const esp_partition_t* esp_ota_get_running_partition() {
  return &flash().partitions[static_cast<std::size_t>(flash().running)];
}

const esp_partition_t* esp_ota_get_boot_partition() {
  const int active = flash().active();
  const int slot = active < 0 ? 0 : flash().entries[static_cast<std::size_t>(active)]->slot();
  return &flash().partitions[static_cast<std::size_t>(slot)];
}

esp_err_t esp_ota_set_boot_partition(const esp_partition_t* partition) {
  Flash& at = flash();
  const int slot = at.index_of(partition);
  if (!at.bootable(slot)) return ESP_ERR_OTA_VALIDATE_FAILED;
  if (!at.admit()) return ESP_FAIL;
  const int active = at.active();
  if (active < 0) return ESP_FAIL;
  Entry& now = *at.entries[static_cast<std::size_t>(active)];
  if (now.slot() == slot) {
    now.state = ESP_OTA_IMG_NEW;
  } else {
    at.entries[static_cast<std::size_t>(1 - active)] = Entry{now.sequence + 1, ESP_OTA_IMG_NEW};
  }
  return ESP_OK;
}

esp_err_t esp_ota_get_state_partition(const esp_partition_t* partition, esp_ota_img_states_t* state) {
  for (const auto& entry : flash().entries) {
    if (entry && entry->slot() == flash().index_of(partition)) {
      *state = entry->state;
      return ESP_OK;
    }
  }
  return ESP_ERR_NOT_FOUND;
}

// Of the slot that is to be booted, whichever that is: the trap that the real one has.
esp_err_t esp_ota_mark_app_valid_cancel_rollback() {
  Flash& at = flash();
  const int active = at.active();
  if (active < 0) return ESP_FAIL;
  if (!at.admit()) return ESP_FAIL;
  at.entries[static_cast<std::size_t>(active)]->state = ESP_OTA_IMG_VALID;
  return ESP_OK;
}

esp_err_t esp_ota_invalidate_inactive_ota_data_slot() {
  Flash& at = flash();
  const int active = at.active();
  if (active < 0) return ESP_FAIL;
  auto& other = at.entries[static_cast<std::size_t>(1 - active)];
  if (!other || other->slot() == at.running) return ESP_FAIL;
  if (!at.admit()) return ESP_FAIL;
  other.reset();
  return ESP_OK;
}
