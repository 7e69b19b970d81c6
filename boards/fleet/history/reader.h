// SPDX-License-Identifier: Apache-2.0
// Reads a run's histories, all workers' files merged by time, record by record. It holds one record of each file, so
// the size of a history does not matter.
//
// What cannot be read is told, not hidden: a report says that its histories are damaged and goes on with the rest.
// One thread.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "boards/fleet/history/record.h"
#include "platform/base/status.h"

namespace latchkey::boards::fleet::history {

struct Damage {
  std::string file;      // its name
  std::size_t line = 0;  // from 1
  std::string why;       // "torn last line", "no record: ..."
  bool is_torn = false;  // the last line of a writer that was stopped within it
};

class Reader {
 public:
  // All files history-*.jsonl of a folder. kNotFound: there is none.
  static Result<Reader> open(const std::filesystem::path& folder);
  static Result<Reader> open(const std::vector<std::filesystem::path>& files);
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  // The next record by time; those of the same time in the order of the files. Nothing: that was all.
  std::optional<Record> next();

  const std::vector<Damage>& damages() const { return damages_; }  // so far
  std::size_t files() const { return sources_.size(); }

 private:
  struct Source;
  Reader();
  void advance(Source& source);

  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<Source*> heap_;  // those with a record in hand, the earliest on top
  std::vector<Damage> damages_;
};

}  // namespace latchkey::boards::fleet::history
