// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/hub_clock.h"

#include <chrono>
#include <cmath>
#include <utility>

namespace latchkey::hub::app {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(50);

bool same(const wire::ClockSet& a, const wire::ClockSet& b) {
  return a.offset_ms == b.offset_ms && a.since_ms == b.since_ms && a.rate == b.rate;
}

}  // namespace

HubClock::HubClock(const std::string& document)
    : rehearsal_(document.empty() ? nullptr : std::make_unique<posix::RehearsalClock>(document)) {}

HubClock::~HubClock() { stop(); }

UnixMs HubClock::now() const { return setting().at(real_.now()); }

ports::MonotonicMs HubClock::monotonic() const { return real_.monotonic(); }

wire::ClockSet HubClock::setting() const {
  if (!rehearsal_) return {};
  return setting_of(rehearsal_->document(real_.monotonic()));
}

wire::ClockSet HubClock::setting_of(const posix::RehearsalDocument& document) {
  // To the nearest: a clock that stands still at a whole second stands there, and not a millisecond before it.
  return {std::llround(document.offset_s * 1000), std::llround(document.since_s * 1000), document.rate};
}

wire::ClockSet HubClock::settled() const {
  const std::lock_guard lock(mutex_);
  return settled_;
}

UnixMs HubClock::settled_now() const {
  const std::lock_guard lock(mutex_);
  return settled_.at(real_.now());
}

void HubClock::follow(Changed changed) {
  changed_ = std::move(changed);
  settled_ = setting();
  (void)changed_(settled_, {});
  if (rehearsal_) thread_ = std::jthread([this](const std::stop_token& end) { watch(end); });
}

void HubClock::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void HubClock::watch(const std::stop_token& end) {
  std::unique_lock lock(mutex_);
  for (;;) {
    pause_.wait_for(lock, end, kLookEvery, [] { return false; });
    if (end.stop_requested()) return;
    const auto current = setting();
    if (same(settled_, current)) continue;
    lock.unlock();
    const bool everywhere = changed_(current, end);
    lock.lock();
    if (everywhere) settled_ = current;
  }
}

}  // namespace latchkey::hub::app
