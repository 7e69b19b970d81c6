// SPDX-License-Identifier: Apache-2.0
#include "hub/session/internal/renewal.h"

#include <utility>

#include "hub/text/encoding.h"
#include "hub/text/time.h"

namespace latchkey::hub::session {

std::string fingerprint_of(const std::string& csr, const std::optional<DeviceIdentifier>& shown) {
  std::string what = csr + '\n';
  if (shown) {
    for (const std::uint8_t byte : shown->encode()) what += static_cast<char>(byte);
  }
  return sha256_text(what);
}

bool RenewalTable::holds(const std::string& device_id) const {
  const std::lock_guard lock(mutex_);
  return renewals_.count(device_id) != 0;
}

RenewalTable::Claim RenewalTable::claim(const RenewalRequest& asked, RenewalPtr recalled) {
  const UnixMs now = options_.now();
  const std::lock_guard lock(mutex_);
  RenewalPtr& held = renewals_[asked.speaker.device_id];
  if (!held) held = std::move(recalled);
  if (held && held->expires <= now) {
    held->given_up = true;
    held = nullptr;
  }
  if (held && held->request_id == asked.request_id && held->fingerprint == asked.fingerprint) {
    held->asked_on = asked.speaker.connection;
    return {{}, held, false, held->running};
  }
  if (auto fault = fault_in(asked, held.get())) {
    if (!held) renewals_.erase(asked.speaker.device_id);
    return {std::move(fault), nullptr, false, false};
  }
  if (held) held->given_up = true;
  held = std::make_shared<Renewal>(Renewal{.device_id = asked.speaker.device_id,
                                           .request_id = asked.request_id,
                                           .fingerprint = asked.fingerprint,
                                           .shown = asked.speaker.shown,
                                           .correlation_id = text::random_uuid(),
                                           .expires = now + options_.operation_ms,
                                           .certificates = {},
                                           .asked_on = asked.speaker.connection});
  ++running_;
  return {{}, held, true, true};
}

// What speaks against a fresh renewal in the place of `held`. Under the lock.
std::optional<RenewalFault> RenewalTable::fault_in(const RenewalRequest& asked, const Renewal* held) {
  const bool running = held != nullptr && held->running;
  const std::string& replace = asked.body.replace;
  const bool names_it = running && (replace == kReplaceAny || replace == held->request_id);
  if (!replace.empty() && replace != kReplaceAny && !names_it) {
    return RenewalFault{kNothingPending, "replace names no pending request", {}, {}};
  }
  if (running && !names_it) {
    const ErrorInfo info{held->correlation_id, "", "", held->request_id, text::iso8601_ticks(held->expires)};
    return RenewalFault{kInProgress, "another request is being worked on", info, {}};
  }
  if (options_.max_running != 0 && running_ >= options_.max_running) {
    // Devices whose certificates are of one hour ask in one hour: each is given another moment to come again.
    return RenewalFault{kThrottled, "too many renewals", {}, pace_.turn_away_s(options_.monotonic_ms(), running_)};
  }
  return std::nullopt;
}

void RenewalTable::issued(Renewal& renewal, registry::Sequence sequence, std::string certificates) {
  const std::lock_guard lock(mutex_);
  renewal.sequence = sequence;
  renewal.certificates = std::move(certificates);
}

bool RenewalTable::wanted(const Renewal& renewal) const {
  const std::lock_guard lock(mutex_);
  return !renewal.given_up;
}

void RenewalTable::drop(const RenewalPtr& renewal) {
  const std::lock_guard lock(mutex_);
  if (renewal->running) --running_;
  renewal->running = false;
  const auto found = renewals_.find(renewal->device_id);
  if (found != renewals_.end() && found->second == renewal) renewals_.erase(found);
}

RenewalTable::Settled RenewalTable::settle(Renewal& renewal, bool enforced, const std::optional<Speaker>& live) {
  const std::lock_guard lock(mutex_);
  Settled settled;
  settled.first = std::exchange(renewal.running, false);
  if (settled.first) --running_;
  renewal.enforced = enforced;
  settled.send = !renewal.given_up && live && live->shown == renewal.shown;
  if (settled.send && enforced) {
    renewal.published_on = live->connection;
    renewal.surely = live->connection == renewal.asked_on;
  }
  return settled;
}

RenewalPtr RenewalTable::due(const Speaker& speaker, Occasion occasion) {
  const std::lock_guard lock(mutex_);
  const auto found = renewals_.find(speaker.device_id);
  if (found == renewals_.end() || found->second->running) return nullptr;
  const RenewalPtr renewal = found->second;
  const bool sent_here = renewal->published_on == speaker.connection;
  const bool arrived = occasion == Occasion::kSpoke && sent_here && renewal->surely;
  // The registry remembers it for who asks again.
  if (arrived || renewal->expires <= options_.now() || renewal->shown != speaker.shown) {
    renewals_.erase(found);
    return nullptr;
  }
  if (!renewal->enforced || (occasion == Occasion::kOpened && sent_here)) return nullptr;
  renewal->published_on = speaker.connection;
  renewal->surely = occasion != Occasion::kOpened;
  return renewal;
}

}  // namespace latchkey::hub::session
