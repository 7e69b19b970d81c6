// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

extern "C" std::uint32_t esp_random();
