// SPDX-License-Identifier: Apache-2.0
#include "hub/app/signing_watch.h"

#include <chrono>

namespace latchkey::hub::app {

using registry::Outcome;
using registry::Reason;

void SigningWatch::start() {
  thread_ = std::thread([this] { run(); });
}

void SigningWatch::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SigningWatch::run() {
  constexpr std::chrono::seconds kPause{1};
  Reason reported = Reason::kNone;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const auto looked = look();
    const Reason reason = looked ? Reason::kNone : looked.error().reason;
    if (!looked && reason != reported && on_error_) on_error_(looked.error());
    reported = reason;
    lock.lock();
    changed_.wait_for(lock, kPause, [this] { return stopping_; });
  }
}

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
