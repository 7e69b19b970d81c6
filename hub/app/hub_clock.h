// SPDX-License-Identifier: Apache-2.0
// The hub's wall clock. In a rehearsal it follows a clock document and tells the gates when that changes, so that hub,
// brokers and agents agree on the time.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "hub/wire/feed.h"
#include "platform/ports/clock.h"
#include "platform/posix/clock.h"
#include "platform/posix/rehearsal_clock.h"

namespace latchkey::hub::app {

class HubClock final : public ports::Clock {
 public:
  // `document`: path of the clock document; empty: real time.
  explicit HubClock(const std::string& document);
  ~HubClock() override;

  UnixMs now() const override;
  ports::MonotonicMs monotonic() const override;

  wire::ClockSet setting() const;
  // What a clock document means to hub and gates.
  static wire::ClockSet setting_of(const posix::RehearsalDocument& document);
  // The last setting that `changed` has returned for.
  wire::ClockSet settled() const;
  // The time by the last setting that `changed` has returned for: what every gate goes by, too.
  UnixMs settled_now() const;
  // Calls `changed` with the setting now and, on a thread of its own, after every change of the document. It tells
  // the gates and returns when they have it.
  void follow(std::function<void(const wire::ClockSet&)> changed);
  void stop();

 private:
  void watch();

  posix::PosixClock real_;
  const std::unique_ptr<posix::RehearsalClock> rehearsal_;
  std::function<void(const wire::ClockSet&)> changed_;
  std::thread thread_;
  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable stop_;
  wire::ClockSet settled_;
  bool stopping_ = false;
};

}  // namespace latchkey::hub::app
