// SPDX-License-Identifier: Apache-2.0
// Admission: which registrations are worked on now, which wait, and which are told to come again. A re-provision wave
// brings more of them than the hub can serve; what it takes on it finishes, and what it does not take on costs next to
// nothing (docs/storms.md).
//
// Threads: any for all functions. Jobs run on threads of this room's own, several at once.
//
// Invariants:
//  1. What waits is bounded in number, in bytes and in the time that it takes to serve it; what does not fit is refused
//     by the same call, never dropped later.
//  2. Whoever waits is served by turns of their groups (fair_queue.h).
//  3. While live sessions wait for their own work, one server in four goes on; never none.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hub/provisioning/fair_queue.h"
#include "hub/throttle/pace.h"
#include "hub/throttle/throttle.h"

namespace latchkey::hub::provisioning {

class Admission {
 public:
  struct Options {
    std::size_t servers = 16;         // jobs that run at one time
    std::size_t most_waiting = 2048;  // of all groups; one alone may have half
    std::size_t most_bytes = 16 * 1024 * 1024;
    std::uint32_t most_wait_s = 5;    // what waits is no more than can be served within that time
    std::uint32_t least_retry_s = 1;  // what whoever is turned away hears, at least and at most
    std::uint32_t most_retry_s = 600;
    std::function<std::uint64_t()> monotonic_ms = throttle::monotonic_ms;
    std::function<bool()> live_waits = {};  // does the work of live sessions wait? Empty: it never does
    std::function<void()> crowded = {};     // a group is close to its bound, or beyond; called without a lock, often
  };
  explicit Admission(Options options);
  ~Admission() { stop(); }

  // Nothing: `job` runs when its turn comes. Otherwise nothing will run; how many seconds the device is to stay away.
  std::optional<std::uint32_t> admit(const std::string& group, std::size_t bytes, std::function<void()> job);
  // Lets running jobs end and drops what waits: nobody would hear the answers any more.
  void stop();

  // What a device is asked to wait whose job runs now: until it is done.
  std::uint32_t wait_of_running_s() const { return pace_.wait_s(options_.servers); }

  struct Figures {
    std::size_t waiting = 0;
    std::size_t running = 0;
    std::uint64_t admitted = 0;
    std::uint64_t turned_away = 0;
    double per_second = 0;            // what it could serve; 0: nothing was measured yet
    std::uint32_t retry_after_s = 0;  // what was told to those turned away and is not over; 0: nobody
  };
  Figures figures() const;

 private:
  void serve();
  std::size_t room() const;
  bool may_take() const;

  const Options options_;
  throttle::Pace pace_;

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  FairQueue<std::function<void()>> queue_;
  std::size_t running_ = 0;
  std::uint64_t admitted_ = 0;
  std::uint64_t turned_away_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> servers_;
};

}  // namespace latchkey::hub::provisioning
