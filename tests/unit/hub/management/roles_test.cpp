// SPDX-License-Identifier: Apache-2.0
// Roles over the API: definitions, assignments, and that they do what they say.
#include "tests/unit/hub/management/role_support.h"

namespace latchkey::hub::management {
namespace {

using registry::roles::Parity;
using testing::EndsWith;
using testing::HasSubstr;

class RolesApi : public RolesTest {
 protected:
  void SetUp() override { furnish(); }
  static std::string assignment(int number) {
    return "/roleAssignments/7a1d6a3e-0000-4000-8000-00000000000" + std::to_string(number);
  }
  static json of(const std::string& who, const std::string& role) {
    return {{"properties", {{"principalId", who}, {"roleDefinitionId", role}}}};
  }
  std::string message(const Seen& seen) { return seen.body["error"]["message"]; }
};

TEST_F(RolesApi, role_counts_from_its_assignment_to_its_end) {
  const auto ci = person("ci");
  EXPECT_EQ(ask_as(ci, Method::kGet, "/namespaces/default").status, 403);
  ASSERT_EQ(put(assignment(1) + "?scope=/namespaces/default", of("ci", "Reader")).status, 201);
  EXPECT_EQ(ask_as(ci, Method::kGet, "/namespaces/default").status, 200);
  EXPECT_EQ(ask_as(ci, Method::kGet, "/namespaces").status, 403);  // a list is the group's
  ASSERT_EQ(remove(assignment(1) + "?scope=/namespaces/default").status, 204);
  EXPECT_EQ(ask_as(ci, Method::kGet, "/namespaces/default").status, 403);
}

// Rows: R-8-20
TEST_F(RolesApi, refusal_names_principal_action_and_scope_and_changes_nothing) {
  put(kDevices + "/pump");
  const auto before = get(kDevices + "/pump").body;
  const auto ci = person("ci", "Reader", the_namespace());
  const auto refused = ask_as(ci, Method::kPost, kDevices + "/pump/revoke", json::object());
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.code(), "AuthorizationFailed");
  EXPECT_EQ(message(refused), "The client 'ci' with object id '" +
                                  get("/principals/ci").body["properties"]["principalId"].get<std::string>() +
                                  "' does not have authorization to perform action "
                                  "'Microsoft.DeviceRegistry/namespaces/devices/revoke/action' over scope '" +
                                  the_namespace() + "/devices/pump' or the scope is invalid.");
  EXPECT_EQ(get(kDevices + "/pump").body, before);
}

TEST_F(RolesApi, acts_of_a_principal_are_audited_in_its_name) {
  put(kDevices + "/pump");
  const auto ci = person("ci", "Azure Device Registry Contributor", the_namespace());
  EXPECT_EQ(ask_as(ci, Method::kPost, kDevices + "/pump/revoke", json::object()).status, 200);
  const auto record = newest_audit();
  EXPECT_EQ(record["actor"], "principal:ci");
  EXPECT_EQ(record["source"], "127.0.0.1:50000");
  EXPECT_EQ(record["action"], "device.revoke");
}

// Both readings of who may revoke a device (docs/roles.md).
// Rows: R-13-04
TEST_F(RolesApi, credentials_contributor_revokes_and_disables_devices_unless_definitions_rule) {
  put(kDevices + "/pump");
  const auto ops = person("ops", "Azure Device Registry Credentials Contributor", the_namespace());
  const json disable = {{"properties", {{"enabled", false}}}};
  EXPECT_EQ(ask_as(ops, Method::kPost, kDevices + "/pump/revoke", json::object()).status, 200);
  EXPECT_EQ(ask_as(ops, Method::kPatch, kDevices + "/pump", disable).status, 200);
  EXPECT_EQ(ask_as(ops, Method::kDelete, kDevices + "/pump").status, 403);
  EXPECT_EQ(get("/status").body["roles"], "seed");
  reread(Parity::kAzureRoles);
  EXPECT_EQ(ask_as(ops, Method::kPost, kDevices + "/pump/revoke", json::object()).status, 403);
  EXPECT_EQ(ask_as(ops, Method::kPatch, kDevices + "/pump", disable).status, 403);
  EXPECT_EQ(ask_as(ops, Method::kPost, kPolicies + "/pol/revokeIssuer", json::object()).status, 200);
  EXPECT_EQ(get("/status").body["roles"], "azure-roles");
}

TEST_F(RolesApi, principal_cannot_raise_itself) {
  const auto ci = person("ci", "Contributor", "/");
  EXPECT_EQ(ask_as(ci, Method::kPut, assignment(1) + "?scope=/", of("ci", "Owner")).status, 403);
  EXPECT_EQ(ask_as(ci, Method::kPut, assignment(1), of("ci", "Owner")).status, 403);
  EXPECT_EQ(ask_as(ci, Method::kPut, "/principals/accomplice").status, 403);
  EXPECT_EQ(ask_as(ci, Method::kDelete, "/principals/ci").status, 403);
  EXPECT_EQ(ask_as(ci, Method::kPut, "/roleDefinitions/Mine",
                   {{"properties", {{"actions", {"*"}}, {"assignableScopes", {"/"}}}}})
                .status,
            403);
  EXPECT_EQ(get("/roleAssignments").body["value"].size(), 1u);
}

TEST_F(RolesApi, who_assigns_below_gives_nothing_above_or_beside) {
  put("/namespaces/other");
  const auto admin = person("admin", "User Access Administrator", the_namespace());
  person("friend");
  EXPECT_EQ(ask_as(admin, Method::kPut, assignment(1) + "?scope=/namespaces/default", of("friend", "Owner")).status,
            201);
  for (const auto* scope :
       {"/", "/resourceGroups/latchkey", "/namespaces/other", "/namespaces/default-2", "nonsense"}) {
    EXPECT_EQ(ask_as(admin, Method::kPut, assignment(2) + "?scope=" + scope, of("friend", "Owner")).status, 403)
        << scope;
  }
  EXPECT_EQ(ask_as(admin, Method::kPut, assignment(2), of("friend", "Owner")).status, 403);  // no scope is "/"
  EXPECT_EQ(
      ask_as(admin, Method::kPut, assignment(2) + "?scope=/namespaces/default&scope=/", of("friend", "Owner")).status,
      403);
  // An assignment that lies elsewhere is not reached by naming another scope.
  ASSERT_EQ(put(assignment(3) + "?scope=/", of("friend", "Reader")).status, 201);
  EXPECT_EQ(ask_as(admin, Method::kDelete, assignment(3) + "?scope=/namespaces/default").status, 404);
  EXPECT_EQ(ask_as(admin, Method::kDelete, assignment(3) + "?scope=/").status, 403);
}

TEST_F(RolesApi, no_spelling_of_a_path_leaves_the_scope) {
  put("/namespaces/default-2");
  put("/namespaces/default-2/devices/pump");
  const auto boss = person("boss", "Owner", the_namespace());
  for (const auto* path :
       {"/namespaces/default-2", "/namespaces/default%2D2", "/namespaces/default%2F..%2Fdefault-2", "/namespaces/..",
        "/namespaces/default%2Fdevices%2Fpump", "/namespaces/default-2/devices/pump", "/namespaces/%2e%2e"}) {
    EXPECT_EQ(ask_as(boss, Method::kGet, path).status, 403) << path;
  }
  for (const auto* path : {"/namespaces/default/../default-2", "/namespaces//default-2", "//namespaces/default-2",
                           "/namespaces/default-2/", "/Namespaces/default-2"}) {
    EXPECT_EQ(ask_as(boss, Method::kGet, path).status, 404) << path;  // no route at all
  }
}

TEST_F(RolesApi, owner_does_not_reach_what_lies_inside) {
  const auto owner = person("boss", "Owner", "/");
  for (const auto* path : {"/enrollments", "/enrollmentGroups", "/registrations", "/twins/pump"}) {
    const auto refused = ask_as(owner, Method::kGet, path);
    EXPECT_EQ(refused.status, 403) << path;
  }
  give("boss", "Device Provisioning Service Data Reader",
       group() + "/providers/Microsoft.Devices/provisioningServices/dps/enrollments/pump");
  EXPECT_EQ(ask_as(owner, Method::kGet, "/enrollments").status, 403);
  EXPECT_EQ(ask_as(owner, Method::kGet, "/enrollments/pump").status, 404);  // it may look; there is none
}

TEST_F(RolesApi, custom_role_gives_what_it_names_and_no_more) {
  put(kDevices + "/pump");
  const json role = {{"properties",
                      {{"description", "revokes, sees nothing"},
                       {"actions", {"microsoft.deviceregistry/*/REVOKE/action"}},
                       {"assignableScopes", {"/namespaces/default"}}}}};
  const auto made = put("/roleDefinitions/Device%20revoker", role);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.body["properties"]["type"], "CustomRole");
  EXPECT_EQ(made.body["properties"]["assignableScopes"][0], the_namespace());
  person("ci");
  EXPECT_EQ(put(assignment(1) + "?scope=/", of("ci", "Device revoker")).status, 400);
  const auto given = put(assignment(1) + "?scope=/namespaces/default", of("ci", made.body["id"]));
  ASSERT_EQ(given.status, 201) << given.body;
  EXPECT_EQ(given.body["properties"]["roleDefinitionName"], "Device revoker");
  EXPECT_EQ(given.body["properties"]["scope"], the_namespace());
  const auto ci = Caller::by_token(*parse_uuid(given.body["properties"]["principalId"].get<std::string>()), "ci", "");
  EXPECT_EQ(ask_as(ci, Method::kPost, kDevices + "/pump/revoke", json::object()).status, 200);
  EXPECT_EQ(ask_as(ci, Method::kGet, kDevices + "/pump").status, 403);
  EXPECT_EQ(ask_as(ci, Method::kPost, kPolicies + "/pol/revokeIssuer", json::object()).status, 403);
  EXPECT_EQ(remove("/roleDefinitions/Device%20revoker").status, 412);
}

