// SPDX-License-Identifier: Apache-2.0
// Durations counted in buckets whose width grows with the duration, after HdrHistogram: any percentile of millions of
// latencies from a few kilobytes, never more than 1/64 (1.6 %) above the truth and never below it.
//
// Values are microseconds. Up to 127 each has its own bucket; above, every doubling is cut into 64. Negative values
// count as 0, values above kMost as kMost. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace latchkey::boards::fleet::history {

class Histogram {
 public:
  static constexpr std::int64_t kMost = (std::int64_t{1} << 42) - 1;  // 51 days
  // Of a value; buckets are ordered as values are.
  static std::uint32_t bucket_of(std::int64_t value_us);
  // The largest value of that bucket.
  static std::int64_t highest_of(std::uint32_t bucket);
  static std::uint32_t buckets();  // how many there are: numbers from 0

  void add(std::int64_t value_us, std::uint64_t times = 1);
  void add_bucket(std::uint32_t bucket, std::uint64_t times);
  void add(const Histogram& other);
  void clear();

  std::uint64_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  // The smallest value below or at which `share` (0 to 1) of all lie. Nothing while empty.
  std::optional<std::int64_t> percentile(double share) const;
  // The same when `missing` more values are known to be greater than all that were counted: those that have not ended
  // yet. Nothing when the percentile lies among them.
  std::optional<std::int64_t> percentile(double share, std::uint64_t missing) const;
  std::int64_t max() const { return max_; }  // as counted, not rounded; of added buckets their highest; 0 while empty

  // Buckets in use and their counts, by rising bucket.
  std::vector<std::pair<std::uint32_t, std::uint64_t>> used() const;

 private:
  std::vector<std::uint64_t> counts_;  // grows with the largest bucket in use
  std::uint64_t count_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace latchkey::boards::fleet::history
