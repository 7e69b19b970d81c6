// SPDX-License-Identifier: Apache-2.0
// SigningWatch: lets time have its way with identity validations by the hub's clock, which may be rehearsed, and writes
// their e-mails to the outbox.
//
// Threads: one of its own looks once a second. start() and stop() belong to the owner.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "hub/signing/outbox/outbox.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::app {

class SigningWatch {
 public:
  using Clock = std::function<UnixMs()>;
  using ErrorSink = std::function<void(const registry::Refusal&)>;  // a failure that lasts is heard once

  // The registry outlives this object. The outbox is made with the first e-mail.
  SigningWatch(registry::Registry& registry, std::filesystem::path outbox, Clock clock, ErrorSink on_error)
      : validations_(rows_of(registry)),
        folder_(std::move(outbox)),
        clock_(std::move(clock)),
        on_error_(std::move(on_error)) {}
  ~SigningWatch() { stop(); }
  SigningWatch(const SigningWatch&) = delete;
  SigningWatch& operator=(const SigningWatch&) = delete;

  void start();
  void stop();  // may be called twice
  // One look; answers how many e-mails were written.
  registry::Outcome<std::size_t> look();

 private:
  void run();

  registry::signing::Validations validations_;
  const std::filesystem::path folder_;
  const Clock clock_;
  const ErrorSink on_error_;
  std::optional<signing::Outbox> outbox_;  // by whoever looks
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace latchkey::hub::app