// Rows: R-8-17
TEST_F(RolesApi, built_in_role_is_shown_as_azure_shows_it) {
  const auto shown = get("/roleDefinitions/09267e11-2e06-40b5-8fe4-68cea20794c9");
  ASSERT_EQ(shown.status, 200);
  EXPECT_THAT(shown.body["id"].get<std::string>(),
              EndsWith("/providers/Microsoft.Authorization/roleDefinitions/09267e11-2e06-40b5-8fe4-68cea20794c9"));
  EXPECT_EQ(shown.body["properties"]["roleName"], "Azure Device Registry Credentials Contributor");
  EXPECT_EQ(shown.body["properties"]["type"], "BuiltInRole");
  EXPECT_EQ(shown.body["properties"]["permissions"][0]["dataActions"].size(), 0u);
  EXPECT_EQ(get("/roleDefinitions/reader").body["name"], "acdd72a7-3385-48ef-bd42-f606fba81ae7");
  EXPECT_EQ(get("/roleDefinitions/Nobody").status, 404);
  EXPECT_EQ(remove("/roleDefinitions/Reader").status, 412);
}

TEST_F(RolesApi, list_of_assignments_knows_scope_assignee_and_role) {
  person("a", "Reader", "/");
  person("b", "Owner", the_namespace());
  person("c", "Reader", group() + "/providers/Microsoft.Devices/IotHubs/hub");
  const auto count = [this](const std::string& query) { return get("/roleAssignments" + query).body["value"].size(); };
  EXPECT_EQ(count(""), 3u);
  EXPECT_EQ(count("?scope=/namespaces/default"), 2u);  // with what comes from above
  EXPECT_EQ(count("?scope=/namespaces/default&exact=true"), 1u);
  EXPECT_EQ(count("?role=reader"), 2u);
  EXPECT_EQ(count("?role=reader&assignee=C"), 1u);
  EXPECT_EQ(count("?scope=/&exact=true&assignee=b"), 0u);
  EXPECT_EQ(get("/roleAssignments?scope=nonsense").status, 400);
}

