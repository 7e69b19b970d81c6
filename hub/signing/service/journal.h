// SPDX-License-Identifier: Apache-2.0
// Puts sign operations on record, many in one commit: what came while the last commit ran goes into the next one,
// begins and ends alike, on a thread of its own. So a signature costs a share of a sync to disk, and who signs waits
// for none.
//
// Threads: any.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "hub/signing/service/ports.h"
#include "registry/signing/operations.h"

namespace latchkey::hub::signing {

class Journal {
 public:
  // The rows outlive it. `ended` hears of each end that was stored, as it was stored, on the journal's thread; of one
  // that could not be stored as kFailed.
  using Ended = std::function<void(const registry::signing::OperationEnd&)>;
  Journal(registry::signing::OperationRows& rows, Ended ended);
  ~Journal();  // stores what it was given

  // Returns when it is durable. kStorage, kShuttingDown.
  Answer<registry::Nothing> begin(const registry::signing::Operation& operation);
  // Returns at once.
  void end(registry::signing::OperationEnd end);
  void close();  // stores what it was given; begin() is refused from then on, end() is passed over

 private:
  struct Begin {
    const registry::signing::Operation* operation = nullptr;
    bool answered = false;
    Answer<registry::Nothing> answer = registry::Nothing{};
    std::condition_variable changed;
  };
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
