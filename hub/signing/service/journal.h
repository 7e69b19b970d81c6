// SPDX-License-Identifier: Apache-2.0
// Puts sign operations on record, many in one commit: what came while the last commit ran goes into the next one,
// begins and ends alike, on a thread of its own. So a signature costs a share of a sync to disk, and who signs waits
// for none. An operation that ended before its begin was written is written once, as it ended.
//
// Threads: any.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "hub/signing/service/ports.h"
#include "registry/signing/operations.h"

namespace latchkey::hub::signing {

class Journal {
 public:
  // An operation on its way, which outlives it. Waits for the answer in any case, if it was started.
  class Begin {
   public:
    explicit Begin(const registry::signing::Operation& operation) : operation_(operation) {}
    Begin(const Begin&) = delete;
    Begin& operator=(const Begin&) = delete;

   private:
    friend class Journal;
    // Each has a lock of its own, so that those who are answered together do not wait for one another; shared with the
    // journal's thread, which wakes a thread when the operation may be gone already.
    struct Waiter {
      std::mutex mutex;
      bool answered = false;  // guarded by mutex
      std::condition_variable changed;
    };
    const registry::signing::Operation& operation_;
    const std::shared_ptr<Waiter> waiter_ = std::make_shared<Waiter>();
    Answer<registry::Nothing> answer_ = registry::Nothing{};  // once it is answered
  };

  // The rows outlive it. `ended` hears of each end that was stored, as it was stored, on the journal's thread, and
  // before anybody's wait() for the same commit is over; of one that could not be stored as kFailed.
  using Ended = std::function<void(const registry::signing::OperationEnd&)>;
  Journal(registry::signing::OperationRows& rows, Ended ended);
  ~Journal();  // stores what it was given

  // Return at once. An end may come as soon as its begin was started. kShuttingDown.
  Answer<registry::Nothing> start(Begin& begin);
  void end(registry::signing::OperationEnd end);
  // Of one that was started: returns when it is durable. kStorage.
  Answer<registry::Nothing> wait(Begin& begin);
  void close();  // stores what it was given; start() is refused from then on, end() is passed over

 private:
  void loop();
  void store(const std::vector<Begin*>& begins, std::vector<registry::signing::OperationEnd>& ends);

  registry::signing::OperationRows& rows_;
  const Ended ended_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable queued_;
  std::vector<Begin*> begins_;
  std::vector<registry::signing::OperationEnd> ends_;
  bool closing_ = false;
  std::mutex join_;
  std::thread thread_;  // guarded by join_ after the start
};

}  // namespace latchkey::hub::signing
