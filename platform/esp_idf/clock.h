// SPDX-License-Identifier: Apache-2.0
// Time on an ESP32: the wall clock that SNTP sets and that a soft reset keeps, and the timer that counts from the
// start.
#pragma once

#include "platform/ports/clock.h"

namespace latchkey::esp_idf {

class EspClock final : public ports::Clock {
 public:
  UnixMs now() const override;
  ports::MonotonicMs monotonic() const override;
  // False while the wall clock is before this program could have been written: it starts in 1970.
  bool is_set() const override;
};

}  // namespace latchkey::esp_idf
