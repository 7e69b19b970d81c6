// SPDX-License-Identifier: Apache-2.0
// Wi-Fi as a station, and the time from the network. Joined again by itself whenever it is lost.
#pragma once

#include <cstdint>

namespace latchkey::boards::esp32 {

// Turns the radio on and begins to join. Null, or a sentence. Once, after nvs_flash_init().
const char* start_wifi(const char* name, const char* password);
// Waits for an address, up to that time.
bool wait_for_address(std::uint32_t wait_ms);

// Begins to ask, and goes on asking every hour. After start_wifi(). False when there is no memory.
bool start_time();
// Waits until the wall clock was set, up to that time.
bool wait_for_time(std::uint32_t wait_ms);

}  // namespace latchkey::boards::esp32
