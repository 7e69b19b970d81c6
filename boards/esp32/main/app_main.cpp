// SPDX-License-Identifier: Apache-2.0
// Where ESP-IDF begins. NVS, settings, radio, time, agent; then the loop, which feeds the watchdog and never ends.
#include <esp_task_wdt.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#include <nvs_flash.h>
#include <sdkconfig.h>

#include "boards/esp32/main/device.h"
#include "boards/esp32/main/network.h"

#ifndef CONFIG_MBEDTLS_HAVE_TIME_DATE
#error "CONFIG_MBEDTLS_HAVE_TIME_DATE is wanted: without it an expired server certificate would do"
#endif

namespace latchkey::boards::esp32 {
namespace {

constexpr std::uint32_t kStepMs = 10'000;
constexpr std::uint32_t kTimeWithinMs = 60'000;

// A mistake of configuration is not mended by a restart: it is said again and again, for whoever comes with a terminal.
[[noreturn]] void give_up(const char* why) {
  for (;;) {
    Narrator::to_console(why);
    vTaskDelay(pdMS_TO_TICKS(kStepMs));
  }
}

[[noreturn]] void run() {
  // Not erased when it cannot be read, as examples do: the identity lies in it.
  if (nvs_flash_init() != ESP_OK) give_up("halted: the partition `nvs` cannot be read; idf.py erase-flash starts anew");
  static Settings settings;
  if (const char* problem = settings.load()) give_up(problem);
  if (const char* problem = start_wifi(settings.wifi_name(), settings.wifi_password())) give_up(problem);
  static Device device(settings);
  while (!wait_for_address(kStepMs)) device.narrator().say("waiting for Wi-Fi and an address");
  if (!start_time()) give_up("halted: SNTP does not start");
  // Without the time every server certificate is not yet valid. The agent tries all the same: SNTP goes on asking.
  if (!wait_for_time(kTimeWithinMs)) device.narrator().say("no time from the network yet");
  if (const char* problem = device.start()) give_up(problem);
  settings.forget_key();
  (void)esp_task_wdt_add(nullptr);
  for (;;) {
    device.turn();
    (void)esp_task_wdt_reset();
  }
}

}  // namespace
}  // namespace latchkey::boards::esp32

extern "C" void app_main() { latchkey::boards::esp32::run(); }
