// SPDX-License-Identifier: Apache-2.0
// Reads the histories of a run that still goes on, for figures while it runs. Records come in the order of time over
// all files, and only once every file has told of a later time: a second or two late. A file whose writer is silent for
// longer than `patience` does not hold up the others; what it then brings comes when it comes.
//
// One thread; no file is written to.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "boards/fleet/history/record.h"

namespace latchkey::boards::fleet::history {

class Follower {
 public:
  // The files that are, or will be, in the folder for the parent and `workers` workers.
  Follower(const std::filesystem::path& folder, std::uint32_t workers, TimeUs patience = 3'000'000);

  // What there is to be had at `now`, by rising time. What cannot be read is passed over: the report will tell.
  std::vector<Record> take(TimeUs now);

 private:
  struct Source {
    std::filesystem::path file;
    std::ifstream stream;
    std::string rest;  // of a line that has no end yet
    std::uint32_t worker = 0;
    TimeUs told = 0;  // the time of its last record
    bool ended = false;
  };
  void read(Source& source);
  void keep(Source& source, std::string_view line);

  const TimeUs patience_;
  std::vector<Source> sources_;
  std::vector<Record> waiting_;  // not yet handed out
};

}  // namespace latchkey::boards::fleet::history
