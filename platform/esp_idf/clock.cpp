// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/clock.h"

#include <esp_timer.h>
#include <sys/time.h>

namespace latchkey::esp_idf {
namespace {

constexpr UnixMs kPlausible = 1'767'225'600'000;  // 2026-01-01

}  // namespace

UnixMs EspClock::now() const {
  timeval time{};
  gettimeofday(&time, nullptr);
  return static_cast<UnixMs>(time.tv_sec) * 1000 + time.tv_usec / 1000;
}

ports::MonotonicMs EspClock::monotonic() const { return static_cast<ports::MonotonicMs>(esp_timer_get_time()) / 1000; }

bool EspClock::is_set() const { return now() >= kPlausible; }

}  // namespace latchkey::esp_idf
