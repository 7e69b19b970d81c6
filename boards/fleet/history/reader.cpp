// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/history/reader.h"

#include <algorithm>

#include "boards/fleet/history/text.h"

namespace latchkey::boards::fleet::history {

struct Reader::Source {
  std::string name;
  std::size_t order = 0;
  std::ifstream stream;
  std::size_t line = 0;
  std::uint32_t worker = 0;
  Record record;  // the next one of this file
};

namespace {

// For std's heaps, whose top is the greatest: the latest is the least. Files in their order at the same time.
template <class Source>
bool later(const Source* a, const Source* b) {
  return a->record.time != b->record.time ? a->record.time > b->record.time : a->order > b->order;
}

}  // namespace

Reader::Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Result<Reader> Reader::open(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("history-") && name.ends_with(".jsonl")) files.push_back(entry.path());
  }
  if (files.empty()) return fail(Status::kNotFound);
  std::sort(files.begin(), files.end());
  return open(files);
}

Result<Reader> Reader::open(const std::vector<std::filesystem::path>& files) {
  Reader reader;
  for (const auto& file : files) {
    auto source = std::make_unique<Source>();
    source->name = file.filename().string();
    source->order = reader.sources_.size();
    source->stream.open(file, std::ios::binary);
    if (!source->stream) return fail(Status::kNotFound);
    reader.sources_.push_back(std::move(source));
    reader.advance(*reader.sources_.back());
  }
  return reader;
}

// Its next record, onto the heap. What is no record is passed over, and remembered.
void Reader::advance(Source& source) {
  std::string text;
  std::string why;
  while (std::getline(source.stream, text)) {
    ++source.line;
    if (source.stream.eof()) {  // no LF: the writer was stopped within the line
      damages_.push_back({source.name, source.line, "torn last line", true});
      return;
    }
    auto record = parse_line(text, why);
    if (record && record->time < source.record.time) {
      record.reset();
      why = "goes back in time";
    }
    if (record) {
      if (const auto* run = std::get_if<RunBegun>(&record->body)) source.worker = run->worker;
      source.record = std::move(*record);
      source.record.worker = source.worker;
      source.record.line = source.line;
      heap_.push_back(&source);
      std::push_heap(heap_.begin(), heap_.end(), later<Source>);
      return;
    }
    damages_.push_back({source.name, source.line, why});
  }
}

std::optional<Record> Reader::next() {
  if (heap_.empty()) return std::nullopt;
  std::pop_heap(heap_.begin(), heap_.end(), later<Source>);
  Source& source = *heap_.back();
  heap_.pop_back();
  const TimeUs time = source.record.time;
  Record result = std::move(source.record);
  source.record.time = time;
  advance(source);
  return result;
}

}  // namespace latchkey::boards::fleet::history
