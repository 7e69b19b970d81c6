// SPDX-License-Identifier: Apache-2.0
#include "registry/roles/evaluation.h"

#include <algorithm>

#include "registry/roles/built_in.h"
#include "registry/roles/scope.h"

namespace latchkey::registry::roles {
namespace {

bool any_matches(const std::vector<std::string>& patterns, std::string_view action) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches(pattern, action); });
}

// Where Parity::kSeed departs from the definitions; this table is all of it.
enum class Departure : std::uint8_t { kGives, kWithholds };
struct SeedRule {
  std::string_view role;
  Departure departure;
  std::string_view pattern;  // of the control plane
};
constexpr SeedRule kSeedRules[] = {
    // To revoke or switch off a device one has to find it, in its namespace.
    {kCredentialsContributorId, Departure::kGives, "Microsoft.DeviceRegistry/namespaces/read"},
    {kCredentialsContributorId, Departure::kGives, "Microsoft.DeviceRegistry/namespaces/devices/read"},
    {kCredentialsContributorId, Departure::kGives, "Microsoft.DeviceRegistry/namespaces/devices/write"},
    {kCredentialsContributorId, Departure::kGives, "Microsoft.DeviceRegistry/namespaces/devices/revoke/action"},
    {kContributorId, Departure::kWithholds,
     "Microsoft.CodeSigning/codeSigningAccounts/certificateProfiles/revokeCertificate/action"},
};

bool seed_rule(const RoleDefinition& role, Departure departure, const Action& action) {
  if (!role.built_in || action.plane != Plane::kControl) return false;
  return std::any_of(std::begin(kSeedRules), std::end(kSeedRules), [&](const SeedRule& rule) {
    return rule.departure == departure && *parse_uuid(rule.role) == role.id && matches(rule.pattern, action.name);
  });
}

}  // namespace

std::string_view to_string(Parity parity) { return parity == Parity::kSeed ? "seed" : "azure-roles"; }

bool permits(const RoleDefinition& role, const Action& action, Parity parity) {
  if (parity == Parity::kSeed) {
    if (seed_rule(role, Departure::kWithholds, action)) return false;
    if (seed_rule(role, Departure::kGives, action)) return true;
  }
  const bool data = action.plane == Plane::kData;
  const auto& given = data ? role.data_actions : role.actions;
  const auto& withheld = data ? role.not_data_actions : role.not_actions;
  return any_matches(given, action.name) && !any_matches(withheld, action.name);
}

bool allowed(const std::vector<Grant>& grants, const Action& action, std::string_view resource, Parity parity) {
  return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) {
    return covers(grant.scope, resource) && permits(grant.role, action, parity);
  });
}

}  // namespace latchkey::registry::roles
