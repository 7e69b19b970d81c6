// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/places.h"

#include <algorithm>

namespace latchkey::hub::gate {

void Attempts::drop_outdated(std::uint64_t boot_ms) {
  for (auto at = attempts_.begin(); at != attempts_.end();) {
    at = at->second.until_ms <= boot_ms ? attempts_.erase(at) : std::next(at);
  }
}

bool Attempts::add(wire::ConnectionId connection, std::string_view client_id, const Sha256& proof,
                   std::string_view peer, std::uint64_t boot_ms) {
  drop_outdated(boot_ms);
  const auto of_peer = std::count_if(attempts_.begin(), attempts_.end(),
                                     [peer](const auto& attempt) { return attempt.second.peer == peer; });
  if (attempts_.size() >= max_ || static_cast<std::size_t>(of_peer) >= max_per_peer_) return false;
  attempts_[connection] = {std::string(client_id), std::string(peer), proof, false, boot_ms + keep_ms_};
  return true;
}

bool Attempts::judge(wire::ConnectionId connection, bool verified, std::uint64_t boot_ms) {
  const auto found = attempts_.find(connection);
  if (found == attempts_.end()) return false;
  if (!verified) {
    attempts_.erase(found);
    return true;
  }
  found->second.approved = true;
  found->second.until_ms = boot_ms + keep_ms_;
  return true;
}

bool Attempts::redeem(std::string_view client_id, const Sha256& proof, std::uint64_t boot_ms) {
  drop_outdated(boot_ms);
  for (auto at = attempts_.begin(); at != attempts_.end(); ++at) {
    const Attempt& attempt = at->second;
    if (!attempt.approved || attempt.client_id != client_id || !constant_time_equal(attempt.proof, proof)) continue;
    attempts_.erase(at);
    return true;
  }
  return false;
}

Place find_place(const Session* holder, const Sha256& leaf_digest, const Sha256& proof, Attempts& attempts,
                 std::uint64_t boot_ms) {
  if (holder == nullptr) return Place::kFree;
  if (holder->standing == Standing::kPending) return Place::kHeld;
  if (holder->standing == Standing::kFailed) return Place::kTakeOver;
  const bool same_leaf = leaf_digest != Sha256{} && leaf_digest == holder->leaf_digest;
  if (same_leaf || attempts.redeem(holder->client_id, proof, boot_ms)) return Place::kTakeOver;
  return Place::kAttempt;
}

std::size_t Unverified::pending() const {
  return static_cast<std::size_t>(std::count_if(sessions_.begin(), sessions_.end(), [](const Session* session) {
    return session->standing == Standing::kPending;
  }));
}

Session* Unverified::overdue(std::uint64_t boot_ms) const {
  return !sessions_.empty() && sessions_.front()->deadline_ms <= boot_ms ? sessions_.front() : nullptr;
}

Unverified::Room Unverified::room_for(std::string_view peer, const Session* leaving) const {
  std::size_t total = 0;
  std::size_t of_peer = 0;
  Session* failed = nullptr;
  Session* failed_of_peer = nullptr;
  for (Session* session : sessions_) {
    if (session == leaving) continue;
    ++total;
    const bool same_peer = session->peer == peer;
    if (same_peer) ++of_peer;
    if (session->standing != Standing::kFailed) continue;
    if (failed == nullptr) failed = session;
    if (same_peer && failed_of_peer == nullptr) failed_of_peer = session;
  }
  if (of_peer >= max_per_peer_) return {failed_of_peer != nullptr, failed_of_peer};
  if (total >= max_) return {failed != nullptr, failed};
  return {true, nullptr};
}

}  // namespace latchkey::hub::gate
