// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/arrivals.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace latchkey::hub::gate {

void Arrivals::opened(TlsHandle connection, std::uint64_t now_ms) { waiting_[connection] = {now_ms, now_ms, false}; }

void Arrivals::heard(TlsHandle connection, std::uint64_t now_ms) {
  last_heard_ = connection;
  const auto found = waiting_.find(connection);
  if (found == waiting_.end()) return;
  found->second.heard_ms = now_ms;
  found->second.spoke = true;
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
  std::vector<std::tuple<bool, std::uint64_t, TlsHandle>> quiet;
  for (const auto& [connection, since] : waiting_) {
    if (now_ms - since.opened_ms >= limits_.deadline_ms) {
      going.push_back(connection);
    } else if (silent(since, now_ms)) {
      quiet.emplace_back(since.spoke, since.heard_ms, connection);
    }
  }
  if (quiet.size() > limits_.silent_most) {
    std::sort(quiet.begin(), quiet.end());
    for (std::size_t i = 0; i < quiet.size() - limits_.silent_most; ++i) going.push_back(std::get<TlsHandle>(quiet[i]));
  }
  return going;
}

// Not the old ones: whoever says a little now and then would be busy until the deadline, and a few hundred of those
// would shut the door for everybody.
std::size_t Arrivals::busy(std::uint64_t now_ms) const {
  return static_cast<std::size_t>(std::count_if(waiting_.begin(), waiting_.end(), [&](const auto& one) {
    return !silent(one.second, now_ms) && now_ms - one.second.opened_ms < limits_.stalled_ms;
  }));
}

}  // namespace latchkey::hub::gate
