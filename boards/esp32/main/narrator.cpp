// SPDX-License-Identifier: Apache-2.0
#include "boards/esp32/main/narrator.h"

#include <cstdio>

#include "agent/story/report_text.h"
#include "agent/story/status_json.h"

namespace latchkey::boards::esp32 {
namespace {

using agent::TextWriter;

bool at_rest(agent::State state) {
  return state == agent::State::kLive || state == agent::State::kSlowWait || state == agent::State::kStopped;
}

}  // namespace

void Narrator::to_console(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

void Narrator::on_report(const agent::Report& report) {
  TextWriter out(MutableBytes(reason_).subview(reason_size_, reason_.size()));
  if (reason_size_ != 0) out.put("; ");
  agent::put_report(out, report);
  // What does not fit beside what is there already is left out.
  if (const auto text = out.finish()) reason_size_ += text->size();
}

void Narrator::on_state(agent::State from, agent::State to) {
  std::array<std::uint8_t, 384> room;
  TextWriter line(room);
  start_line(line);
  line.put(agent::to_string(from)).put(" -> ").put(agent::to_string(to));
  if (reason_size_ != 0) line.put(": ").put(ByteView(reason_).subview(0, reason_size_).text());
  reason_size_ = 0;
  emit(line);
  since_ = clock_.now();
  wants_status_ = at_rest(to);
}

void Narrator::flush(agent::State state, const agent::Summary& summary, std::string_view registration_id) {
  if (reason_size_ != 0) {
    std::array<std::uint8_t, 384> room;
    TextWriter line(room);
    start_line(line);
    line.put(agent::to_string(state)).put(": ").put(ByteView(reason_).subview(0, reason_size_).text());
    reason_size_ = 0;
    emit(line);
  }
  if (!wants_status_) return;
  wants_status_ = false;
  static std::array<std::uint8_t, agent::kMaxStatus + 32> room;
  TextWriter line(room);
  start_line(line);
  line.put("status ");
  agent::put_status(line, summary, registration_id, since_);
  emit(line);
}

void Narrator::say(std::string_view text) {
  std::array<std::uint8_t, 384> room;
  TextWriter line(room);
  start_line(line);
  line.put(text);
  emit(line);
}

void Narrator::start_line(TextWriter& line) const {
  const ports::MonotonicMs now = clock_.monotonic();
  line.put_decimal(now / 1000).put('.').put_decimal(now % 1000, 3).put(' ');
}

void Narrator::emit(const TextWriter& line) const {
  if (const auto text = line.finish()) write_(*text);
}

}  // namespace latchkey::boards::esp32
