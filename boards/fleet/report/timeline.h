// SPDX-License-Identifier: Apache-2.0
// A run cut into equal bins of time, each with what happened in it and how things stood at its end. However long the
// run is, there are at most kMostBins: when they are used up, two become one and bins are twice as wide.
//
// One thread; times may not go back.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "boards/fleet/history/record.h"

namespace latchkey::boards::fleet::report {

class Timeline {
 public:
  static constexpr std::size_t kMostBins = 1200;
  static constexpr history::TimeUs kFirstWidth = 250'000;

  struct Bin {
    std::map<std::uint32_t, std::uint32_t> connected;  // sessions at its end, by certificate generation; no zeros
    std::uint32_t asleep = 0;                          // at its end
    std::map<std::string, std::uint32_t> refusals;     // by reason
    std::uint32_t connects = 0;
    std::uint32_t certificates = 0;
    std::uint64_t acknowledged = 0;  // telemetry
  };

  // Closes the bins before `time`: to be called with every record's time before the record is counted.
  void advance(history::TimeUs time);
  // Closes the last bin as well.
  void finish(history::TimeUs end);

  void session(std::uint32_t generation, int change);  // +1, -1
  void sleeper(int change);
  Bin& now() { return open_; }  // for what is counted

  history::TimeUs width() const { return width_; }
  const std::vector<Bin>& bins() const { return bins_; }

 private:
  void close();
  void fold();

  history::TimeUs width_ = kFirstWidth;
  std::vector<Bin> bins_;
  Bin open_;
};

}  // namespace latchkey::boards::fleet::report
