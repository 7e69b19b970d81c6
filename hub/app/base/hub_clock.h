// SPDX-License-Identifier: Apache-2.0
// The hub's wall clock. In a rehearsal it follows a clock document and tells the gates when that changes, so that hub,
// brokers and agents agree on the time.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
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
  // The last setting that every gate went by.
  wire::ClockSet settled() const;
  UnixMs settled_now() const;  // the time by it
  // Tells the gates and waits for them: true once all go by it. False when they do not, or `end` is asked for.
  using Changed = std::function<bool(const wire::ClockSet&, const std::stop_token& end)>;
  // Calls `changed` with the setting now and, on a thread of its own, after every change of the document; again and
  // again until it answers true.
  void follow(Changed changed);
  void stop();

 private:
  void watch(const std::stop_token& end);

  posix::PosixClock real_;
  const std::unique_ptr<posix::RehearsalClock> rehearsal_;
  Changed changed_;
  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable_any pause_;
  wire::ClockSet settled_;
  std::jthread thread_;
};

}  // namespace latchkey::hub::app
