// SPDX-License-Identifier: Apache-2.0
// FreeRTOS's semaphores, the timer and randomness, on the host.
#include <esp_random.h>
#include <esp_timer.h>
#include <freertos/semphr.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>

struct latchkey_semaphore {
  explicit latchkey_semaphore(bool is_free) : free(is_free) {}
  std::mutex mutex;
  std::condition_variable given;
  bool free;
};

SemaphoreHandle_t xSemaphoreCreateMutex() { return new latchkey_semaphore(true); }
SemaphoreHandle_t xSemaphoreCreateBinary() { return new latchkey_semaphore(false); }
void vSemaphoreDelete(SemaphoreHandle_t semaphore) { delete semaphore; }

BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks) {
  std::unique_lock lock(semaphore->mutex);
  const auto is_free = [semaphore] { return semaphore->free; };
  if (ticks == portMAX_DELAY) {
    semaphore->given.wait(lock, is_free);
  } else if (!semaphore->given.wait_for(lock, std::chrono::milliseconds(10) * ticks, is_free)) {
    return pdFALSE;
  }
  semaphore->free = false;
  return pdTRUE;
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore) {
  const std::lock_guard lock(semaphore->mutex);
  semaphore->free = true;
  semaphore->given.notify_one();
  return pdTRUE;
}

std::int64_t esp_timer_get_time() {
  static const auto start = std::chrono::steady_clock::now();
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count();
}

std::uint32_t esp_random() {
  static std::random_device source;
  return source();
}
