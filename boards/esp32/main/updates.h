// SPDX-License-Identifier: Apache-2.0
// The board's part in firmware updates: OTA partitions (platform/esp_idf/firmware_store.h), the session that the agent
// has anyway, lines in the log. One task.
#pragma once

#include <optional>

#include "agent/story/narrator.h"
#include "agent/update/session.h"
#include "platform/esp_idf/firmware_store.h"

namespace latchkey::boards::esp32 {

class Updates final : public agent::UpdateObserver {
 public:
  struct Ports {
    ports::MqttLink& link;
    const ports::Clock& clock;
    ports::Entropy& entropy;
  };
  // All of them outlive it. `config`: null when the board takes nobody's firmware.
  Updates(const agent::UpdateConfig* config, const Ports& ports, agent::Narrator& narrator);

  // What the agent's core has for its link, and who hears the link before `core` does.
  ports::MqttLink& link() { return session_ ? static_cast<ports::MqttLink&>(*session_) : link_; }
  ports::MqttLinkEvents& heard_before(ports::MqttLinkEvents& core) {
    return session_ ? static_cast<ports::MqttLinkEvents&>(*session_) : core;
  }

  // Reads what is kept; after nvs_flash_init() and before the core's start. Null, or a sentence.
  const char* start(ports::MqttLinkEvents& core);
  ports::MonotonicMs wake_at() const { return session_ ? session_->wake_at() : ~ports::MonotonicMs{0}; }
  // What is due by now.
  void poll(ports::MonotonicMs now) {
    if (session_ && session_->wake_at() <= now) session_->on_timer();
  }
  // The session is to be ended in order, and the board started anew.
  bool restart_wanted() const { return restart_wanted_; }

 private:
  void on_update(const agent::UpdateReport& report) override;
  void on_statement(const Result<agent::StatementKind>& taken) override;
  void on_restart() override { restart_wanted_ = true; }

  ports::MqttLink& link_;
  agent::Narrator& narrator_;
  esp_idf::EspFirmwareStore store_;
  agent::UpdateRoom room_;
  std::optional<agent::UpdateSession> session_;
  bool restart_wanted_ = false;
};

}  // namespace latchkey::boards::esp32
