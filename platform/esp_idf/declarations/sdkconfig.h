// SPDX-License-Identifier: Apache-2.0
// The options of boards/esp32/sdkconfig.defaults and Kconfig that the code looks at, for host builds.
#pragma once

#define CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE 1
#define CONFIG_MBEDTLS_HAVE_TIME_DATE 1
#define CONFIG_LATCHKEY_WIFI_SSID "network"
#define CONFIG_LATCHKEY_WIFI_PASSWORD ""
#define CONFIG_LATCHKEY_DPS "127.0.0.1:8883"
#define CONFIG_LATCHKEY_ID_SCOPE ""
#define CONFIG_LATCHKEY_SNTP_SERVER "pool.ntp.org"
#define CONFIG_LATCHKEY_TELEMETRY_INTERVAL_S 60
#define CONFIG_LATCHKEY_FACTORY_VERSION "1.0.0"
