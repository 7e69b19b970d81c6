// SPDX-License-Identifier: Apache-2.0
// Who may do what in code signing: the documented matrix, row by row.
#include "registry/roles/built_in.h"
#include "registry/roles/evaluation.h"
#include "tests/unit/hub/management/role_support.h"

namespace latchkey::hub::management {
namespace {

class SigningRoles : public RolesTest {
 protected:
  // An api-version that nobody knows is refused with 400, but not before the roles were asked.
  bool may(const Caller& caller, Method method, const std::string& path) {
    return respond(caller, method, path + "?api-version=none").status != 403;
  }
  const std::string kAccount = "/resourceGroups/latchkey/codeSigningAccounts/contoso";
  const std::string kProfile = kAccount + "/certificateProfiles/release";
  const std::string kValidation = kAccount + "/identityValidations/7a1d6a3e-0000-4000-8000-000000000001";
};

// Rows: S-6-70, S-6-71
TEST_F(SigningRoles, matrix_is_the_documented_one) {
  using enum Method;
  struct Row {
    const char* role;
    bool changes_account, views_account, changes_profile, verifies;
  };
  const Row rows[] = {{"Owner", true, true, true, false},
                      {"Contributor", true, true, true, false},
                      {"Reader", false, true, false, false},
                      {"User Access Administrator", false, true, false, false},
                      {"Artifact Signing Identity Verifier", false, true, false, true},
                      {"Artifact Signing Certificate Profile Signer", false, true, false, false}};
  int number = 0;
  for (const auto& row : rows) {
    const auto caller = person("p" + std::to_string(++number), row.role, "/");
    EXPECT_EQ(may(caller, kPut, kAccount), row.changes_account) << row.role;
    EXPECT_EQ(may(caller, kPatch, kAccount), row.changes_account) << row.role;
    EXPECT_EQ(may(caller, kDelete, kAccount), row.changes_account) << row.role;
    EXPECT_EQ(may(caller, kGet, kAccount), row.views_account) << row.role;
    EXPECT_EQ(may(caller, kPut, kProfile), row.changes_profile) << row.role;
    EXPECT_EQ(may(caller, kDelete, kProfile), row.changes_profile) << row.role;
    EXPECT_EQ(may(caller, kGet, kProfile), row.views_account) << row.role;
    EXPECT_EQ(may(caller, kPost, kAccount + "/identityValidations"), row.verifies) << row.role;
    EXPECT_EQ(may(caller, kGet, kValidation), row.verifies) << row.role;
    EXPECT_EQ(may(caller, kDelete, kValidation), row.verifies) << row.role;
    EXPECT_EQ(may(caller, kPost, kValidation + "/renew"), row.verifies) << row.role;
    EXPECT_FALSE(may(caller, kPost, "/identityValidations/x/decide")) << row.role << " plays the provider";
    EXPECT_FALSE(may(caller, kPost, kAccount + "/suspend")) << row.role << " plays the provider";
  }
}

TEST_F(SigningRoles, roots_are_seen_by_who_sees_the_service_as_a_whole) {
  using enum Method;
  int number = 0;
  const auto sees = [&](const char* role, const std::string& scope) {
    return may(person("r" + std::to_string(++number), role, scope), kGet, "/signingRoots/PublicTrust");
  };
  for (const auto* role : {"Owner", "Contributor", "Reader", "User Access Administrator"}) {
    EXPECT_TRUE(sees(role, "/")) << role;
    EXPECT_TRUE(sees(role, group())) << role;
    EXPECT_FALSE(sees(role, the_namespace())) << role;
  }
  for (const auto* role : {"Artifact Signing Identity Verifier", "Artifact Signing Certificate Profile Signer",
                           "IoT Hub Data Contributor"}) {
    EXPECT_FALSE(sees(role, "/")) << role;
  }
  EXPECT_FALSE(may(person("stranger"), kGet, "/signingRoots"));
}

// Rows: S-6-72
TEST_F(SigningRoles, signing_takes_the_signer_and_revoking_an_owner) {
  using registry::roles::Parity;
  using registry::roles::permits;
  using registry::roles::Plane;
  const registry::roles::Action sign{"Microsoft.CodeSigning/certificateProfiles/Sign/action", Plane::kData};
  const registry::roles::Action revoke{
      "Microsoft.CodeSigning/codeSigningAccounts/certificateProfiles/revokeCertificate/action", Plane::kControl};
  for (const auto& role : registry::roles::built_in_roles()) {
    EXPECT_EQ(permits(role, sign, Parity::kSeed), role.name == "Artifact Signing Certificate Profile Signer")
        << role.name;
    EXPECT_EQ(permits(role, revoke, Parity::kSeed), role.name == "Owner") << role.name;
  }
}

TEST_F(SigningRoles, role_at_one_account_reaches_no_other) {
  const auto scope = group() + "/providers/Microsoft.CodeSigning/codeSigningAccounts/contoso";
  const auto caller = person("verifier", "Artifact Signing Identity Verifier", scope);
  EXPECT_TRUE(may(caller, Method::kGet, kValidation));
  EXPECT_FALSE(may(caller, Method::kGet, "/resourceGroups/latchkey/codeSigningAccounts/other/identityValidations"));
  EXPECT_FALSE(may(caller, Method::kGet, "/identityValidations"));
}

}  // namespace
}  // namespace latchkey::hub::management
