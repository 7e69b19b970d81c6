// SPDX-License-Identifier: Apache-2.0
#include "hub/watch/store_watch.h"

#include <algorithm>

#include "hub/watch/families.h"

namespace latchkey::hub::watch {
namespace {

using prometheus::Histogram;

// A commit on a good disk takes well under a millisecond, on a bad one a tenth of a second.
const Histogram::BucketBoundaries kSeconds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                              0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
const Histogram::BucketBoundaries kOperations = {1, 2, 4, 8, 16, 32, 64, 128, 256};

double seconds(registry::Observer::Duration took) { return std::chrono::duration<double>(took).count(); }

prometheus::MetricFamily histogram_family(const char* name, const char* help, const Histogram& histogram) {
  auto family = make_family(name, help, prometheus::MetricType::Histogram);
  family.metric.push_back(histogram.Collect());
  return family;
}

}  // namespace

StoreWatch::StoreWatch() : operation_(kSeconds), transaction_(kSeconds), commit_(kSeconds), batch_(kOperations) {}

void StoreWatch::operation(std::string_view action, registry::Reason outcome, Duration took) {
  operation_.Observe(seconds(took));
  const bool succeeded = outcome == registry::Reason::kNone;
  const std::lock_guard lock(mutex_);
  auto found = actions_.find(action);
  if (found == actions_.end()) found = actions_.emplace(std::string(action), Done{}).first;
  ++(succeeded ? found->second.succeeded : found->second.refused);
  if (succeeded && action == "certificate.issue") count_issuance(Clock::now());
}

void StoreWatch::count_issuance(Clock::time_point at) {
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
  if (second != second_) in_second_ = 0;
  second_ = second;
  most_ = std::max(most_, ++in_second_);
}

void StoreWatch::committed(std::size_t operations, Duration transaction, Duration commit) {
  batch_.Observe(static_cast<double>(operations));
  transaction_.Observe(seconds(transaction));
  if (commit.count() > 0) commit_.Observe(seconds(commit));
}

std::optional<double> StoreWatch::issued_per_minute() const {
  const std::lock_guard lock(mutex_);
  return most_ == 0 ? std::nullopt : std::optional(60.0 * static_cast<double>(most_));
}

std::vector<prometheus::MetricFamily> StoreWatch::collect() const {
  auto operations = make_family("latchkey_registry_operations_total",
                                "Attempts at operations of the registry, by the name that the audit has for them.",
                                prometheus::MetricType::Counter);
  auto issued = make_family("latchkey_certificates_issued_total", "Device certificates that were issued.",
                            prometheus::MetricType::Counter);
  auto revoked =
      make_family("latchkey_revocations_total", "Revocations, by what was revoked.", prometheus::MetricType::Counter);
  {
    const std::lock_guard lock(mutex_);
    const auto succeeded = [this](std::string_view action) {
      const auto found = actions_.find(action);
      return found == actions_.end() ? 0 : found->second.succeeded;
    };
    for (const auto& [action, done] : actions_) {
      add_counter(operations, {{"action", action}, {"outcome", "ok"}}, done.succeeded);
      add_counter(operations, {{"action", action}, {"outcome", "refused"}}, done.refused);
    }
    add_counter(issued, {}, succeeded("certificate.issue"));
    add_counter(revoked, {{"kind", "device"}}, succeeded("device.revoke"));
    add_counter(revoked, {{"kind", "policy"}}, succeeded("policy.revoke"));
  }
  std::vector<prometheus::MetricFamily> families;
  if (!operations.metric.empty()) families.push_back(std::move(operations));
  families.push_back(std::move(issued));
  families.push_back(std::move(revoked));
  families.push_back(histogram_family("latchkey_store_operation_seconds",
                                      "From an operation's call to its durable answer.", operation_));
  families.push_back(histogram_family("latchkey_store_transaction_seconds",
                                      "From the begin of a shared transaction to its end.", transaction_));
  families.push_back(
      histogram_family("latchkey_store_commit_seconds", "The COMMIT of a shared transaction, with its sync.", commit_));
  families.push_back(
      histogram_family("latchkey_store_batch_operations", "Operations that shared one transaction.", batch_));
  return families;
}

}  // namespace latchkey::hub::watch
