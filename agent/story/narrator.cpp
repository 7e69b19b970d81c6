// SPDX-License-Identifier: Apache-2.0
#include "agent/story/narrator.h"

#include "agent/story/report_text.h"
#include "agent/story/status_json.h"

namespace latchkey::agent {
namespace {

constexpr std::size_t kLongestLine = 384;

bool at_rest(State state) { return state == State::kLive || state == State::kSlowWait || state == State::kStopped; }

}  // namespace

void Narrator::on_report(const Report& report) {
  TextWriter out(MutableBytes(reason_).subview(reason_size_, reason_.size()));
  if (reason_size_ != 0) out.put("; ");
  put_report(out, report);
  // What does not fit beside what is there already is left out.
  if (const auto text = out.finish()) reason_size_ += text->size();
}

void Narrator::on_state(State from, State to) {
  std::array<std::uint8_t, kLongestLine> room;
  TextWriter line(room);
  start_line(line);
  line.put(to_string(from)).put(" -> ").put(to_string(to));
  put_reason(line);
  write(line);
  since_ = clock_.now();
  wants_status_ = at_rest(to);
}

void Narrator::flush(State state, const Summary& summary, std::string_view registration_id) {
  if (reason_size_ != 0) {
    std::array<std::uint8_t, kLongestLine> room;
    TextWriter line(room);
    start_line(line);
    line.put(to_string(state));
    put_reason(line);
    write(line);
  }
  if (!wants_status_) return;
  wants_status_ = false;
  static std::array<std::uint8_t, kMaxStatus + 32> room;  // too much for a board's stack
  TextWriter line(room);
  start_line(line);
  line.put("status ");
  put_status(line, summary, registration_id, since_);
  write(line);
}

void Narrator::say(std::string_view text) {
  std::array<std::uint8_t, kLongestLine> room;
  TextWriter line(room);
  start_line(line);
  line.put(text);
  write(line);
}

void Narrator::start_line(TextWriter& line) const {
  const ports::MonotonicMs now = clock_.monotonic();
  line.put_decimal(now / 1000).put('.').put_decimal(now % 1000, 3).put(' ');
}

void Narrator::put_reason(TextWriter& line) {
  if (reason_size_ != 0) line.put(": ").put(ByteView(reason_).subview(0, reason_size_).text());
  reason_size_ = 0;
}

void Narrator::write(const TextWriter& line) const {
  if (const auto text = line.finish()) write_(*text);
}

}  // namespace latchkey::agent
