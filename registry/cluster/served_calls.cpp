// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/served_calls.h"

#include <utility>

namespace latchkey::registry::cluster {

Outcome<Nothing> ServedCalls::tell_ends(store::Database& database) {
  std::map<Uuid, CallEnd> ends;
  {
    const std::lock_guard lock(mutex_);
    ends = ends_;  // they stay until they are written
  }
  for (const auto& [id, end] : ends) {
    auto done = end_call(database, id, options_.node, end);
    if (!done &&
        done.error().reason == Reason::kInvalidArgument) {  // nothing that a device says costs a node its lease
      done = end_call(database, id, options_.node,
                      {Reason::kDeviceAnswerUnreadable, "the device's answer cannot be passed on"});
    }
    LATCHKEY_TRY_VOID(done);
    serving_.erase(id);
    const std::lock_guard lock(mutex_);
    ends_.erase(id);
  }
  return Nothing{};
}

Outcome<Nothing> ServedCalls::turn(store::Database& database, const std::vector<CallState>& calls) {
  const auto now = options_.now_ms();
  std::map<Uuid, Seen> seen;
  for (const CallState& state : calls) {
    const auto before = seen_.find(state.id);
    seen[state.id] = before != seen_.end() ? before->second : Seen{now};
  }
  seen_ = std::move(seen);
  for (const CallState& state : calls) LATCHKEY_TRY_VOID(look(database, state, seen_[state.id]));
  if (!serving_.empty()) devices_.tick();
  return Nothing{};
}

Outcome<Nothing> ServedCalls::look(store::Database& database, const CallState& state, Seen& seen) {
  const auto age = options_.now_ms() - seen.first_ms;
  if (age > state.connect_ms + state.response_ms + options_.orphan_ms) return remove_call(database, state.id);
  if (state.ended) return Nothing{};
  if (state.server.empty()) {
    return age <= state.connect_ms + options_.found_ms ? offer(database, state, seen) : Nothing{};
  }
  if (state.server != options_.node || serving_.count(state.id) != 0) return Nothing{};
  // An earlier process of this node took it.
  return end_call(
      database, state.id, options_.node,
      {Reason::kDeviceSilent, "504101: the hub process of device '" + state.device + "' ended before it answered"});
}

Outcome<Nothing> ServedCalls::offer(store::Database& database, const CallState& state, Seen& seen) {
  const auto found = devices_.find(state.namespace_name, state.device);
  if (found == Found::kListens) return take(database, state.id);
  const bool waits = found == Found::kDeaf && options_.now_ms() - seen.first_ms < options_.grace_ms;
  if (seen.denied || waits || state.caller == options_.node) return Nothing{};
  LATCHKEY_TRY_VOID(deny_call(database, state.id, options_.node, found == Found::kDeaf));
  seen.denied = true;
  return Nothing{};
}

Outcome<Nothing> ServedCalls::take(store::Database& database, const Uuid& id) {
  LATCHKEY_TRY(taken, take_call(database, id, options_.node));
  if (!taken) return Nothing{};
  serving_.insert(id);
  devices_.ask(*taken, [this, id](CallEnd end) {
    {
      const std::lock_guard lock(mutex_);
      ends_.emplace(id, std::move(end));
    }
    options_.hurry();
  });
  return Nothing{};
}

}  // namespace latchkey::registry::cluster
