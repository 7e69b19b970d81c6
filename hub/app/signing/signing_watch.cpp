// SPDX-License-Identifier: Apache-2.0
#include "hub/app/signing/signing_watch.h"

namespace latchkey::hub::app {

using registry::Outcome;

void SigningWatch::start() {
  thread_.start();
  if (server_) mail_thread_.start();
}

void SigningWatch::stop() {
  if (server_) server_->give_up();
  mail_thread_.stop();
  thread_.stop();
}

Outcome<std::size_t> SigningWatch::look() {
  if (among_.on_duty && !among_.on_duty()) return 0;
  LATCHKEY_TRY_VOID(validations_.settle({"latchkey up", clock_()}));
  return server_ ? Outcome<std::size_t>(0) : deliver();
}

Outcome<std::size_t> SigningWatch::deliver() {
  if (among_.on_duty && !among_.on_duty()) return 0;
  LATCHKEY_TRY(waiting, validations_.waiting_mails(1));
  if (waiting.empty()) return 0;
  if (!outbox_) {
    LATCHKEY_TRY(
        opened, signing::Outbox::open(
                    validations_, {folder_, server_.get(), {}, among_.claimant ? &claims_ : nullptr, among_.claimant}));
    outbox_.emplace(std::move(opened));
  }
  return outbox_->send(clock_());
}

}  // namespace latchkey::hub::app
