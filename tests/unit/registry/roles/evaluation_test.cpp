// SPDX-License-Identifier: Apache-2.0
#include "registry/roles/evaluation.h"

#include <gtest/gtest.h>

#include <set>

#include "registry/roles/built_in.h"
#include "registry/roles/scope.h"

namespace latchkey::registry::roles {
namespace {

const std::string kGroup = "/subscriptions/s/resourceGroups/g";
const std::string kPlant = kGroup + "/providers/Microsoft.DeviceRegistry/namespaces/plant";
const std::string kOther = kGroup + "/providers/Microsoft.DeviceRegistry/namespaces/other";
const std::string kNs = "Microsoft.DeviceRegistry/namespaces/";

RoleDefinition custom(std::vector<std::string> actions, std::vector<std::string> not_actions = {},
                      std::vector<std::string> data_actions = {}, std::vector<std::string> not_data_actions = {}) {
  RoleDefinition role;
  role.id.bytes = {9};
  role.name = "custom";
  role.actions = std::move(actions);
  role.not_actions = std::move(not_actions);
  role.data_actions = std::move(data_actions);
  role.not_data_actions = std::move(not_data_actions);
  return role;
}

bool may(const char* role, const std::string& action, Plane plane = Plane::kControl, Parity parity = Parity::kSeed) {
  const auto* found = built_in_role(role);
  if (found == nullptr) ADD_FAILURE() << "no role " << role;
  return found != nullptr && permits(*found, {action, plane}, parity);
}

TEST(Evaluation, nothing_is_allowed_without_a_role) {
  EXPECT_FALSE(allowed({}, {"a/read", Plane::kControl}, "/", Parity::kSeed));
}

TEST(Evaluation, not_actions_take_away_from_their_own_role_only) {
  const auto most = custom({"*"}, {"a/secret/*"});
  const auto secret = custom({"a/secret/read"});
  const Action read{"a/secret/read", Plane::kControl};
  EXPECT_FALSE(allowed({{most, "/"}}, read, kPlant, Parity::kSeed));
  EXPECT_TRUE(allowed({{most, "/"}, {secret, "/"}}, read, kPlant, Parity::kSeed));
  EXPECT_TRUE(allowed({{secret, "/"}, {most, "/"}}, read, kPlant, Parity::kSeed));
}

TEST(Evaluation, planes_do_not_mix) {
  const auto control = custom({"*"});
  const auto inside = custom({}, {}, {"*"}, {"a/keys/*"});
  EXPECT_FALSE(permits(control, {"a/b/read", Plane::kData}, Parity::kSeed));
  EXPECT_FALSE(permits(inside, {"a/b/read", Plane::kControl}, Parity::kSeed));
  EXPECT_TRUE(permits(inside, {"a/b/read", Plane::kData}, Parity::kSeed));
  EXPECT_FALSE(permits(inside, {"a/keys/read", Plane::kData}, Parity::kSeed));
  // what is withheld of one plane says nothing of the other
  EXPECT_TRUE(permits(custom({"*"}, {}, {}, {"*"}), {"a/b", Plane::kControl}, Parity::kSeed));
}

TEST(Evaluation, assignment_counts_at_its_scope_and_below) {
  const auto reader = *built_in_role("Reader");
  const Action read{"Microsoft.DeviceRegistry/namespaces/read", Plane::kControl};
  const std::vector<Grant> grants = {{reader, kPlant}};
  EXPECT_TRUE(allowed(grants, read, kPlant, Parity::kSeed));
  EXPECT_TRUE(allowed(grants, read, kPlant + "/devices/a", Parity::kSeed));
  EXPECT_FALSE(allowed(grants, read, kOther, Parity::kSeed));
  EXPECT_FALSE(allowed(grants, read, kGroup, Parity::kSeed));
  EXPECT_FALSE(allowed(grants, read, "/", Parity::kSeed));
}

TEST(BuiltInRoles, owner_has_no_say_in_the_data_plane) {
  for (const auto& action :
       {"Microsoft.Devices/provisioningServices/enrollments/read", "Microsoft.Devices/IotHubs/twins/write",
        "Microsoft.CodeSigning/certificateProfiles/Sign/action", "Microsoft.CodeSigning/IdentityVerification/Write"}) {
    EXPECT_FALSE(may("Owner", action, Plane::kData)) << action;
  }
  EXPECT_TRUE(may("Owner", "Microsoft.Authorization/roleAssignments/write"));
}

TEST(BuiltInRoles, contributor_changes_everything_but_roles_and_principals) {
  EXPECT_TRUE(may("Contributor", kNs + "credentials/policies/revokeIssuer/action"));
  EXPECT_TRUE(may("Contributor", "Microsoft.Authorization/roleAssignments/read"));
  for (const auto& action :
       {"Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete",
        "Microsoft.Authorization/roleDefinitions/write", "Microsoft.Authorization/elevateAccess/action",
        "Latchkey/principals/write", "Latchkey/principals/delete"}) {
    EXPECT_FALSE(may("Contributor", action)) << action;
  }
}

TEST(BuiltInRoles, access_administrator_assigns_but_does_not_operate) {
  EXPECT_TRUE(may("User Access Administrator", "Microsoft.Authorization/roleAssignments/write"));
  EXPECT_TRUE(may("User Access Administrator", "Latchkey/principals/write"));
  EXPECT_TRUE(may("User Access Administrator", kNs + "devices/read"));
  EXPECT_FALSE(may("User Access Administrator", kNs + "devices/revoke/action"));
}

TEST(BuiltInRoles, reader_reads) {
  EXPECT_TRUE(may("reader", "Latchkey/audit/read"));  // role names have no case
  EXPECT_FALSE(may("Reader", kNs + "devices/write"));
  EXPECT_FALSE(may("Reader", "Microsoft.Devices/provisioningServices/enrollments/read", Plane::kData));
}

// Both readings of the role (docs/roles.md) are switches.
// Rows: R-8-17, R-8-20, R-13-04
TEST(BuiltInRoles, credentials_contributor_suffices_for_device_revoke_unless_definitions_rule) {
  const auto* const role = "Azure Device Registry Credentials Contributor";
  for (const auto& action :
       {"credentials/write", "credentials/synchronize/action", "credentials/policies/delete",
        "credentials/policies/revokeIssuer/action", "credentials/policies/activateBringYourOwnRoot/action"}) {
    EXPECT_TRUE(may(role, kNs + action, Plane::kControl, Parity::kSeed)) << action;
    EXPECT_TRUE(may(role, kNs + action, Plane::kControl, Parity::kAzureRoles)) << action;
  }
  for (const auto& action : {"devices/revoke/action", "devices/write", "devices/read"}) {
    EXPECT_TRUE(may(role, kNs + action, Plane::kControl, Parity::kSeed)) << action;
    EXPECT_FALSE(may(role, kNs + action, Plane::kControl, Parity::kAzureRoles)) << action;
  }
  for (const auto& action : {"devices/delete", "write", "delete"}) {
    EXPECT_FALSE(may(role, kNs + action, Plane::kControl, Parity::kSeed)) << action;
  }
  EXPECT_FALSE(may(role, "Microsoft.DeviceRegistry/namespaces/devices/write", Plane::kData));
}

// Rows: R-8-18, R-8-20
TEST(BuiltInRoles, device_registry_contributor_has_devices_but_no_credentials) {
  const auto* const role = "Azure Device Registry Contributor";
  for (const auto parity : {Parity::kSeed, Parity::kAzureRoles}) {
    EXPECT_TRUE(may(role, kNs + "devices/revoke/action", Plane::kControl, parity));
    EXPECT_TRUE(may(role, "Microsoft.Devices/IotHubs/certificates/delete", Plane::kControl, parity));
    EXPECT_FALSE(may(role, kNs + "credentials/synchronize/action", Plane::kControl, parity));
    EXPECT_FALSE(may(role, kNs + "credentials/policies/revokeIssuer/action", Plane::kControl, parity));
  }
}

// Rows: R-8-19
TEST(BuiltInRoles, onboarding_enrols_but_sees_no_keys) {
  const auto* const role = "Azure Device Registry Onboarding";
  EXPECT_TRUE(may(role, "Microsoft.Devices/provisioningServices/enrollmentGroups/write", Plane::kData));
  EXPECT_FALSE(may(role, "Microsoft.Devices/provisioningServices/attestationmechanism/details/action", Plane::kData));
  EXPECT_FALSE(may(role, kNs + "devices/revoke/action"));
}

// signing.md, section 8
TEST(BuiltInRoles, signing_roles_do_one_thing_each) {
  const auto* const signer = "Artifact Signing Certificate Profile Signer";
  const auto* const verifier = "Artifact Signing Identity Verifier";
  EXPECT_TRUE(may(signer, "Microsoft.CodeSigning/certificateProfiles/Sign/action", Plane::kData));
  EXPECT_FALSE(may(signer, "Microsoft.CodeSigning/IdentityVerification/Write", Plane::kData));
  EXPECT_TRUE(may(verifier, "Microsoft.CodeSigning/IdentityVerification/Write", Plane::kData));
  EXPECT_FALSE(may(verifier, "Microsoft.CodeSigning/certificateProfiles/Sign/action", Plane::kData));
  EXPECT_FALSE(may(verifier, "Microsoft.CodeSigning/codeSigningAccounts/write"));
}

TEST(BuiltInRoles, revoking_a_signing_certificate_takes_an_owner_unless_definitions_rule) {
  const auto* const action = "Microsoft.CodeSigning/codeSigningAccounts/certificateProfiles/revokeCertificate/action";
  EXPECT_TRUE(may("Owner", action));
  EXPECT_FALSE(may("Contributor", action));
  EXPECT_TRUE(may("Contributor", action, Plane::kControl, Parity::kAzureRoles));
}

TEST(BuiltInRoles, custom_namesake_gains_nothing_from_the_seed) {
  auto copy = *built_in_role("Azure Device Registry Credentials Contributor");
  copy.built_in = false;
  EXPECT_FALSE(
      permits(copy, {"Microsoft.DeviceRegistry/namespaces/devices/revoke/action", Plane::kControl}, Parity::kSeed));
}

TEST(BuiltInRoles, ids_and_names_are_unique_and_found) {
  std::set<Uuid> ids;
  std::set<std::string> names;
  for (const auto& role : built_in_roles()) {
    EXPECT_TRUE(ids.insert(role.id).second) << role.name;
    EXPECT_TRUE(names.insert(role.name).second) << role.name;
    EXPECT_EQ(built_in_role(role.id), &role);
    EXPECT_EQ(built_in_role(role.name), &role);
    for (const auto* patterns : {&role.actions, &role.not_actions, &role.data_actions, &role.not_data_actions}) {
      for (const auto& pattern : *patterns) EXPECT_TRUE(valid_pattern(pattern)) << role.name << ": " << pattern;
    }
  }
  EXPECT_EQ(built_in_role("Nobody"), nullptr);
  EXPECT_EQ(built_in_role(Uuid{}), nullptr);
}

TEST(Bearer, is_who_has_that_digest_and_nobody_near) {
  std::vector<Principal> principals(3);
  principals[0].digest.fill(1);
  principals[1].digest.fill(2);
  principals[2].digest.fill(3);
  EXPECT_EQ(bearer_of(principals, principals[1].digest), &principals[1]);
  for (const std::size_t at : {std::size_t{0}, std::size_t{15}, std::size_t{31}}) {
    auto near = principals[1].digest;
    near[at] ^= 0x80;
    EXPECT_EQ(bearer_of(principals, near), nullptr) << at;
  }
  EXPECT_EQ(bearer_of({}, principals[1].digest), nullptr);
}

}  // namespace
}  // namespace latchkey::registry::roles
