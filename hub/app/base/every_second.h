// SPDX-License-Identifier: Apache-2.0
// EverySecond: a thread that looks once a second, for what comes due by a clock. A failure that lasts is told once.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "registry/model/refusal.h"

namespace latchkey::hub::app {

class EverySecond {
 public:
  using Look = std::function<registry::Outcome<void>()>;
  using ErrorSink = std::function<void(const registry::Refusal&)>;

  // Both are called on the thread alone; what they refer to outlives stop().
  EverySecond(Look look, ErrorSink on_error) : look_(std::move(look)), on_error_(std::move(on_error)) {}
  ~EverySecond() { stop(); }
  EverySecond(const EverySecond&) = delete;
  EverySecond& operator=(const EverySecond&) = delete;

  void start();
  void stop();  // a look that has begun is finished; may be called twice

 private:
  void run();

  const Look look_;
  const ErrorSink on_error_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace latchkey::hub::app
