// SPDX-License-Identifier: Apache-2.0
// Short ways to fill the metrics library's plain structures.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include <prometheus/metric_family.h>

namespace latchkey::hub::watch {

using Labels = std::initializer_list<std::pair<const char*, std::string>>;

inline prometheus::MetricFamily make_family(const char* name, const char* help, prometheus::MetricType type) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  return family;
}

inline prometheus::ClientMetric& add_metric(prometheus::MetricFamily& family, Labels labels) {
  auto& metric = family.metric.emplace_back();
  for (const auto& [name, value] : labels) {
    prometheus::ClientMetric::Label label;
    label.name = name;
    label.value = value;
    metric.label.push_back(std::move(label));
  }
  return metric;
}

inline void add_counter(prometheus::MetricFamily& family, Labels labels, std::uint64_t value) {
  add_metric(family, labels).counter.value = static_cast<double>(value);
}
inline void add_gauge(prometheus::MetricFamily& family, Labels labels, double value) {
  add_metric(family, labels).gauge.value = value;
}

}  // namespace latchkey::hub::watch
