// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/crash_prober.h"

#include <chrono>
#include <utility>

namespace latchkey::tests {

CrashProber::CrashProber(const Hub& hub, std::string bystander, Identity identity)
    : bystander_(hub.hub_options(bystander, identity)), hub_(hub), thread_([this] { run(); }) {}

CrashProber::~CrashProber() {
  stopping_ = true;
  thread_.join();
}

void CrashProber::dead(const std::string& id, const Identity& identity) {
  const std::lock_guard lock(mutex_);
  dead_.push_back(hub_.hub_options(id, identity));
}

void CrashProber::wait_round() {
  const auto wanted = rounds_ + 2;  // the round under way may have begun before
  while (rounds_ < wanted) std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

std::vector<std::string> CrashProber::faults() {
  const std::lock_guard lock(mutex_);
  return std::exchange(faults_, {});
}

void CrashProber::try_one(const DeviceClient::Options& options, bool good) {
  // Whose handshake began before the anchors changed, and was without one, is not answered and comes again.
  constexpr int kTries = 3;
  ConnectResult seen;
  for (int tries = 0; tries < kTries; ++tries) {
    DeviceClient client(options);
    seen = client.connect();
    ++attempts_;
    if (good || seen.seen != Seen::kClosedWithoutConnack) break;
  }
  const bool as_it_must = good ? seen.seen == Seen::kAccepted : seen.seen == Seen::kRefused && seen.connack == 5;
  if (as_it_must) return;
  const std::lock_guard lock(mutex_);
  faults_.push_back((good ? "the bystander " : "the dead ") + options.client_id + ": " + seen.text());
}

void CrashProber::run() {
  while (!stopping_) {
    std::vector<DeviceClient::Options> dead;
    {
      const std::lock_guard lock(mutex_);
      dead = dead_;
    }
    try_one(bystander_, true);
    for (auto one = dead.rbegin(); one != dead.rend() && !stopping_; ++one) try_one(*one, false);
    ++rounds_;
  }
}

}  // namespace latchkey::tests
