// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/every_second.h"

#include <chrono>

namespace latchkey::hub::app {

using registry::Reason;

void EverySecond::start() {
  thread_ = std::thread([this] { run(); });
}

void EverySecond::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void EverySecond::run() {
  constexpr std::chrono::seconds kPause{1};
  Reason reported = Reason::kNone;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const auto looked = look_();
    const Reason reason = looked ? Reason::kNone : looked.error().reason;
    if (!looked && reason != reported && on_error_) on_error_(looked.error());
    reported = reason;
    lock.lock();
    changed_.wait_for(lock, kPause, [this] { return stopping_; });
  }
}

}  // namespace latchkey::hub::app
