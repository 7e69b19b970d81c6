// SPDX-License-Identifier: Apache-2.0
// SigningWatch: lets time have its way with identity validations by the hub's clock, which may be rehearsed, and writes
// their e-mails to the outbox.
//
// Threads: one of its own looks once a second. start() and stop() belong to the owner.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "hub/app/every_second.h"
#include "hub/signing/outbox/outbox.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::app {

class SigningWatch {
 public:
  using Clock = std::function<UnixMs()>;
  using ErrorSink = EverySecond::ErrorSink;

  // The registry outlives this object. The outbox is made with the first e-mail.
  SigningWatch(registry::Registry& registry, std::filesystem::path outbox, Clock clock, ErrorSink on_error)
      : validations_(rows_of(registry)),
        folder_(std::move(outbox)),
        clock_(std::move(clock)),
        thread_(
            [this]() -> registry::Outcome<void> {
              LATCHKEY_TRY_VOID(look());
              return {};
            },
            std::move(on_error)) {}

  void start() { thread_.start(); }
  void stop() { thread_.stop(); }  // may be called twice
  // One look; answers how many e-mails were written.
  registry::Outcome<std::size_t> look();

 private:
  registry::signing::Validations validations_;
  const std::filesystem::path folder_;
  const Clock clock_;
  std::optional<signing::Outbox> outbox_;  // by whoever looks
  EverySecond thread_;                     // the last: it ends before what it looks with
};

}  // namespace latchkey::hub::app