TEST_F(RolesApi, malformed_requests_name_the_member_and_make_nothing) {
  person("ci");
  EXPECT_EQ(put("/roleAssignments/no-uuid?scope=/", of("ci", "Reader")).status, 400);
  EXPECT_EQ(put(assignment(1) + "?scope=nonsense", of("ci", "Reader")).target(), "scope");
  EXPECT_EQ(put(assignment(1)).target(), "properties.roleDefinitionId");
  EXPECT_EQ(put(assignment(1), {{"properties", {{"roleDefinitionId", "Reader"}}}}).target(), "properties.principalId");
  EXPECT_EQ(put(assignment(1), {{"properties", {{"roleDefinitionId", 7}, {"principalId", "ci"}}}}).target(),
            "properties.roleDefinitionId");
  EXPECT_EQ(put(assignment(1), of("nobody", "Reader")).status, 404);
  for (const json& bad :
       {json("*"), json(7), json::object(), json::array({1}), json::array({nullptr}), json(nullptr)}) {
    EXPECT_EQ(put("/roleDefinitions/Mine", {{"properties", {{"actions", bad}, {"assignableScopes", {"/"}}}}}).target(),
              "properties.actions")
        << bad;
  }
  EXPECT_EQ(put("/roleDefinitions/Mine", {{"properties", {{"actions", {"*"}}}}}).status, 400);
  EXPECT_EQ(put("/roleDefinitions/Mine", {{"properties", {{"actions", {"*"}}, {"assignableScopes", {"/x/y"}}}}}).status,
            400);
  EXPECT_EQ(get("/roleAssignments").body["value"].size(), 0u);
  EXPECT_EQ(get("/roleDefinitions/Mine").status, 404);
}

}  // namespace
}  // namespace latchkey::hub::management
