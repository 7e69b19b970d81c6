// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/asked_calls.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "registry/cluster/internal/random.h"

namespace latchkey::registry::cluster {
namespace {

bool lives(const std::vector<std::string>& nodes, const std::string& name) {
  return std::find(nodes.begin(), nodes.end(), name) != nodes.end();
}

// Names have no line ends in them.
bool all_deny(const std::vector<std::string>& nodes, const std::string& absent) {
  const std::string lines = "\n" + absent;
  return std::all_of(nodes.begin(), nodes.end(),
                     [&lines](const std::string& node) { return lines.find("\n" + node + "\n") != std::string::npos; });
}

Outcome<std::string> silent(const DeviceCall& call, const std::string& why) {
  return refuse(Reason::kDeviceSilent, "504101: " + why + " device '" + call.device + "'");
}

}  // namespace

Outcome<std::string> AskedCalls::ask(DeviceCall call) {
  call.id = random_uuid();
  call.caller = options_.node;
  const auto asked = std::make_shared<Asked>(Asked{std::move(call), {}, {}, {}});
  const Uuid id = asked->call.id;
  const auto most = asked->call.connect_ms + asked->call.response_ms + 2 * (options_.found_ms + options_.late_ms);
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return refuse(Reason::kShuttingDown, "the hub is shutting down");
    asked_[id] = asked;
  }
  options_.hurry();
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(most), [&] { return asked->end || stopped_; });
  asked_.erase(id);
  if (asked->end) return std::move(*asked->end);
  if (stopped_) return refuse(Reason::kShuttingDown, "the hub is shutting down");
  return refuse(Reason::kStorage, "the other nodes could not be asked for device '" + asked->call.device + "'");
}

void AskedCalls::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void AskedCalls::end(Asked& asked, Outcome<std::string> outcome) {
  const std::lock_guard lock(mutex_);
  if (!asked.end) asked.end = std::move(outcome);
  changed_.notify_all();
}

Outcome<bool> AskedCalls::turn(store::Database& database, const std::vector<CallState>& calls,
                               const std::vector<std::string>& others) {
  All all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, asked] : asked_) {
      if (!asked->end) all.emplace(id, asked);
    }
  }
  for (const CallState& state : calls) {
    if (state.caller != options_.node) continue;
    const auto found = all.find(state.id);
    if (found == all.end()) {  // nobody waits for it any more, or the process that did has ended
      LATCHKEY_TRY_VOID(remove_call(database, state.id));
      continue;
    }
    LATCHKEY_TRY_VOID(look(database, *found->second, state, others));
  }
  std::size_t there = calls.size();
  for (const auto& [id, asked] : all) {
    if (!asked->put_ms) LATCHKEY_TRY_VOID(put(database, *asked, there++));
  }
  return !all.empty();
}

Outcome<Nothing> AskedCalls::put(store::Database& database, Asked& asked, std::size_t there) {
  if (there >= kMostCalls) {
    end(asked, refuse(Reason::kThrottled, std::to_string(there) +
                                              " direct methods are waiting for devices of other nodes already; try "
                                              "again"));
    return Nothing{};
  }
  auto done = put_call(database, asked.call);
  if (!done && done.error().reason == Reason::kInvalidArgument) {  // nothing that is asked for costs a node its lease
    end(asked, refuse(done.error().reason, done.error().detail));
    return Nothing{};
  }
  LATCHKEY_TRY_VOID(done);
  asked.put_ms = options_.now_ms();
  return Nothing{};
}

Outcome<Nothing> AskedCalls::look(store::Database& database, Asked& asked, const CallState& state,
                                  const std::vector<std::string>& others) {
  const auto now = options_.now_ms();
  if (!asked.put_ms) asked.put_ms = now;  // it was put, and the answer was lost
  if (state.ended) {
    LATCHKEY_TRY(ended, find_call_end(database, state.id));
    LATCHKEY_TRY_VOID(remove_call(database, state.id));
    if (ended && !ended->refusal) {
      end(asked, std::move(ended->text));
    } else if (ended) {
      end(asked, refuse(*ended->refusal, ended->text));
    }
    return Nothing{};
  }
  if (!state.server.empty()) {
    const bool lost = state.server != options_.node && !lives(others, state.server);
    return look_for_answer(database, asked, state, lost);
  }
  const auto connect_end = *asked.put_ms + asked.call.connect_ms;
  const bool denied = now >= connect_end && all_deny(others, state.absent);
  return denied || now >= connect_end + options_.found_ms ? give_up(database, asked, state) : Nothing{};
}

Outcome<Nothing> AskedCalls::look_for_answer(store::Database& database, Asked& asked, const CallState& state,
                                             bool lost) {
  const auto now = options_.now_ms();
  if (!asked.taken_ms) asked.taken_ms = now;
  const bool late = now >= *asked.taken_ms + asked.call.response_ms + options_.late_ms;
  if (!lost && !late) return Nothing{};
  LATCHKEY_TRY_VOID(remove_call(database, state.id));
  end(asked, lost ? silent(asked.call, "the node was lost that waited for the response from")
                  : silent(asked.call, "timed out waiting for the response from"));
  return Nothing{};
}

Outcome<Nothing> AskedCalls::give_up(store::Database& database, Asked& asked, const CallState& state) {
  LATCHKEY_TRY(gone, give_call_up(database, state.id));
  if (!gone) return Nothing{};  // a node took it just now
  const auto& device = asked.call.device;
  end(asked, refuse(Reason::kDeviceNotOnline,
                    state.deaf ? "404103: device '" + device + "' is connected but has not subscribed to direct methods"
                               : "404103: timed out waiting for device '" + device + "' to connect"));
  return Nothing{};
}

}  // namespace latchkey::registry::cluster
