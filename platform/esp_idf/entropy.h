// SPDX-License-Identifier: Apache-2.0
// esp_random(): true randomness while Wi-Fi is on, so make this and any key after the radio has started.
#pragma once

#include "platform/ports/entropy.h"

namespace latchkey::esp_idf {

class EspEntropy final : public ports::Entropy {
 public:
  std::uint32_t next() override;
};

}  // namespace latchkey::esp_idf
