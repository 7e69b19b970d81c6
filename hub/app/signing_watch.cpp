// SPDX-License-Identifier: Apache-2.0
#include "hub/app/signing_watch.h"

namespace latchkey::hub::app {

using registry::Outcome;

Outcome<std::size_t> SigningWatch::look() {
  const UnixMs now = clock_();
  LATCHKEY_TRY_VOID(validations_.settle({"latchkey up", now}));
  LATCHKEY_TRY(waiting, validations_.waiting_mails(1));
  if (waiting.empty()) return 0;
  if (!outbox_) {
    LATCHKEY_TRY(opened, signing::Outbox::open(validations_, folder_));
    outbox_.emplace(std::move(opened));
  }
  return outbox_->send(now);
}

}  // namespace latchkey::hub::app
