// SPDX-License-Identifier: Apache-2.0
// OwnRootWatch: puts a fresh CSR beside every issuing CA that the customer's CA signed and that is near its end
// (registry::kOwnRootRenewalMs) or beyond it, by the hub's clock, which may be rehearsed. The registry keeps the CSR,
// so a policy stays "ActiveButPendingRenewal" whoever restarts.
//
// Threads: one of its own looks once a second. start() and stop() belong to the owner.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "hub/ca/key_provider.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::app {

class OwnRootWatch {
 public:
  using Clock = std::function<UnixMs()>;
  using ErrorSink = std::function<void(const registry::Refusal&)>;  // a failure that lasts is heard once

  // Registry and keys outlive this object.
  OwnRootWatch(registry::Registry& registry, ca::KeyProvider& keys, Clock clock, ErrorSink on_error)
      : registry_(registry), keys_(keys), clock_(std::move(clock)), on_error_(std::move(on_error)) {}
  ~OwnRootWatch() { stop(); }
  OwnRootWatch(const OwnRootWatch&) = delete;
  OwnRootWatch& operator=(const OwnRootWatch&) = delete;

  void start();
  void stop();  // may be called twice
  // One look; answers how many CSRs were made.
  registry::Outcome<int> look();

 private:
  void run();

  registry::Registry& registry_;
  ca::KeyProvider& keys_;
  const Clock clock_;
  const ErrorSink on_error_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace latchkey::hub::app
