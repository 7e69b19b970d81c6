// SPDX-License-Identifier: Apache-2.0
// Where ESP-IDF begins. NVS, settings, radio, time, agent; then the loop, which feeds the watchdog and never ends.
#include <esp_ota_ops.h>
#include <esp_system.h>
#include <esp_task_wdt.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#include <nvs_flash.h>
#include <sdkconfig.h>

#include "boards/esp32/main/console.h"
#include "boards/esp32/main/device.h"
#include "boards/esp32/main/network.h"

#ifndef CONFIG_MBEDTLS_HAVE_TIME_DATE
#error "CONFIG_MBEDTLS_HAVE_TIME_DATE is wanted: without it an expired server certificate would do"
#endif

namespace latchkey::boards::esp32 {
namespace {

constexpr std::uint32_t kStepMs = 10'000;
constexpr std::uint32_t kTimeWithinMs = 60'000;
constexpr std::uint32_t kTrialMs = agent::UpdateSession::kTrialLimitMs;

// An image on trial that does not come as far as the agent, which has a limit of its own, gives itself up: the boot
// loader then goes back to the one before.
class Trial {
 public:
  Trial() {
    esp_ota_img_states_t state{};
    const bool known = esp_ota_get_state_partition(esp_ota_get_running_partition(), &state) == ESP_OK;
    on_ = known && state == ESP_OTA_IMG_PENDING_VERIFY;
  }
  void spent(std::uint32_t ms) {
    spent_ms_ += ms;
    if (on_ && spent_ms_ >= kTrialMs) esp_restart();
  }

 private:
  bool on_ = false;
  std::uint32_t spent_ms_ = 0;
};

// A mistake of configuration is not mended by a restart: it is said again and again, for whoever comes with a terminal.
[[noreturn]] void give_up(const char* why, Trial& trial) {
  for (;;) {
    to_console(why);
    vTaskDelay(pdMS_TO_TICKS(kStepMs));
    trial.spent(kStepMs);
  }
}

[[noreturn]] void run() {
  static Trial trial;
  // Not erased when it cannot be read, as examples do: the identity lies in it.
  if (nvs_flash_init() != ESP_OK)
    give_up("halted: the partition `nvs` cannot be read; idf.py erase-flash starts anew", trial);
  static Settings settings;
  if (const char* problem = settings.load()) give_up(problem, trial);
  if (const char* problem = start_wifi(settings.wifi_name(), settings.wifi_password())) give_up(problem, trial);
  static Device device(settings);
  while (!wait_for_address(kStepMs)) {
    device.narrator().say("waiting for Wi-Fi and an address");
    trial.spent(kStepMs);
  }
  if (!start_time()) give_up("halted: SNTP does not start", trial);
  // Without the time every server certificate is not yet valid. The agent tries all the same: SNTP goes on asking.
  if (!wait_for_time(kTimeWithinMs)) device.narrator().say("no time from the network yet");
  if (const char* problem = device.start()) give_up(problem, trial);
  settings.forget_key();
  (void)esp_task_wdt_add(nullptr);
  for (;;) {
    device.turn();
    (void)esp_task_wdt_reset();
    if (device.restart_due()) esp_restart();
  }
}

}  // namespace
}  // namespace latchkey::boards::esp32

extern "C" void app_main() { latchkey::boards::esp32::run(); }
