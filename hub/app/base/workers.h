// SPDX-License-Identifier: Apache-2.0
// A pool of threads that keeps order by key: what belongs to one connection runs one after the other, in the order
// in which it was posted; different connections run side by side.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace latchkey::hub::app {

class Workers {
 public:
  explicit Workers(std::size_t count);
  ~Workers();
  void post(std::uint64_t key, std::function<void()> job);
  std::size_t lanes() const { return lanes_.size(); }
  // Jobs that nobody has begun yet, over all lanes.
  std::size_t waiting() const { return waiting_; }
  // Runs what is queued, then ends the threads. Later posts are dropped.
  void stop();

 private:
  struct Lane {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> jobs;
    bool stopping = false;
    std::thread thread;
  };
  void run(Lane& lane);
  std::atomic<std::size_t> waiting_ = 0;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace latchkey::hub::app
