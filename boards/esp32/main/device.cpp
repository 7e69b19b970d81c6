// SPDX-License-Identifier: Apache-2.0
#include "boards/esp32/main/device.h"

#include <algorithm>

namespace latchkey::boards::esp32 {

Device::Device(const Settings& settings, agent::Narrator::Write write)
    : settings_(settings),
      narrator_(clock_, write),
      link_(link_options(settings), storage_, *this),
      updates_(settings.firmware(), {link_, clock_, entropy_}, narrator_),
      driver_(settings.config(), {updates_.link(), storage_, clock_, entropy_, keys_, room_}, narrator_) {}

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
  if (const char* problem = updates_.start(driver_)) return problem;
  driver_.start();
  return nullptr;
}

void Device::turn() {
  const ports::MonotonicMs now = clock_.monotonic();
  const ports::MonotonicMs wake = std::min({driver_.wake_at(), updates_.wake_at(), now + kLongestTurnMs});
  link_.poll(wake > now ? static_cast<std::uint32_t>(wake - now) : 0);
  if (driver_.wake_at() <= clock_.monotonic()) driver_.on_timer();
  updates_.poll(clock_.monotonic());
  const agent::State state = driver_.state();
  if (updates_.restart_wanted() && state != agent::State::kStopped && state != agent::State::kLeaving) driver_.stop();
  narrator_.flush(driver_.state(), driver_.summary(), settings_.config().registration_id);
}

}  // namespace latchkey::boards::esp32
