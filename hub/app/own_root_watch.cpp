// SPDX-License-Identifier: Apache-2.0
#include "hub/app/own_root_watch.h"

#include <chrono>

#include "hub/ca/signing_request.h"

namespace latchkey::hub::app {

using registry::Outcome;
using registry::Reason;

void OwnRootWatch::start() {
  thread_ = std::thread([this] { run(); });
}

void OwnRootWatch::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void OwnRootWatch::run() {
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

Outcome<int> OwnRootWatch::look() {
  const UnixMs now = clock_();
  LATCHKEY_TRY(due, registry_.due_renewals(now));
  for (const auto& renewal : due) {
    LATCHKEY_TRY(request, ca::make_signing_request(keys_, renewal.policy.key_profile));
    const auto requested =
        registry_.request_renewal({"latchkey up", now}, renewal.namespace_name, renewal.policy.name, request);
    if (requested) continue;
    // Deleted or renewed since it was listed. A key that cannot be removed now is unnamed and goes at the next start.
    (void)keys_.destroy(request.key_ref);
    return fail(requested.error());
  }
  return static_cast<int>(due.size());
}

}  // namespace latchkey::hub::app
