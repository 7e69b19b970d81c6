// SPDX-License-Identifier: Apache-2.0
#include "agent/update/evidence.h"

#include <algorithm>
#include <limits>

namespace latchkey::agent {
namespace {

constexpr UnixMs kNever = std::numeric_limits<UnixMs>::max();
constexpr UnixMs kSecond = 1000;

Revocations::Answer ask(const Revocations* revocations, const crypto::CertificateId& certificate) {
  return revocations == nullptr ? Revocations::Answer{} : revocations->ask(certificate);
}

// Does the timestamp count? RFC 3161 section 4 has it for a revoked authority: with a harmless reason its tokens from
// before stay good, otherwise none does. A CA above it is taken the same way.
bool stamp_counts(const Evidence& evidence, const Revocations* revocations, UnknownRevocation unknown, UnixMs now) {
  if (!evidence.stamped || evidence.stamped_at > now) return false;
  for (std::size_t i = 0; i < evidence.stamp_path.size; ++i) {
    const auto answer = ask(revocations, evidence.stamp_path.certificates[i]);
    if (answer.standing == Revocations::Standing::kUnknown && unknown == UnknownRevocation::kRefuse) return false;
    if (answer.standing != Revocations::Standing::kRevoked) continue;
    if (!answer.keeps_old_stamps || evidence.stamped_latest >= answer.effective_at) return false;
  }
  return true;
}

// From when on one of the path's certificates is revoked; the earliest counts.
struct Standing {
  bool unknown = false;
  UnixMs revoked_at = kNever;
};
Standing standing_of(const PathIds& path, const Revocations* revocations) {
  Standing standing;
  for (std::size_t i = 0; i < path.size; ++i) {
    const auto answer = ask(revocations, path.certificates[i]);
    if (answer.standing == Revocations::Standing::kUnknown) standing.unknown = true;
    if (answer.standing == Revocations::Standing::kRevoked) {
      standing.revoked_at = std::min(standing.revoked_at, answer.effective_at);
    }
  }
  return standing;
}

}  // namespace

Reason judge(const Evidence& evidence, const Revocations* revocations, UnknownRevocation unknown,
             std::optional<UnixMs> now) {
  if (!now) return Reason::kClockNotSet;
  const bool stamped = stamp_counts(evidence, revocations, unknown, *now);
  const UnixMs proven = stamped ? evidence.stamped_at : *now;
  const UnixMs latest = stamped ? evidence.stamped_latest : *now;
  // The authorities are looked at within the leaf's own life: whether that held is the table's to say.
  const UnixMs within = std::max(evidence.not_before, std::min(proven, evidence.not_after - kSecond));
  if (within < evidence.authorities_begin || within > evidence.authorities_end) return Reason::kUntrusted;
  const Standing standing = standing_of(evidence.path, revocations);
  if (standing.unknown && unknown == UnknownRevocation::kRefuse) return Reason::kRevocationUnknown;
  // The table.
  if (proven < evidence.not_before || (stamped && proven > evidence.not_after)) return Reason::kOutsideValidity;
  if (latest >= standing.revoked_at) return Reason::kRevoked;
  const bool ends_with_certificate = !stamped || evidence.lifetime_signing;
  if (ends_with_certificate && *now > evidence.not_after) {
    return stamped ? Reason::kLifetimeOver : Reason::kOutsideValidity;
  }
  return Reason::kGood;
}

}  // namespace latchkey::agent
