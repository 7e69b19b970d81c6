// SPDX-License-Identifier: Apache-2.0
// One line that says how a run goes: on a terminal written over itself every second, otherwise a line now and then.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "boards/fleet/scenario/scenario.h"
#include "boards/fleet/swarm/chronicle.h"

namespace latchkey::boards::fleet::program {

// "5,000"
std::string grouped(std::uint64_t number);

class Progress {
 public:
  // `expected`: how many are to be connected in the end.
  Progress(const scenario::Scenario& scenario, std::uint32_t expected, bool terminal)
      : duration_(scenario.duration),
        until_back_(scenario.ends_when_all_back),
        devices_(scenario.devices),
        expected_(expected),
        terminal_(terminal) {}

  // The line for these counters at that time of the run, rates from the last seconds. Without line breaks.
  std::string line(scenario::TimeUs now, const swarm::Counters& counters);
  // Writes it to standard error, as the terminal (or the lack of one) wants it.
  void show(scenario::TimeUs now, const swarm::Counters& counters);
  // Something to be read stands above the line.
  void say(const std::string& text);

 private:
  struct Seen {
    scenario::TimeUs time;
    swarm::Counters counters;
  };
  std::string remaining(scenario::TimeUs now, const swarm::Counters& counters, double back_per_second) const;

  const scenario::TimeUs duration_;
  const bool until_back_;
  const std::uint32_t devices_;
  const std::uint32_t expected_;
  const bool terminal_;
  std::deque<Seen> seen_;  // of the last seconds
  scenario::TimeUs shown_ = -1;
  std::size_t width_ = 0;  // of what stands on the terminal's line
};

}  // namespace latchkey::boards::fleet::program
