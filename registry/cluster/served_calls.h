// SPDX-License-Identifier: Apache-2.0
// Direct methods that nodes have asked for (calls.h), for the devices that are connected to this one: it takes those
// whose device listens here, asks it, and writes the answer down.
//
// A call is taken only while its device may still come, counted from when this node first saw it: so of a node that was
// killed nobody carries out a call much later.
//
// Threads: turn() and tell_ends() from one; answers come from any.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "registry/cluster/calls.h"

namespace latchkey::registry::cluster {

class ServedCalls {
 public:
  enum class Found : std::uint8_t { kAbsent, kDeaf, kListens };
  // Of this node. None blocks.
  struct Devices {
    std::function<Found(const std::string& namespace_name, const std::string& device)> find;
    // `done` is called once, from any thread, perhaps at once.
    std::function<void(const DeviceCall& call, std::function<void(CallEnd)> done)> ask;
    std::function<void()> tick;  // while any is asked
  };
  struct Options {
    std::string node;
    std::function<std::int64_t()> now_ms;
    std::function<void()> hurry;       // there is something for tell_ends() to do
    std::int64_t grace_ms = 1'000;     // for a connected device to subscribe
    std::int64_t found_ms = 5'000;     // AskedCalls::Options
    std::int64_t orphan_ms = 120'000;  // beyond all its times: whoever asked is gone, and anybody removes it
  };
  ServedCalls(Options options, Devices devices) : options_(std::move(options)), devices_(std::move(devices)) {}

  // What devices answered since. Before the rows are read that turn() is given.
  Outcome<Nothing> tell_ends(store::Database& database);
  Outcome<Nothing> turn(store::Database& database, const std::vector<CallState>& calls);

 private:
  struct Seen {
    std::int64_t first_ms = 0;
    bool denied = false;
  };
  Outcome<Nothing> look(store::Database& database, const CallState& state, Seen& seen);
  Outcome<Nothing> offer(store::Database& database, const CallState& state, Seen& seen);
  Outcome<Nothing> take(store::Database& database, const Uuid& id);

  const Options options_;
  const Devices devices_;
  // Of the thread that takes turns.
  std::map<Uuid, Seen> seen_;
  std::set<Uuid> serving_;

  std::mutex mutex_;
  std::map<Uuid, CallEnd> ends_;  // guarded by mutex_: not written yet
};

}  // namespace latchkey::registry::cluster
