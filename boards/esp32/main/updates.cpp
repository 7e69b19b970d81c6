// SPDX-License-Identifier: Apache-2.0
#include "boards/esp32/main/updates.h"

#include "agent/story/update_text.h"

namespace latchkey::boards::esp32 {

Updates::Updates(const agent::UpdateConfig* config, const Ports& ports, agent::Narrator& narrator)
    : link_(ports.link), narrator_(narrator) {
  if (config == nullptr) return;
  session_.emplace(*config, agent::ConversationConfig(),
                   agent::UpdateSession::Ports{ports.link, store_, ports.clock, ports.entropy, room_}, *this);
}

const char* Updates::start(ports::MqttLinkEvents& core) {
  if (!session_) return nullptr;
  if (!store_.open()) return "halted: there are no two OTA partitions of one size to run from";
  session_->serve(core);
  session_->start();
  return nullptr;
}

void Updates::on_update(const agent::UpdateReport& report) {
  std::array<std::uint8_t, 128> text;
  agent::TextWriter line(text);
  agent::put_update(line, report);
  narrator_.say(line.finish().value_or("firmware"));
}

void Updates::on_statement(const Result<agent::StatementKind>& taken) {
  std::array<std::uint8_t, 128> text;
  agent::TextWriter line(text);
  agent::put_statement(line, taken, session_->summary());
  narrator_.say(line.finish().value_or("firmware"));
}

}  // namespace latchkey::boards::esp32
