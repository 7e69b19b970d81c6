// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/report/timeline.h"

#include <utility>

namespace latchkey::boards::fleet::report {

void Timeline::close() {
  Bin next;
  next.connected = open_.connected;
  next.asleep = open_.asleep;
  bins_.push_back(std::exchange(open_, std::move(next)));
}

// Of two bins the second tells how things stand, and both what happened.
void Timeline::fold() {
  std::vector<Bin> wide;
  for (std::size_t i = 0; i < bins_.size(); i += 2) {
    Bin bin = std::move(bins_[i]);
    if (i + 1 < bins_.size()) {
      Bin& second = bins_[i + 1];
      bin.connected = std::move(second.connected);
      bin.asleep = second.asleep;
      for (const auto& [reason, count] : second.refusals) bin.refusals[reason] += count;
      bin.connects += second.connects;
      bin.certificates += second.certificates;
      bin.acknowledged += second.acknowledged;
    }
    wide.push_back(std::move(bin));
  }
  bins_ = std::move(wide);
  width_ *= 2;
}

void Timeline::advance(history::TimeUs time) {
  while (static_cast<history::TimeUs>(bins_.size() + 1) * width_ <= time) {
    close();
    if (bins_.size() == kMostBins) fold();
  }
}

void Timeline::finish(history::TimeUs end) {
  advance(end);
  close();
}

void Timeline::session(std::uint32_t generation, int change) {
  auto& count = open_.connected[generation];
  count = static_cast<std::uint32_t>(static_cast<int>(count) + change);
  if (count == 0) open_.connected.erase(generation);
}

void Timeline::sleeper(int change) {
  open_.asleep = static_cast<std::uint32_t>(static_cast<int>(open_.asleep) + change);
}

}  // namespace latchkey::boards::fleet::report
