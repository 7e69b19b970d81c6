// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <esp_err.h>
#include <freertos/FreeRTOS.h>
#include <cstddef>

typedef struct {
  bool wait_for_sync;
  bool start;
  std::size_t num_of_servers;
  const char* servers[1];
} esp_sntp_config_t;

extern "C" {
esp_err_t esp_netif_sntp_init(const esp_sntp_config_t* config);
esp_err_t esp_netif_sntp_sync_wait(TickType_t ticks);
}
