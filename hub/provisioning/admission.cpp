// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/admission.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace latchkey::hub::provisioning {
namespace {

constexpr std::size_t kShareBesideLive = 4;
// How often a server that stands back looks whether live sessions still wait: nobody tells it.
constexpr auto kLookAgain = std::chrono::milliseconds(10);

std::uint64_t microseconds(std::chrono::steady_clock::duration took) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
}

}  // namespace

Admission::Admission(Options options)
    : options_(std::move(options)),
      pace_({options_.servers, options_.least_retry_s, options_.most_retry_s}),
      queue_({options_.most_waiting, options_.most_bytes}) {
  for (std::size_t i = 0; i < options_.servers; ++i) servers_.emplace_back([this] { serve(); });
}

// By what is measured, but enough that no server is ever idle for want of somebody who waits.
std::size_t Admission::room() const {
  const double per_second = pace_.per_second();
  if (per_second == 0) return options_.most_waiting;
  const double in_time = per_second * options_.most_wait_s;
  if (in_time >= static_cast<double>(options_.most_waiting)) return options_.most_waiting;
  return std::min(options_.most_waiting, std::max(static_cast<std::size_t>(in_time), 4 * options_.servers));
}

std::optional<std::uint32_t> Admission::admit(const std::string& group, std::size_t bytes, std::function<void()> job) {
  const std::size_t room = this->room();
  std::optional<std::uint32_t> away;
  bool crowded = false;
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && queue_.fits(group, bytes, room)) {
      queue_.push(group, bytes, std::move(job));
      ++admitted_;
    } else {
      ++turned_away_;
      away = pace_.turn_away_s(options_.monotonic_ms(), queue_.size() + running_);
    }
    crowded = away || queue_.crowded(group, room);
  }
  if (!away) changed_.notify_one();  // outside the lock, which the server takes as soon as it wakes
  if (crowded && options_.crowded) options_.crowded();
  return away;
}

void Admission::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    while (queue_.pop()) continue;
    changed_.notify_all();
  }
  for (auto& server : servers_) {
    if (server.joinable()) server.join();
  }
}

Admission::Figures Admission::figures() const {
  Figures figures;
  {
    const std::lock_guard lock(mutex_);
    figures.waiting = queue_.size();
    figures.running = running_;
    figures.admitted = admitted_;
    figures.turned_away = turned_away_;
  }
  figures.per_second = pace_.per_second();
  figures.retry_after_s = pace_.told_s(options_.monotonic_ms());
  return figures;
}

bool Admission::may_take() const {
  if (!options_.live_waits || running_ < std::max<std::size_t>(1, options_.servers / kShareBesideLive)) return true;
  return !options_.live_waits();
}

void Admission::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    if (!may_take()) {
      changed_.wait_for(lock, kLookAgain, [this] { return stopping_; });
      continue;
    }
    auto job = queue_.pop();
    ++running_;
    lock.unlock();
    const auto began = std::chrono::steady_clock::now();
    (*job)();
    pace_.served(microseconds(std::chrono::steady_clock::now() - began));
    job.reset();  // with what it holds, before anybody is told
    lock.lock();
    --running_;
  }
}

}  // namespace latchkey::hub::provisioning
