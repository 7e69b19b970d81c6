// SPDX-License-Identifier: Apache-2.0
// The board's log on its console. One line a transition: seconds since the start, from, to, and what led there; and the
// status as JSON when the device has come to rest. Texts of peers are made printable and cut; no key comes by here.
#pragma once

#include <array>

#include "agent/core/driver.h"
#include "agent/protocol/text.h"
#include "platform/ports/clock.h"

namespace latchkey::boards::esp32 {

class Narrator final : public agent::Observer {
 public:
  using Write = void (*)(std::string_view line);
  static void to_console(std::string_view line);

  explicit Narrator(const ports::Clock& clock, Write write = to_console) : clock_(clock), write_(write) {}

  void on_report(const agent::Report& report) override;
  void on_state(agent::State from, agent::State to) override;
  // What was reported without a transition, and the status. After each turn of the loop.
  void flush(agent::State state, const agent::Summary& summary, std::string_view registration_id);
  void say(std::string_view text);

 private:
  void start_line(agent::TextWriter& line) const;
  void emit(const agent::TextWriter& line) const;

  const ports::Clock& clock_;
  const Write write_;
  std::array<std::uint8_t, 256> reason_{};
  std::size_t reason_size_ = 0;
  UnixMs since_ = 0;
  bool wants_status_ = false;
};

}  // namespace latchkey::boards::esp32
