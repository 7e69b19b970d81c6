// SPDX-License-Identifier: Apache-2.0
// The board, composed: ports, agent, updates, and one turn of their loop. Some 80 KB: keep it in static storage. One
// task.
#pragma once

#include "agent/core/driver.h"
#include "agent/story/narrator.h"
#include "boards/esp32/main/console.h"
#include "boards/esp32/main/settings.h"
#include "boards/esp32/main/updates.h"
#include "platform/esp_idf/clock.h"
#include "platform/esp_idf/entropy.h"
#include "platform/esp_idf/mqtt_link.h"
#include "platform/esp_idf/storage.h"

namespace latchkey::boards::esp32 {

class Device final : ports::MqttLinkEvents {
 public:
  static constexpr std::uint32_t kLongestTurnMs = 1'000;

  // `settings` are loaded and outlive the device.
  Device(const Settings& settings, agent::Narrator::Write write = to_console);

  // After nvs_flash_init() and with the radio on: randomness for keys is none without it. Null, or a sentence.
  const char* start();
  // Waits for what comes, or until something is due, and does it.
  void turn();
  void stop() { driver_.stop(); }
  // An update wants the boot loader, and the session has ended in order: esp_restart().
  bool restart_due() const { return updates_.restart_wanted() && state() == agent::State::kStopped; }
  const agent::Summary& summary() const { return driver_.summary(); }
  agent::State state() const { return driver_.state(); }
  agent::Narrator& narrator() { return narrator_; }

 private:
  static esp_idf::EspMqttLink::Options link_options(const Settings& settings);

  // A link wants its listener, a driver wants its link.
  ports::MqttLinkEvents& listener() { return updates_.heard_before(driver_); }
  void on_connected(bool session_present) override { listener().on_connected(session_present); }
  void on_ended(ports::LinkFailure why, int detail) override { listener().on_ended(why, detail); }
  void on_subscribed(bool granted) override { listener().on_subscribed(granted); }
  void on_published() override { listener().on_published(); }
  void on_message(std::string_view topic, ByteView payload) override { listener().on_message(topic, payload); }

  const Settings& settings_;
  esp_idf::EspClock clock_;
  agent::Narrator narrator_;
  esp_idf::NvsStorage storage_;
  esp_idf::EspEntropy entropy_;
  agent::FreshKeyMaker keys_;
  agent::Workspace room_;
  esp_idf::EspMqttLink link_;
  Updates updates_;
  agent::Driver driver_;
};

}  // namespace latchkey::boards::esp32
