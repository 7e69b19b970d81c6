// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/entropy.h"

#include <esp_random.h>

namespace latchkey::esp_idf {

std::uint32_t EspEntropy::next() { return esp_random(); }

}  // namespace latchkey::esp_idf
