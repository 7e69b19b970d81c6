// SPDX-License-Identifier: Apache-2.0
// Connects to the hub endpoint without a pause, in a thread of its own: with a certificate that is good all the time,
// and with every certificate whose revocation was acknowledged. It keeps what must never be seen.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/hub.h"

namespace latchkey::tests {

class CrashProber {
 public:
  CrashProber(const Hub& hub, std::string bystander, Identity identity);
  ~CrashProber();

  // From now on, every attempt with it must be refused.
  void dead(const std::string& id, const Identity& identity);
  // Waits until the bystander and each of the dead was tried at least once more.
  void wait_round();
  // What went wrong since the last call; empty when nothing did.
  std::vector<std::string> faults();
  std::uint64_t attempts() const { return attempts_; }

 private:
  void run();
  void try_one(const DeviceClient::Options& options, bool good);

  const DeviceClient::Options bystander_;
  const Hub& hub_;
  std::atomic<std::uint64_t> attempts_{0};
  std::atomic<std::uint64_t> rounds_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;  // guards the next two
  std::vector<DeviceClient::Options> dead_;
  std::vector<std::string> faults_;
  std::thread thread_;
};

}  // namespace latchkey::tests
