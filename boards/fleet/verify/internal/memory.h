// SPDX-License-Identifier: Apache-2.0
// What the processes of a run have held, by what was told of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "boards/fleet/history/record.h"
#include "boards/fleet/verify/checker.h"

namespace latchkey::boards::fleet::verify {

class Memory {
 public:
  void take(history::TimeUs time, const history::Process& process);

  // A sentence for each that is not flat: of the samples behind the warm-up, the median of the last fifth lies more
  // than so much above that of the first fifth. Medians, since a peak is no leak. And for each that cannot be judged:
  // it was replaced, its samples end before the run does (`end`), or there are too few of them.
  std::vector<std::string> grown(const Flat& flat, history::TimeUs end) const;

 private:
  struct Sample {
    history::TimeUs time;
    std::uint32_t pid;
    std::uint64_t kib;
  };
  std::map<std::string, std::vector<Sample>> samples_;  // by the process's name
};

}  // namespace latchkey::boards::fleet::verify
