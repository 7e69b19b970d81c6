// SPDX-License-Identifier: Apache-2.0
// SigningWatch: lets time have its way with identity validations by the hub's clock, which may be rehearsed, and sees
// to it that their e-mails get out.
//
// Threads: one of its own looks once a second; another one tells a mail server, if there is one, so that nothing else
// waits for it. start() and stop() belong to the owner.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "hub/app/base/every_second.h"
#include "hub/signing/outbox/outbox.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::app {

class SigningWatch {
 public:
  using Clock = std::function<UnixMs()>;
  using ErrorSink = EverySecond::ErrorSink;

  // Of several nodes one does what this is for. Both answer for the moment at which they are asked.
  struct Among {
    std::function<bool()> on_duty;
    std::function<std::string()> claimant;  // of signing::Outbox::Options; empty: e-mails are not claimed
  };

  // The registry outlives this object. The outbox is made with the first e-mail. `server`: nothing is a maildir alone.
  // `among`: without functions there are no others.
  SigningWatch(registry::Registry& registry, std::filesystem::path outbox, Clock clock, ErrorSink on_error,
               std::optional<signing::SmtpServer::Options> server = std::nullopt, Among among = {})
      : among_(std::move(among)),
        claims_(rows_of(registry)),
        validations_(rows_of(registry)),
        folder_(std::move(outbox)),
        clock_(std::move(clock)),
        server_(server ? std::make_unique<signing::SmtpServer>(std::move(*server)) : nullptr),
        thread_([this] { return nothing_of(look()); }, on_error),
        mail_thread_([this] { return nothing_of(deliver()); }, on_error) {}
  ~SigningWatch() { stop(); }

  void start();
  void stop();  // may be called twice
  // One look; answers how many e-mails were told. With a server they are left to its thread. Who is not on duty does
  // nothing.
  registry::Outcome<std::size_t> look();

 private:
  static registry::Outcome<void> nothing_of(const registry::Outcome<std::size_t>& outcome) {
    if (!outcome) return fail(outcome.error());
    return {};
  }
  registry::Outcome<std::size_t> deliver();

  const Among among_;
  registry::signing::MailClaims claims_;
  registry::signing::Validations validations_;
  const std::filesystem::path folder_;
  const Clock clock_;
  const std::unique_ptr<signing::SmtpServer> server_;
  std::optional<signing::Outbox> outbox_;  // by whoever delivers
  EverySecond thread_;                     // these last: they end before what they look with
  EverySecond mail_thread_;
};

}  // namespace latchkey::hub::app
