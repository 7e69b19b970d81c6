// SPDX-License-Identifier: Apache-2.0
// The pace of a service that so many servers work at side by side: how fast it goes, and from that how long whoever
// cannot be served now is asked to stay away. With every server busy the rate is their number over the mean time in
// service (Little's law), so the mean is all that is measured; while some are idle the rate is what they could do.
//
// Whoever is turned away is given a moment of their own, one behind the other at the measured rate, so that a wave
// comes back as a stream and not as a wave.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <random>

namespace latchkey::hub::throttle {

class Pace {
 public:
  struct Options {
    std::size_t servers = 1;
    std::uint32_t least_s = 1;
    std::uint32_t most_s = 600;
    std::uint64_t seed = std::random_device{}();
  };
  explicit Pace(const Options& options);

  // One was served, and took so long.
  void served(std::uint64_t took_us);
  // 0 as long as nothing was measured.
  double per_second() const;

  // Whole seconds that it takes to serve `ahead`, at most most_s; 0 for less than one, and while nothing was measured.
  std::uint32_t wait_s(std::size_t ahead) const;
  // How long one is to stay away who is turned away while `ahead` wait, in seconds rounded up, from least_s to most_s:
  // behind all who were told a time before. Beyond most_s anything from half of it up: too far away to be planned.
  std::uint32_t turn_away_s(std::uint64_t now_ms, std::size_t ahead);
  // What was told last, for whoever watches; 0: nobody was turned away, or all of them could be back by now.
  std::uint32_t told_s(std::uint64_t now_ms) const;

 private:
  double rate() const;

  const Options options_;
  mutable std::mutex mutex_;  // guards the rest
  double mean_us_ = 0;
  std::uint64_t measured_ = 0;
  double taken_until_ms_ = 0;  // the moments that were given away end here
  std::mt19937_64 random_;
};

}  // namespace latchkey::hub::throttle
