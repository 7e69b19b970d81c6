// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/decision_log.h"

#include <numeric>
#include <utility>

namespace latchkey::hub::app {
namespace {

std::uint64_t total(const std::array<std::uint64_t, registry::kReasonLimit>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

bool matches(const management::SeenDecision& seen, const management::DecisionFilter& filter) {
  return (filter.device.empty() || seen.decision.client_id == filter.device) &&
         (!filter.reason || seen.decision.reason == *filter.reason);
}

}  // namespace

void DecisionLog::add(const std::string& endpoint, wire::Decisions decisions) {
  const std::lock_guard lock(mutex_);
  for (auto& decision : decisions.decisions) ring_.push_back({endpoint, std::move(decision)});
  while (ring_.size() > limit_) ring_.pop_front();
  decisions.decisions.clear();
  auto& known = endpoints_[endpoint];
  if (total(decisions.counts) < total(known.last.counts)) {  // a new broker process counts from zero
    for (std::size_t i = 0; i < known.before.size(); ++i) known.before[i] += known.last.counts[i];
  }
  known.last = std::move(decisions);
}

std::vector<management::SeenDecision> DecisionLog::find(const management::DecisionFilter& filter) const {
  const std::lock_guard lock(mutex_);
  std::vector<management::SeenDecision> found;
  for (auto seen = ring_.rbegin(); seen != ring_.rend() && found.size() < filter.limit; ++seen) {
    if (matches(*seen, filter)) found.push_back(*seen);
  }
  return found;
}

management::DecisionCounts DecisionLog::counts() const {
  const std::lock_guard lock(mutex_);
  management::DecisionCounts sum{};
  for (const auto& [name, endpoint] : endpoints_) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += endpoint.before[i] + endpoint.last.counts[i];
  }
  return sum;
}

management::DecisionCounts DecisionLog::counts(const std::string& endpoint) const {
  const std::lock_guard lock(mutex_);
  const auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end()) return {};
  auto sum = found->second.before;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += found->second.last.counts[i];
  return sum;
}

DecisionLog::Totals DecisionLog::totals(const std::string& endpoint) const {
  const std::lock_guard lock(mutex_);
  const auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end()) return {};
  return {found->second.last.connections, found->second.last.messages, found->second.last.dropped};
}

}  // namespace latchkey::hub::app
