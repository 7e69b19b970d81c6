// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/arrivals.h"

#include <algorithm>
#include <utility>

namespace latchkey::hub::gate {

void Arrivals::opened(TlsHandle connection, std::uint64_t now_ms) { waiting_[connection] = {now_ms, now_ms}; }

void Arrivals::heard(TlsHandle connection, std::uint64_t now_ms) {
  last_heard_ = connection;
  if (const auto found = waiting_.find(connection); found != waiting_.end()) found->second.heard_ms = now_ms;
}

void Arrivals::closed(TlsHandle connection) {
  waiting_.erase(connection);
  if (last_heard_ == connection) last_heard_ = nullptr;
}

TlsHandle Arrivals::introduced() {
  const TlsHandle connection = std::exchange(last_heard_, nullptr);
  return waiting_.erase(connection) == 1 ? connection : nullptr;
}

std::vector<TlsHandle> Arrivals::overdue(std::uint64_t now_ms) const {
  std::vector<TlsHandle> going;
  std::vector<std::pair<std::uint64_t, TlsHandle>> silent;
  for (const auto& [connection, since] : waiting_) {
    if (now_ms - since.opened_ms >= limits_.deadline_ms) {
      going.push_back(connection);
    } else if (now_ms - since.heard_ms >= limits_.silent_ms) {
      silent.emplace_back(since.heard_ms, connection);
    }
  }
  if (silent.size() > limits_.silent_most) {
    std::sort(silent.begin(), silent.end());
    for (std::size_t i = 0; i < silent.size() - limits_.silent_most; ++i) going.push_back(silent[i].second);
  }
  return going;
}

}  // namespace latchkey::hub::gate
