// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/membership.h"

#include <algorithm>

namespace latchkey::registry::cluster {
namespace {

constexpr std::int64_t kRenewalsInOneLease = 4;
constexpr std::int64_t kAgainMs = 100;

}  // namespace

Membership::Join Membership::how_to_join(const std::optional<Node>& row, std::int64_t now_ms) {
  if (!row) return Join::kInsert;
  if (row->state != NodeState::kLive) return Join::kTakeOver;
  // With another length of lease the gates may hold leases that last longer than ours say.
  if (!incarnation_.is_zero() && row->incarnation == incarnation_ && row->lease_ms == options_.lease_ms) {
    return Join::kGoOn;
  }
  const bool moved = met_ && (met_->incarnation != row->incarnation || met_->beat != row->beat);
  met_ = row;
  silence_.seen({*row}, now_ms);
  if (moved) return Join::kRefuse;
  return silence_.over(*row, now_ms) ? Join::kTakeOver : Join::kWait;
}

void Membership::joined(const Uuid& incarnation) {
  incarnation_ = incarnation;
  member_ = true;
  met_.reset();
  next_renewal_ms_ = 0;
}

void Membership::lost() {
  member_ = false;
  incarnation_ = {};
}

Membership::Grant Membership::renewed(std::int64_t sent_ms, Sequence newest) {
  next_renewal_ms_ = sent_ms + options_.lease_ms / kRenewalsInOneLease;
  lease_end_ms_ = std::max(lease_end_ms_, sent_ms + options_.lease_ms);
  return {newest, sent_ms + options_.lease_ms};
}

void Membership::not_renewed(std::int64_t now_ms) { next_renewal_ms_ = now_ms + kAgainMs; }

}  // namespace latchkey::registry::cluster
