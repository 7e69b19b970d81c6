// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <esp_err.h>
#include <esp_event.h>
#include <cstdint>

typedef struct {
  int unused;
} wifi_init_config_t;
#define WIFI_INIT_CONFIG_DEFAULT() \
  {}

typedef enum { WIFI_MODE_STA = 1 } wifi_mode_t;
typedef enum { WIFI_IF_STA = 0 } wifi_interface_t;
typedef enum { WIFI_AUTH_OPEN = 0, WIFI_AUTH_WPA2_PSK = 3 } wifi_auth_mode_t;
typedef union {
  struct {
    std::uint8_t ssid[32];
    std::uint8_t password[64];
    struct {
      wifi_auth_mode_t authmode;
    } threshold;
  } sta;
} wifi_config_t;

enum { WIFI_EVENT_STA_START = 2, WIFI_EVENT_STA_DISCONNECTED = 5 };

extern "C" {
extern esp_event_base_t const WIFI_EVENT;
esp_err_t esp_wifi_init(const wifi_init_config_t* config);
esp_err_t esp_wifi_set_mode(wifi_mode_t mode);
esp_err_t esp_wifi_set_config(wifi_interface_t interface, wifi_config_t* config);
esp_err_t esp_wifi_start();
esp_err_t esp_wifi_connect();
}
