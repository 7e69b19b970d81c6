// SPDX-License-Identifier: Apache-2.0
// StoreWatch: counts what the registry did, and how long it took. It hears of every attempt at a mutation, so
// issuances, renewals and revokes are counted here, by the names that the audit has for them.
//
// Threads: all functions from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>

#include "registry/model/observer.h"

namespace latchkey::hub::watch {

class StoreWatch final : public registry::Observer {
 public:
  StoreWatch();

  void operation(std::string_view action, registry::Reason outcome, Duration took) override;
  void committed(std::size_t operations, Duration transaction, Duration commit) override;

  std::vector<prometheus::MetricFamily> collect() const;
  // The most certificates that were issued within one second so far, as a rate per minute: what the hub can do at
  // least. Nothing: none was issued.
  std::optional<double> issued_per_minute() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Done {
    std::uint64_t succeeded = 0;
    std::uint64_t refused = 0;
  };
  void count_issuance(Clock::time_point at);

  prometheus::Histogram operation_;
  prometheus::Histogram transaction_;
  prometheus::Histogram commit_;
  prometheus::Histogram batch_;

  mutable std::mutex mutex_;  // guards the rest
  std::map<std::string, Done, std::less<>> actions_;
  std::int64_t second_ = 0;  // that `in_second_` counts
  std::uint64_t in_second_ = 0;
  std::uint64_t most_ = 0;
};

}  // namespace latchkey::hub::watch
