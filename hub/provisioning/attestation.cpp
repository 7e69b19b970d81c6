// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/attestation.h"

#include <optional>

#include "agent/protocol/dps.h"
#include "hub/provisioning/internal/token.h"

namespace latchkey::hub::provisioning {

using registry::Enrollment;
using registry::Outcome;
using registry::Reason;
using registry::Refusal;
using registry::refuse;

bool is_absent(const Refusal& refusal) {
  return refusal.reason == Reason::kNotFound || refusal.reason == Reason::kEnrollmentNotFound;
}

Attestation::Attestation(registry::Registry& registry, CertificateVerifier& verifier, std::string id_scope)
    : Attestation(
          registry, [&registry](std::optional<std::uint64_t> known) { return registry.groups_unless(known); }, verifier,
          std::move(id_scope), [&registry] { return registry.edition(); }) {}

UnixMs Attestation::good_until(const wire::Opened& shown) {
  if (shown.password.empty()) return 0;
  const auto token = ShownToken::read(shown.password);
  return token ? token->ends_at() : 0;
}

Outcome<Enrollment> Attestation::attest(const wire::Opened& shown, const std::string& group, UnixMs now) {
  if (auto names = check_names(shown); !names) return fail(names.error());
  if (!shown.password.empty()) {
    auto token = ShownToken::read(shown.password);
    if (!token) return fail(token.error());
    TokenClaim claim(std::move(*token), id_scope_, shown.client_id, now);
    return find_proven(claim, shown.client_id, group);
  }
  if (shown.chain.empty() && shown.resent && shown.verified) return recall(shown.client_id);
  if (shown.chain.empty()) return refuse(Reason::kNoCredential, "neither certificate nor token was shown");
  CertificateClaim claim(verifier_, shown.chain, shown.client_id, now);
  return find_proven(claim, shown.client_id, group);
}

Outcome<void> Attestation::check_names(const wire::Opened& shown) const {
  const auto username = agent::dps::parse_username(shown.username);
  if (!username) return refuse(Reason::kTokenInvalid, "the username cannot be read");
  if (!agent::equal_ignoring_case(username->id_scope, id_scope_)) {
    return refuse(Reason::kTokenInvalid, "there is no such id scope");
  }
  if (!agent::equal_ignoring_case(username->registration_id, shown.client_id)) {
    return refuse(Reason::kClientIdMismatch, "client id and username name two registrations");
  }
  return {};
}

Outcome<Enrollment> Attestation::recall(const std::string& registration_id) {
  auto individual = registry_.find_enrollment(registration_id, false);
  if (individual || !is_absent(individual.error())) return individual;
  const auto registration = registry_.find_registration(registration_id);
  if (!registration) return refuse(Reason::kRegistryNotReady, "the service was restarted; connect again");
  return registry_.find_enrollment_by_uuid(registration->enrollment);
}

Outcome<Enrollment> Attestation::find_proven(Claim& claim, const std::string& registration_id,
                                             const std::string& group) {
  auto individual = registry_.find_enrollment(registration_id, false);
  if (!individual && !is_absent(individual.error())) return individual;
  std::optional<Enrollment> proven;
  if (individual && claim.proves(*individual)) {
    proven = std::move(*individual);
  } else {
    const Refusal unproven = claim.refusal();
    auto member = find_group(claim, group);
    if (individual && individual->enabled) return fail(unproven);
    if (!member) return member;
    // A disabled individual enrollment overrules the group that proved itself.
    proven = individual ? std::move(*individual) : std::move(*member);
  }
  if (auto rest = claim.check(); !rest) return fail(rest.error());
  return std::move(*proven);
}

Outcome<Enrollment> Attestation::find_group(Claim& claim, const std::string& group) {
  if (!group.empty()) {
    auto known = registry_.find_enrollment(group, true);
    if (known && claim.proves(*known)) return known;
    if (!known && !is_absent(known.error())) return known;
  }
  LATCHKEY_TRY(groups, groups_.current());
  const Enrollment* found = nullptr;
  for (const auto* candidate : claim.candidates(*groups)) {
    // Two groups with one key: refusing is the safe reading.
    if (claim.proves(*candidate) && (found == nullptr || !candidate->enabled)) found = candidate;
  }
  if (found == nullptr) return fail(claim.refusal());
  return *found;
}

}  // namespace latchkey::hub::provisioning
