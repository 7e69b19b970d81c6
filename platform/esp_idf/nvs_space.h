// SPDX-License-Identifier: Apache-2.0
// One namespace of NVS, open as long as the object lives. Names and keys have at most 15 characters.
#pragma once

#include <nvs.h>

#include "platform/base/bytes.h"

namespace latchkey::esp_idf {

class NvsSpace {
 public:
  NvsSpace() = default;
  ~NvsSpace() { close(); }
  NvsSpace(const NvsSpace&) = delete;
  NvsSpace& operator=(const NvsSpace&) = delete;

  // Of the partition "nvs", which nvs_flash_init() has made ready. kStorageFailed.
  Result<void> open(const char* name);
  // Read only. kNotFound when nothing was ever written under that name.
  Result<void> open_to_read(const char* partition, const char* name);
  void close();

  // Bytes read. kNotFound, kTooLarge, kStorageFailed, as those below.
  Result<std::size_t> read(const char* key, MutableBytes out) const;
  // Flash holds it when this returns. Not safe over the only copy: a cut can lose the old bytes and the new ones.
  Result<void> write(const char* key, ByteView bytes);
  // Also a success when there was nothing.
  Result<void> erase(const char* key);
  // A text without its terminating zero, which is written too.
  Result<std::string_view> read_text(const char* key, MutableBytes out) const;
  Result<std::uint8_t> read_number(const char* key) const;
  Result<void> write_number(const char* key, std::uint8_t number);

 private:
  nvs_handle_t handle_ = 0;
  bool open_ = false;
};

}  // namespace latchkey::esp_idf
