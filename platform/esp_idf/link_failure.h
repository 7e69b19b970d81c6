// SPDX-License-Identifier: Apache-2.0
// What esp-mqtt says of a failed attempt, in the port's words. Private to platform/esp_idf.
#pragma once

#include <mqtt_client.h>

#include "platform/ports/mqtt_link.h"

namespace latchkey::esp_idf {

struct LinkEnd {
  ports::LinkFailure why;
  int detail;
};

// Of an attempt that had no CONNACK 0 yet.
LinkEnd explain(const esp_mqtt_error_codes_t& error);

}  // namespace latchkey::esp_idf
