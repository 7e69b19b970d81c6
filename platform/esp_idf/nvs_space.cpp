// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/nvs_space.h"

#include "platform/esp_idf/status.h"

namespace latchkey::esp_idf {

Result<void> NvsSpace::open(const char* name) {
  close();
  const auto opened = result_of(nvs_open(name, NVS_READWRITE, &handle_));
  open_ = opened.has_value();
  return opened;
}

Result<void> NvsSpace::open_to_read(const char* partition, const char* name) {
  close();
  const auto opened = result_of(nvs_open_from_partition(partition, name, NVS_READONLY, &handle_));
  open_ = opened.has_value();
  return opened;
}

void NvsSpace::close() {
  if (open_) nvs_close(handle_);
  open_ = false;
}

Result<std::size_t> NvsSpace::read(const char* key, MutableBytes out) const {
  if (!open_) return fail(Status::kStorageFailed);
  std::size_t size = 0;
  LATCHKEY_TRY_VOID(result_of(nvs_get_blob(handle_, key, nullptr, &size)));
  if (size > out.size()) return fail(Status::kTooLarge);
  if (size > 0) LATCHKEY_TRY_VOID(result_of(nvs_get_blob(handle_, key, out.data(), &size)));
  return size;
}

Result<void> NvsSpace::write(const char* key, ByteView bytes) {
  if (!open_) return fail(Status::kStorageFailed);
  LATCHKEY_TRY_VOID(result_of(nvs_set_blob(handle_, key, bytes.data(), bytes.size())));
  return result_of(nvs_commit(handle_));
}

Result<void> NvsSpace::erase(const char* key) {
  if (!open_) return fail(Status::kStorageFailed);
  const esp_err_t erased = nvs_erase_key(handle_, key);
  if (erased == ESP_ERR_NVS_NOT_FOUND) return {};
  LATCHKEY_TRY_VOID(result_of(erased));
  return result_of(nvs_commit(handle_));
}

Result<std::string_view> NvsSpace::read_text(const char* key, MutableBytes out) const {
  if (!open_) return fail(Status::kStorageFailed);
  std::size_t size = out.size();
  auto* const text = reinterpret_cast<char*>(out.data());
  LATCHKEY_TRY_VOID(result_of(nvs_get_str(handle_, key, text, &size)));
  if (size == 0) return fail(Status::kCorrupt);
  return std::string_view(text, size - 1);
}

Result<std::uint8_t> NvsSpace::read_number(const char* key) const {
  if (!open_) return fail(Status::kStorageFailed);
  std::uint8_t number = 0;
  LATCHKEY_TRY_VOID(result_of(nvs_get_u8(handle_, key, &number)));
  return number;
}

Result<void> NvsSpace::write_number(const char* key, std::uint8_t number) {
  if (!open_) return fail(Status::kStorageFailed);
  LATCHKEY_TRY_VOID(result_of(nvs_set_u8(handle_, key, number)));
  return result_of(nvs_commit(handle_));
}

}  // namespace latchkey::esp_idf
