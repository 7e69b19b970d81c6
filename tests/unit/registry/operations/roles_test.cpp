// SPDX-License-Identifier: Apache-2.0
// Principals, role definitions and role assignments.
#include "registry/roles/role.h"

#include "registry/roles/built_in.h"
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using roles::RoleDefinition;
using testing::HasSubstr;

class Roles : public RegistryTest {
 protected:
  NewPrincipal person(const std::string& name, std::uint8_t digest = 1) {
    NewPrincipal principal;
    principal.name = name;
    principal.digest.fill(digest);
    principal.expires = kNow + kDay;
    return principal;
  }
  RoleDefinition revoker(const std::string& name = "Revoker") {
    RoleDefinition role;
    role.name = name;
    role.actions = {"Microsoft.DeviceRegistry/namespaces/devices/revoke/action", "*/read"};
    role.not_actions = {"Latchkey/*"};
    role.assignable_scopes = {group()};
    return role;
  }
  static Uuid id(std::uint8_t number) {
    Uuid made;
    made.bytes = {number};
    return made;
  }
  std::string subscription() { return **registry->setting(std::string(kSubscriptionSetting)); }
  std::string group() { return "/subscriptions/" + subscription() + "/resourceGroups/latchkey"; }
  Outcome<Committed<roles::RoleAssignment>> assign(std::uint8_t number, const std::string& who, const std::string& role,
                                                   const std::string& scope) {
    return registry->create_role_assignment(call, {id(number), who, role, scope});
  }
};

TEST_F(Roles, data_folder_keeps_its_subscription) {
  const auto first = subscription();
  EXPECT_TRUE(parse_uuid(first));
  open();
  EXPECT_EQ(subscription(), first);
}

TEST_F(Roles, principal_is_kept_over_a_restart) {
  const auto made = must(registry->create_principal(call, person("ci"))).value;
  open();
  const auto found = must(registry->find_principal("CI"));
  EXPECT_EQ(found.id, made.id);
  EXPECT_EQ(found.digest, made.digest);
  EXPECT_EQ(found.expires, kNow + kDay);
  EXPECT_TRUE(found.usable(kNow));
  EXPECT_FALSE(found.usable(kNow + kDay));
  EXPECT_EQ(must(registry->find_principal(std::string(view(to_text(made.id))))).name, "ci");
}

TEST_F(Roles, principal_is_refused_for_its_name_its_expiry_and_its_namesake) {
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a/b"), std::string(65, 'a'),
                                 std::string("7a1d6a3e-0000-4000-8000-000000000001")}) {
    EXPECT_REFUSED(registry->create_principal(call, person(bad)), Reason::kInvalidName);
  }
  auto late = person("late");
  late.expires = kNow;
  EXPECT_REFUSED(registry->create_principal(call, late), Reason::kInvalidArgument);
  ASSERT_TRUE(registry->create_principal(call, person("ci", 1)));
  EXPECT_REFUSED(registry->create_principal(call, person("Ci", 2)), Reason::kAlreadyExists);
  EXPECT_REFUSED(registry->create_principal(call, person("other", 1)), Reason::kAlreadyExists);
  EXPECT_EQ(must(registry->list_principals()).size(), 1u);
}

TEST_F(Roles, revoked_principal_stays_and_the_first_time_stands) {
  ASSERT_TRUE(registry->create_principal(call, person("ci")));
  EXPECT_EQ(must(registry->revoke_principal(call, "ci")).value.revoked, kNow);
  expect_audit("principal.revoke", "principals/ci", "ok");
  call.now += kDay;
  EXPECT_EQ(must(registry->revoke_principal(call, "ci")).value.revoked, kNow);
  EXPECT_FALSE(must(registry->find_principal("ci")).usable(kNow));
  EXPECT_REFUSED(registry->revoke_principal(call, "nobody"), Reason::kNotFound);
}

TEST_F(Roles, deleted_principal_takes_its_assignments_along) {
  const auto first = must(registry->create_principal(call, person("ci"))).value;
  ASSERT_TRUE(assign(1, "ci", "Owner", "/"));
  ASSERT_TRUE(registry->delete_principal(call, "ci"));
  EXPECT_TRUE(must(registry->list_role_assignments()).empty());
  EXPECT_REFUSED(registry->rights_of(first.id), Reason::kNotFound);
  const auto again = must(registry->create_principal(call, person("ci", 2))).value;
  EXPECT_NE(again.id, first.id);
  EXPECT_TRUE(must(registry->rights_of(again.id)).grants.empty());
}

TEST_F(Roles, rights_are_roles_with_their_scopes) {
  const auto ci = must(registry->create_principal(call, person("ci"))).value;
  const auto role = must(registry->create_role_definition(call, revoker())).value;
  ASSERT_TRUE(assign(1, "ci", "Reader", "/"));
  ASSERT_TRUE(assign(2, "CI", "revoker", group()));
  const auto rights = must(registry->rights_of(ci.id));
  ASSERT_EQ(rights.grants.size(), 2u);
  EXPECT_EQ(rights.grants[0].role.name, "Reader");
  EXPECT_EQ(rights.grants[0].scope, "/");
  EXPECT_EQ(rights.grants[1].role.id, role.id);
  EXPECT_EQ(rights.grants[1].role.actions, revoker().actions);
  EXPECT_EQ(rights.grants[1].role.not_actions, revoker().not_actions);
  EXPECT_TRUE(rights.grants[1].role.data_actions.empty());
}

