// SPDX-License-Identifier: Apache-2.0
// What the gates decided lately, kept for "why was this device refused?". Bounded; thread-safe.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "hub/management/management.h"
#include "hub/wire/decision.h"

namespace latchkey::hub::app {

class DecisionLog {
 public:
  explicit DecisionLog(std::size_t limit = 16384) : limit_(limit) {}

  void add(const std::string& endpoint, wire::Decisions decisions);
  std::vector<management::SeenDecision> find(const management::DecisionFilter& filter) const;  // newest first
  management::DecisionCounts counts() const;
  management::DecisionCounts counts(const std::string& endpoint) const;

  struct Totals {
    std::uint64_t connections = 0;
    std::uint64_t messages = 0;
    std::uint64_t dropped = 0;
  };
  Totals totals(const std::string& endpoint) const;

 private:
  struct Endpoint {
    wire::Decisions last;                 // totals of the broker process that runs
    management::DecisionCounts before{};  // sum over those that ran before it
  };
  const std::size_t limit_;
  mutable std::mutex mutex_;  // guards the rest
  std::deque<management::SeenDecision> ring_;
  std::map<std::string, Endpoint> endpoints_;
};

}  // namespace latchkey::hub::app
