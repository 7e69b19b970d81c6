// SPDX-License-Identifier: Apache-2.0
// OwnRootWatch: puts a fresh CSR beside every issuing CA that the customer's CA signed and that is near its end
// (registry::kOwnRootRenewalMs) or beyond it, by the hub's clock, which may be rehearsed. The registry keeps the CSR,
// so a policy stays "ActiveButPendingRenewal" whoever restarts.
//
// Threads: one of its own looks once a second. start() and stop() belong to the owner.
#pragma once

#include <functional>

#include "hub/app/base/every_second.h"
#include "hub/ca/key_provider.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::app {

class OwnRootWatch {
 public:
  using Clock = std::function<UnixMs()>;
  using ErrorSink = EverySecond::ErrorSink;

  // Registry and keys outlive this object. `on_duty`: whether this of several nodes is the one that looks; empty: there
  // are no others.
  OwnRootWatch(registry::Registry& registry, ca::KeyProvider& keys, Clock clock, ErrorSink on_error,
               std::function<bool()> on_duty = {})
      : registry_(registry),
        keys_(keys),
        clock_(std::move(clock)),
        thread_(
            [this, on_duty = std::move(on_duty)]() -> registry::Outcome<void> {
              if (on_duty && !on_duty()) return {};
              LATCHKEY_TRY_VOID(look());
              return {};
            },
            std::move(on_error)) {}

  void start() { thread_.start(); }
  void stop() { thread_.stop(); }  // may be called twice
  // One look; answers how many CSRs were made.
  registry::Outcome<int> look();

 private:
  registry::Registry& registry_;
  ca::KeyProvider& keys_;
  const Clock clock_;
  EverySecond thread_;  // the last: it ends before what it looks with
};

}  // namespace latchkey::hub::app
