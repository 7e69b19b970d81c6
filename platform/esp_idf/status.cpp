// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/status.h"

#include <nvs.h>

namespace latchkey::esp_idf {

Status status_of(esp_err_t code) {
  switch (code) {
    case ESP_OK: return Status::kOk;
    case ESP_ERR_NVS_NOT_FOUND: return Status::kNotFound;
    case ESP_ERR_NVS_INVALID_LENGTH:
    case ESP_ERR_NVS_VALUE_TOO_LONG: return Status::kTooLarge;
    case ESP_ERR_NVS_NOT_ENOUGH_SPACE: return Status::kStorageFull;
    default: return Status::kStorageFailed;
  }
}

}  // namespace latchkey::esp_idf
