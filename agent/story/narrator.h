// SPDX-License-Identifier: Apache-2.0
// The log of a board without files, for an engineer with a terminal. One line a transition:
//
//   12.345 hub-connecting -> making-key: refused by 127.0.0.2:8883 (code 5)
//
// seconds since power-on, from, to, and what led there; reports that move nothing stand as `12.345 live: ...`. When the
// device has come to rest (live, slow, stopped) there follows `12.345 status {...}`, as status_json.h writes it. Texts
// of peers are made printable and cut; no key and no token ever comes by here. One thread; nothing allocates.
#pragma once

#include <array>

#include "agent/core/driver.h"
#include "agent/protocol/text.h"
#include "platform/ports/clock.h"

namespace latchkey::agent {

class Narrator final : public Observer {
 public:
  // A line, without its end.
  using Write = void (*)(std::string_view line);
  // `clock` outlives this object. `to`: the serial line, or wherever the board has its log.
  Narrator(const ports::Clock& clock, Write to) : clock_(clock), write_(to) {}

  void on_report(const Report& report) override;
  void on_state(State from, State to) override;
  // What was reported without a transition, and the status. After each turn of the board's loop.
  void flush(State state, const Summary& summary, std::string_view registration_id);

  // A line of the board's own, with the time.
  void say(std::string_view text);

 private:
  void start_line(TextWriter& line) const;
  void put_reason(TextWriter& line);
  void write(const TextWriter& line) const;

  const ports::Clock& clock_;
  const Write write_;
  std::array<std::uint8_t, 256> reason_{};
  std::size_t reason_size_ = 0;
  UnixMs since_ = 0;
  bool wants_status_ = false;
};

}  // namespace latchkey::agent
