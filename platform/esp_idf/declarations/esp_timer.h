// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

extern "C" std::int64_t esp_timer_get_time();  // microseconds since the start
