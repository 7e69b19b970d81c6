// SPDX-License-Identifier: Apache-2.0
// What one client has subscribed to. The broker delivers to a named client whether it has subscribed or not, so the
// gate has to know.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/gate/topics.h"

namespace latchkey::hub::gate {

class Subscriptions {
 public:
  // A second one of the same filter replaces the first (MQTT 3.1.1 section 3.8.4).
  void add(std::string_view filter, int qos) {
    for (auto& [known, granted] : filters_) {
      if (known != filter) continue;
      granted = qos;
      return;
    }
    filters_.emplace_back(filter, qos);
  }
  void remove(std::string_view filter) {
    filters_.erase(
        std::remove_if(filters_.begin(), filters_.end(), [filter](const auto& known) { return known.first == filter; }),
        filters_.end());
  }
  // The highest QoS granted for this topic; nothing when no filter matches.
  std::optional<int> granted(std::string_view topic) const {
    std::optional<int> qos;
    for (const auto& [filter, granted] : filters_) {
      if (matches(filter, topic) && granted > qos.value_or(-1)) qos = granted;
    }
    return qos;
  }
  bool empty() const { return filters_.empty(); }
  std::vector<std::string> filters() const {
    std::vector<std::string> all;
    for (const auto& known : filters_) all.push_back(known.first);
    return all;
  }

 private:
  std::vector<std::pair<std::string, int>> filters_;  // at most six different ones are ever allowed
};

}  // namespace latchkey::hub::gate
