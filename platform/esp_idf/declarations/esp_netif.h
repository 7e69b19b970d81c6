// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <esp_err.h>
#include <esp_event.h>

typedef struct latchkey_netif esp_netif_t;
enum { IP_EVENT_STA_GOT_IP = 0 };

extern "C" {
extern esp_event_base_t const IP_EVENT;
esp_err_t esp_netif_init();
esp_netif_t* esp_netif_create_default_wifi_sta();
}
