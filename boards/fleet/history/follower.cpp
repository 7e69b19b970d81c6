// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/history/follower.h"

#include <algorithm>
#include <iterator>

#include "boards/fleet/history/text.h"
#include "boards/fleet/history/writer.h"

namespace latchkey::boards::fleet::history {

Follower::Follower(const std::filesystem::path& folder, std::uint32_t workers, TimeUs patience) : patience_(patience) {
  for (std::uint32_t worker = 0; worker <= workers; ++worker) {
    sources_.emplace_back();
    sources_.back().file = file_of(folder, worker);
  }
}

void Follower::keep(Source& source, std::string_view line) {
  std::string why;
  auto record = parse_line(line, why);
  if (!record) return;
  if (const auto* run = std::get_if<RunBegun>(&record->body)) source.worker = run->worker;
  record->worker = source.worker;
  source.told = std::max(source.told, record->time);
  source.ended |= std::holds_alternative<RunEnded>(record->body);
  waiting_.push_back(std::move(*record));
}

void Follower::read(Source& source) {
  if (!source.stream.is_open()) source.stream.open(source.file, std::ios::binary);
  if (!source.stream.is_open()) return;
  source.stream.clear();  // the end of the file may have moved since
  std::string part;
  while (std::getline(source.stream, part)) {
    source.rest += part;
    if (source.stream.eof()) break;  // the line has no end yet
    keep(source, source.rest);
    source.rest.clear();
  }
}

std::vector<Record> Follower::take(TimeUs now) {
  TimeUs until = now;
  for (auto& source : sources_) {
    read(source);
    if (!source.ended && now - source.told < patience_) until = std::min(until, source.told);
  }
  const auto later = [](const Record& a, const Record& b) { return a.time < b.time; };
  std::stable_sort(waiting_.begin(), waiting_.end(), later);
  const auto end =
      std::partition_point(waiting_.begin(), waiting_.end(), [&](const Record& r) { return r.time <= until; });
  std::vector<Record> result(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return result;
}

}  // namespace latchkey::boards::fleet::history
