// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/history/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace latchkey::boards::fleet::history {
namespace {

constexpr std::uint32_t kExact = 128;  // values below have a bucket each
constexpr std::uint32_t kParts = 64;   // buckets of every doubling above

}  // namespace

std::uint32_t Histogram::bucket_of(std::int64_t value_us) {
  const auto value = static_cast<std::uint64_t>(std::clamp<std::int64_t>(value_us, 0, kMost));
  if (value < kExact) return static_cast<std::uint32_t>(value);
  const auto shift = static_cast<std::uint32_t>(std::bit_width(value)) - 7;  // leaves 64 to 127
  return kExact + (shift - 1) * kParts + (static_cast<std::uint32_t>(value >> shift) - kParts);
}

std::int64_t Histogram::highest_of(std::uint32_t bucket) {
  if (bucket < kExact) return bucket;
  const std::uint32_t shift = (bucket - kExact) / kParts + 1;
  const std::int64_t part = kParts + (bucket - kExact) % kParts;
  return ((part + 1) << shift) - 1;
}

std::uint32_t Histogram::buckets() { return bucket_of(kMost) + 1; }

void Histogram::add(std::int64_t value_us, std::uint64_t times) {
  if (times == 0) return;
  const auto bucket = bucket_of(value_us);
  if (bucket >= counts_.size()) counts_.resize(bucket + 1);
  counts_[bucket] += times;
  count_ += times;
  max_ = std::max(max_, std::clamp<std::int64_t>(value_us, 0, kMost));
}

void Histogram::add_bucket(std::uint32_t bucket, std::uint64_t times) {
  add(highest_of(std::min(bucket, buckets() - 1)), times);
}

void Histogram::add(const Histogram& other) {
  if (other.counts_.size() > counts_.size()) counts_.resize(other.counts_.size());
  for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

void Histogram::clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = 0;
  max_ = 0;
}

std::optional<std::int64_t> Histogram::percentile(double share) const { return percentile(share, 0); }

std::optional<std::int64_t> Histogram::percentile(double share, std::uint64_t missing) const {
  const double wanted = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_ + missing));
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  if (rank > count_) return std::nullopt;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(highest_of(static_cast<std::uint32_t>(i)), max_);
  }
  return max_;
}

std::vector<std::pair<std::uint32_t, std::uint64_t>> Histogram::used() const {
  std::vector<std::pair<std::uint32_t, std::uint64_t>> result;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > 0) result.emplace_back(static_cast<std::uint32_t>(i), counts_[i]);
  }
  return result;
}

}  // namespace latchkey::boards::fleet::history
