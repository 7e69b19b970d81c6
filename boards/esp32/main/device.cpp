// SPDX-License-Identifier: Apache-2.0
#include "boards/esp32/main/device.h"

#include <algorithm>

namespace latchkey::boards::esp32 {

Device::Device(const Settings& settings, Narrator::Write write)
    : settings_(settings),
      narrator_(clock_, write),
      link_(link_options(settings), storage_, *this),
      driver_(settings.config(), {link_, storage_, clock_, entropy_, keys_, room_}, narrator_) {}

esp_idf::EspMqttLink::Options Device::link_options(const Settings& settings) {
  esp_idf::EspMqttLink::Options options;
  options.trust = settings.trust();
  options.onboarding_certificate = settings.certificate();
  options.onboarding_key = settings.certificate_key();
  return options;
}

const char* Device::start() {
  if (!crypto::init()) return "no randomness for keys";
  if (!storage_.open()) return "the partition `nvs` cannot be used";
  driver_.start();
  return nullptr;
}

void Device::turn() {
  const ports::MonotonicMs now = clock_.monotonic();
  const ports::MonotonicMs wake = std::min<ports::MonotonicMs>(driver_.wake_at(), now + kLongestTurnMs);
  link_.poll(wake > now ? static_cast<std::uint32_t>(wake - now) : 0);
  if (driver_.wake_at() <= clock_.monotonic()) driver_.on_timer();
  narrator_.flush(driver_.state(), driver_.summary(), settings_.config().registration_id);
}

}  // namespace latchkey::boards::esp32
