// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/workers.h"

#include <utility>

namespace latchkey::hub::app {

Workers::Workers(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->thread = std::thread([this, lane = lanes_.back().get()] { run(*lane); });
  }
}

Workers::~Workers() { stop(); }

void Workers::post(std::uint64_t key, std::function<void()> job) {
  Lane& lane = *lanes_[(key * 0x9e3779b97f4a7c15ULL >> 32) % lanes_.size()];
  {
    const std::lock_guard lock(lane.mutex);
    if (lane.stopping) return;
    lane.jobs.push_back(std::move(job));
    ++waiting_;
  }
  lane.changed.notify_one();  // outside the lock, which the thread takes as soon as it wakes
}

void Workers::stop() {
  for (auto& lane : lanes_) {
    const std::lock_guard lock(lane->mutex);
    lane->stopping = true;
    lane->changed.notify_one();
  }
  for (auto& lane : lanes_) {
    if (lane->thread.joinable()) lane->thread.join();
  }
}

void Workers::run(Lane& lane) {
  std::unique_lock lock(lane.mutex);
  while (true) {
    lane.changed.wait(lock, [&lane] { return lane.stopping || !lane.jobs.empty(); });
    if (lane.jobs.empty()) return;
    const auto job = std::move(lane.jobs.front());
    lane.jobs.pop_front();
    --waiting_;
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace latchkey::hub::app
