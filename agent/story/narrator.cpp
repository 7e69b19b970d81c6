// SPDX-License-Identifier: Apache-2.0
#include "boards/emulated/narrator.h"

#include "agent/story/report_text.h"
#include "agent/story/status_json.h"

namespace latchkey::boards::emulated {
namespace {

using agent::TextWriter;

}  // namespace

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
  write(line);
  since_ = clock_.now();
  wants_status_ = to == agent::State::kLive || to == agent::State::kSlowWait || to == agent::State::kStopped;
}

void Narrator::status(const agent::Summary& summary, std::string_view registration_id) {
  if (!wants_status_) return;
  wants_status_ = false;
  static std::array<std::uint8_t, agent::kMaxStatus + 32> room;
  TextWriter line(room);
  start_line(line);
  line.put("status ");
  agent::put_status(line, summary, registration_id, since_);
  write(line);
}

void Narrator::flush(agent::State state) {
  if (reason_size_ == 0) return;
  std::array<std::uint8_t, 384> room;
  TextWriter line(room);
  start_line(line);
  line.put(agent::to_string(state)).put(": ").put(ByteView(reason_).subview(0, reason_size_).text());
  reason_size_ = 0;
  write(line);
}

void Narrator::say(std::string_view text) {
  std::array<std::uint8_t, 384> room;
  TextWriter line(room);
  start_line(line);
  line.put(text);
  write(line);
}

void Narrator::start_line(TextWriter& line) const {
  const ports::MonotonicMs now = clock_.monotonic();
  line.put_decimal(now / 1000).put('.').put_decimal(now % 1000, 3).put(' ');
}

void Narrator::write(const TextWriter& line) const {
  if (const auto text = line.finish()) write_(*text);
  write_("\n");
}

}  // namespace latchkey::boards::emulated
