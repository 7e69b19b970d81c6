// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

typedef std::uint32_t TickType_t;
typedef int BaseType_t;

#define pdTRUE 1
#define pdFALSE 0
#define portMAX_DELAY 0xFFFFFFFFU
#define pdMS_TO_TICKS(ms) (static_cast<TickType_t>(ms) / 10U)  // 100 ticks a second, ESP-IDF's default
