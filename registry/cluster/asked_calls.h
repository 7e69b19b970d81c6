// SPDX-License-Identifier: Apache-2.0
// Direct methods that this node asks for, of devices that are not connected to it: a row each (calls.h), until it has
// its end. What other nodes do with it stands in served_calls.h.
//
// Threads: ask() and stop() from any, turn() from one. No clocks are compared: everything counts from what this node
// saw by its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "registry/cluster/calls.h"

namespace latchkey::registry::cluster {

class AskedCalls {
 public:
  struct Options {
    std::string node;
    std::function<std::int64_t()> now_ms;
    std::function<void()> hurry;    // there is something for turn() to do
    std::int64_t found_ms = 5'000;  // for a node that lives to say that it has not got the device
    std::int64_t late_ms = 3'000;   // for an answer to get here, beyond the time that the device has
  };
  explicit AskedCalls(Options options) : options_(std::move(options)) {}

  // Blocks until the device has answered or its time is over; id and caller are given here. kDeviceNotOnline: no node
  // has it, or it does not listen. kDeviceSilent, also when the node that had it is lost. kThrottled: kMostCalls are
  // under way. kShuttingDown; kStorage when the registry cannot be spoken to for so long.
  Outcome<std::string> ask(DeviceCall call);
  // `calls`: all rows, read behind the last turn; `others`: nodes that may serve devices. True: some are under way.
  Outcome<bool> turn(store::Database& database, const std::vector<CallState>& calls,
                     const std::vector<std::string>& others);
  // Ends every wait; later ones at once.
  void stop();

 private:
  struct Asked {
    DeviceCall call;
    // Of the thread that takes turns.
    std::optional<std::int64_t> put_ms;
    std::optional<std::int64_t> taken_ms;
    // Guarded by mutex_.
    std::optional<Outcome<std::string>> end;
  };
  using All = std::map<Uuid, std::shared_ptr<Asked>>;

  Outcome<Nothing> put(store::Database& database, Asked& asked, std::size_t there);
  Outcome<Nothing> look(store::Database& database, Asked& asked, const CallState& state,
                        const std::vector<std::string>& others);
  Outcome<Nothing> look_for_answer(store::Database& database, Asked& asked, const CallState& state, bool lost);
  Outcome<Nothing> give_up(store::Database& database, Asked& asked, const CallState& state);
  void end(Asked& asked, Outcome<std::string> outcome);

  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  All asked_;  // guarded by mutex_, as stopped_
  bool stopped_ = false;
};

}  // namespace latchkey::registry::cluster
