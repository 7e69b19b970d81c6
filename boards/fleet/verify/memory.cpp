// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/verify/internal/memory.h"

#include <algorithm>
#include <cstdio>

namespace latchkey::boards::fleet::verify {
namespace {

constexpr std::size_t kFewest = 10;                      // samples that say anything
constexpr history::TimeUs kLongestSilence = 60'000'000;  // samples come every five seconds, later on a busy machine

std::uint64_t median(std::vector<std::uint64_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string growth_text(std::uint64_t first, std::uint64_t last) {
  char text[120];
  std::snprintf(text, sizeof text, " has grown by %.1f %%, from %llu to %llu KiB",
                (static_cast<double>(last) / static_cast<double>(first) - 1) * 100,
                static_cast<unsigned long long>(first), static_cast<unsigned long long>(last));
  return text;
}

}  // namespace

void Memory::take(history::TimeUs time, const history::Process& process) {
  samples_[process.name].push_back({time, process.pid, process.memory_kib});
}

std::vector<std::string> Memory::grown(const Flat& flat, history::TimeUs end) const {
  std::vector<std::string> texts;
  if (samples_.empty()) texts.emplace_back("nothing is told of any process's memory");
  for (const auto& [name, samples] : samples_) {
    std::vector<std::uint64_t> kib;
    bool replaced = false;
    for (const auto& sample : samples) {
      if (sample.time < flat.warm_up) continue;
      kib.push_back(sample.kib);
      replaced = replaced || sample.pid != samples.back().pid;
    }
    if (replaced) texts.push_back(name + " was replaced by another");
    if (end - samples.back().time > kLongestSilence) texts.push_back("of " + name + " nothing is told in the end");
    if (kib.size() < kFewest) {
      texts.push_back("of " + name + " too little is told behind the warm-up to judge it");
      continue;
    }
    const auto fifth = static_cast<std::ptrdiff_t>(kib.size() / 5);
    const auto first = median({kib.begin(), kib.begin() + fifth});
    const auto last = median({kib.end() - fifth, kib.end()});
    const bool flat_enough = static_cast<double>(last) <= static_cast<double>(first) * (1 + flat.percent / 100);
    if (!flat_enough) texts.push_back(name + growth_text(first, last));
  }
  return texts;
}

}  // namespace latchkey::boards::fleet::verify
