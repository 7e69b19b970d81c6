// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <freertos/FreeRTOS.h>

typedef struct latchkey_task* TaskHandle_t;

void vTaskDelay(TickType_t ticks);
