// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <freertos/FreeRTOS.h>

typedef struct latchkey_semaphore* SemaphoreHandle_t;

SemaphoreHandle_t xSemaphoreCreateMutex();
SemaphoreHandle_t xSemaphoreCreateBinary();  // taken at first
BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks);
BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore);
void vSemaphoreDelete(SemaphoreHandle_t semaphore);
