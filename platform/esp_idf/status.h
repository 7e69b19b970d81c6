// SPDX-License-Identifier: Apache-2.0
// ESP-IDF's codes as ours.
#pragma once

#include <esp_err.h>

#include "platform/base/status.h"

namespace latchkey::esp_idf {

// Of storage calls: not found, no room, too small a buffer; all else is kStorageFailed.
Status status_of(esp_err_t code);

inline Result<void> result_of(esp_err_t code) {
  if (code == ESP_OK) return {};
  return fail(status_of(code));
}

}  // namespace latchkey::esp_idf