TEST_F(Roles, custom_role_is_refused_for_each_bad_member) {
  EXPECT_REFUSED(registry->create_role_definition(call, revoker("")), Reason::kInvalidName);
  EXPECT_REFUSED(registry->create_role_definition(call, revoker("a/b")), Reason::kInvalidName);
  EXPECT_REFUSED(registry->create_role_definition(call, revoker(std::string(129, 'a'))), Reason::kInvalidName);
  EXPECT_REFUSED(registry->create_role_definition(call, revoker("7a1d6a3e-0000-4000-8000-000000000001")),
                 Reason::kInvalidName);
  EXPECT_REFUSED(registry->create_role_definition(call, revoker("OWNER")), Reason::kAlreadyExists);

  std::vector<RoleDefinition> bad(7, revoker());
  bad[0].actions = {"not an action"};
  bad[1].not_data_actions = {"a/b\nc/d"};
  bad[2].actions.clear();
  bad[3].assignable_scopes.clear();
  bad[4].assignable_scopes = {"/namespaces/plant"};
  bad[5].assignable_scopes = {"/subscriptions/7a1d6a3e-0000-4000-8000-000000000001"};
  bad[6].actions = std::vector<std::string>(129, "a/read");
  for (const auto& role : bad) EXPECT_REFUSED(registry->create_role_definition(call, role), Reason::kInvalidArgument);

  ASSERT_TRUE(registry->create_role_definition(call, revoker()));
  EXPECT_REFUSED(registry->create_role_definition(call, revoker("rEVOKER")), Reason::kAlreadyExists);
  EXPECT_EQ(must(registry->list_role_definitions()).size(), roles::built_in_roles().size() + 1);
}

TEST_F(Roles, role_stays_while_somebody_holds_it_and_built_in_ones_for_ever) {
  ASSERT_TRUE(registry->create_principal(call, person("ci")));
  ASSERT_TRUE(registry->create_role_definition(call, revoker()));
  ASSERT_TRUE(assign(1, "ci", "Revoker", group()));
  EXPECT_REFUSED(registry->delete_role_definition(call, "Revoker"), Reason::kPreconditionFailed);
  ASSERT_TRUE(registry->delete_role_assignment(call, id(1), group()));
  ASSERT_TRUE(registry->delete_role_definition(call, "Revoker"));
  EXPECT_REFUSED(registry->delete_role_definition(call, "Revoker"), Reason::kNotFound);
  EXPECT_REFUSED(registry->delete_role_definition(call, "Reader"), Reason::kPreconditionFailed);
}

TEST_F(Roles, assignment_is_refused_unless_everything_about_it_exists) {
  ASSERT_TRUE(registry->create_principal(call, person("ci")));
  ASSERT_TRUE(registry->create_role_definition(call, revoker()));
  EXPECT_REFUSED(assign(1, "nobody", "Reader", "/"), Reason::kNotFound);
  EXPECT_REFUSED(assign(1, "ci", "No Role", "/"), Reason::kNotFound);
  EXPECT_REFUSED(assign(1, "ci", "7a1d6a3e-0000-4000-8000-000000000001", "/"), Reason::kNotFound);
  EXPECT_REFUSED(assign(1, "ci", "Reader", "/namespaces/plant"), Reason::kInvalidArgument);
  EXPECT_REFUSED(assign(1, "ci", "Reader", "/subscriptions/7a1d6a3e-0000-4000-8000-000000000001"),
                 Reason::kInvalidArgument);
  EXPECT_REFUSED(assign(1, "ci", "Revoker", "/"), Reason::kInvalidArgument);  // above where it can be assigned
  ASSERT_TRUE(assign(1, "ci", "Revoker", group()));
  expect_audit("role.assignment.create", "roleAssignments/01000000-0000-0000-0000-000000000000", "ok");
  EXPECT_THAT(last_audit().detail, HasSubstr("'Revoker' of 'ci' at " + group()));
  EXPECT_REFUSED(assign(1, "ci", "Reader", "/"), Reason::kAlreadyExists);       // the id
  EXPECT_REFUSED(assign(2, "ci", "Revoker", group()), Reason::kAlreadyExists);  // the same once more
  EXPECT_EQ(must(registry->list_role_assignments()).size(), 1u);
}

// Whoever may delete at one scope must not reach what another scope gave.
TEST_F(Roles, assignment_is_deleted_at_its_own_scope_only) {
  ASSERT_TRUE(registry->create_principal(call, person("ci")));
  ASSERT_TRUE(assign(1, "ci", "Owner", "/"));
  EXPECT_REFUSED(registry->delete_role_assignment(call, id(1), group()), Reason::kNotFound);
  EXPECT_REFUSED(registry->delete_role_assignment(call, id(2), "/"), Reason::kNotFound);
  ASSERT_TRUE(registry->delete_role_assignment(call, id(1), "/"));
  EXPECT_TRUE(must(registry->list_role_assignments()).empty());
}

TEST_F(Roles, refusals_are_audited_and_digests_are_not) {
  ASSERT_TRUE(registry->create_principal(call, person("ci", 0xab)));
  expect_audit("principal.create", "principals/ci", "ok");
  EXPECT_REFUSED(assign(1, "nobody", "Owner", "/"), Reason::kNotFound);
  expect_audit("role.assignment.create", "roleAssignments/01000000-0000-0000-0000-000000000000", "not found");
  for (const auto& record : must(registry->list_audit(0, 100))) {
    for (const auto* text : {&record.detail, &record.before, &record.after, &record.resource}) {
      EXPECT_EQ(text->find("abab"), std::string::npos) << *text;
    }
  }
}

}  // namespace
}  // namespace latchkey::registry
