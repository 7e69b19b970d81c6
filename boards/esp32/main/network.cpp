// SPDX-License-Identifier: Apache-2.0
#include "boards/esp32/main/network.h"

#include <esp_event.h>
#include <esp_netif.h>
#include <esp_netif_sntp.h>
#include <esp_wifi.h>
#include <freertos/FreeRTOS.h>
#include <freertos/semphr.h>
#include <sdkconfig.h>

#include <cstring>

namespace latchkey::boards::esp32 {
namespace {

SemaphoreHandle_t g_has_address = nullptr;

void on_wifi(void*, esp_event_base_t base, std::int32_t id, void*) {
  if (base == WIFI_EVENT && (id == WIFI_EVENT_STA_START || id == WIFI_EVENT_STA_DISCONNECTED)) {
    (void)esp_wifi_connect();  // the driver takes its seconds for an attempt: this is no tight loop
  }
  if (base == IP_EVENT && id == IP_EVENT_STA_GOT_IP) xSemaphoreGive(g_has_address);
}

// Neither has to end in a zero when it is of full length.
template <std::size_t N>
bool fill(std::uint8_t (&out)[N], const char* text) {
  const std::size_t size = std::strlen(text);
  if (size > N) return false;
  std::memcpy(out, text, size);
  return true;
}

}  // namespace

const char* start_wifi(const char* name, const char* password) {
  g_has_address = xSemaphoreCreateBinary();
  if (g_has_address == nullptr) return "no memory for Wi-Fi";
  wifi_config_t station{};
  if (*name == '\0' || !fill(station.sta.ssid, name)) return "Wi-Fi: the network's name has 1 to 32 characters";
  if (!fill(station.sta.password, password)) return "Wi-Fi: the password has up to 64 characters";
  station.sta.threshold.authmode = *password == '\0' ? WIFI_AUTH_OPEN : WIFI_AUTH_WPA2_PSK;
  wifi_init_config_t defaults = WIFI_INIT_CONFIG_DEFAULT();
  const bool started = esp_netif_init() == ESP_OK && esp_event_loop_create_default() == ESP_OK &&
                       esp_netif_create_default_wifi_sta() != nullptr && esp_wifi_init(&defaults) == ESP_OK &&
                       esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_wifi, nullptr) == ESP_OK &&
                       esp_event_handler_register(IP_EVENT, IP_EVENT_STA_GOT_IP, on_wifi, nullptr) == ESP_OK &&
                       esp_wifi_set_mode(WIFI_MODE_STA) == ESP_OK &&
                       esp_wifi_set_config(WIFI_IF_STA, &station) == ESP_OK && esp_wifi_start() == ESP_OK;
  std::memset(&station, 0, sizeof station);
  return started ? nullptr : "Wi-Fi does not start";
}

bool wait_for_address(std::uint32_t wait_ms) { return xSemaphoreTake(g_has_address, pdMS_TO_TICKS(wait_ms)) == pdTRUE; }

bool start_time() {
  static esp_sntp_config_t config{};
  config.start = true;
  config.wait_for_sync = true;
  config.num_of_servers = 1;
  config.servers[0] = CONFIG_LATCHKEY_SNTP_SERVER;
  return esp_netif_sntp_init(&config) == ESP_OK;
}

bool wait_for_time(std::uint32_t wait_ms) { return esp_netif_sntp_sync_wait(pdMS_TO_TICKS(wait_ms)) == ESP_OK; }

}  // namespace latchkey::boards::esp32
