// SPDX-License-Identifier: Apache-2.0
// The numbers of a hub process as Prometheus reads them: text exposition format 0.0.4, names with the prefix latchkey_,
// base units, _total on counters.
#pragma once

#include <string>
#include <vector>

#include <prometheus/metric_family.h>

#include "hub/http/message.h"
#include "hub/watch/numbers.h"
#include "hub/watch/store_watch.h"

namespace latchkey::hub::watch {

inline constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

std::vector<prometheus::MetricFamily> families_of(const Numbers& numbers);
std::string exposition(const std::vector<prometheus::MetricFamily>& families);

// Answers GET and HEAD of /metrics. Both outlive this object. Threads: any.
class Metrics {
 public:
  Metrics(Source& source, const StoreWatch& store) : source_(source), store_(store) {}
  http::Response handle(const http::Request& request) const;

 private:
  Source& source_;
  const StoreWatch& store_;
};

}  // namespace latchkey::hub::watch
