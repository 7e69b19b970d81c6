// SPDX-License-Identifier: Apache-2.0
// The face of Azure Resource Manager: paths, versions, envelope, tags, errors (docs/behaviour.md, sections 1 to 4
// and 8).
#include "tests/unit/hub/management/arm_support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;

class Arm : public ArmTest {
 protected:
  void SetUp() override { furnish(); }
};

// Rows: R-1-06
TEST_F(Arm, resource_is_found_by_its_full_path_in_any_case) {
  const auto seen = arm(Method::kGet, ns("/credentials/default/policies/pol"));
  ASSERT_EQ(seen.status, 200) << seen.body;
  EXPECT_EQ(seen.body["id"], ns("/credentials/default/policies/pol"));
  auto shouted = ns("/CREDENTIALS/Default/Policies/POL");
  shouted.replace(1, 13, "SUBSCRIPTIONS");
  shouted.replace(shouted.find("namespaces/default"), 18, "NAMESPACES/DEFAULT");
  EXPECT_EQ(arm(Method::kGet, shouted).body, seen.body);
}

// Rows: R-3-01, R-9-01
TEST_F(Arm, ids_are_full_on_the_short_paths_too) {
  EXPECT_EQ(get("/namespaces/default").body["id"], ns());
  EXPECT_EQ(get(kCredential).body["id"], ns("/credentials/default"));
  EXPECT_EQ(get("/hubs/hub").body["id"], hub());
  EXPECT_EQ(get("/hubs/hub").body["properties"]["deviceRegistry"]["namespaceResourceId"], ns());
  const auto certificate = get("/hubs/hub/certificates").body["value"][0];
  EXPECT_EQ(certificate["id"], hub("/certificates/" + certificate["name"].get<std::string>()));
  EXPECT_EQ(certificate["properties"]["policyResourceId"], ns("/credentials/default/policies/pol"));
}

// Rows: R-2-01, R-2-02, R-2-03
TEST_F(Arm, api_version_is_asked_for_and_the_supported_ones_are_named) {
  const auto missing = exactly(Method::kGet, ns());
  EXPECT_EQ(missing.status, 400);
  EXPECT_EQ(missing.code(), "MissingApiVersionParameter");
  EXPECT_THAT(missing.message(), HasSubstr("2026-03-01-preview"));
  const auto unknown = exactly(Method::kGet, ns("?api-version=2019-01-01"));
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(unknown.code(), "NoSupportedApiVersion");
  EXPECT_THAT(unknown.message(), HasSubstr("'2026-03-01-preview', '2025-11-01-preview'"));
  EXPECT_EQ(exactly(Method::kGet, ns("?api-version=2025-11-01-preview")).status, 200);
  EXPECT_EQ(exactly(Method::kGet, hub("?api-version=2023-06-30")).status, 200);
  EXPECT_EQ(exactly(Method::kGet, ns("?api-version=2023-06-30")).code(), "NoSupportedApiVersion");
}

// Rows: R-3-11, R-3-18, R-3-19
TEST_F(Arm, what_is_not_there_is_said_in_arms_words) {
  const std::string stranger = "/subscriptions/7a1d6a3e-0000-4000-8000-000000000001/resourceGroups/latchkey";
  const std::string provider = "/providers/Microsoft.DeviceRegistry/namespaces/default";
  EXPECT_EQ(arm(Method::kGet, stranger + provider).code(), "SubscriptionNotFound");
  EXPECT_EQ(arm(Method::kGet, "/subscriptions/" + subscription() + "/resourceGroups/other" + provider).code(),
            "ResourceGroupNotFound");
  EXPECT_EQ(arm(Method::kGet, group() + "/providers/Microsoft.Storage/accounts/a").code(), "InvalidResourceType");
  const auto device = arm(Method::kGet, ns("/devices/pump"));
  EXPECT_EQ(device.status, 404);
  EXPECT_EQ(device.code(), "ResourceNotFound");
  EXPECT_EQ(device.message(),
            "The Resource 'Microsoft.DeviceRegistry/namespaces/default/devices/pump' under resource "
            "group 'latchkey' was not found.");
  EXPECT_FALSE(device.body["error"].contains("exitStatus"));
  const auto nowhere = group() + "/providers/Microsoft.DeviceRegistry/namespaces/nowhere/devices";
  EXPECT_EQ(arm(Method::kGet, nowhere).code(), "ParentResourceNotFound");
  EXPECT_EQ(arm(Method::kGet, nowhere).status, 404);
}

TEST_F(Arm, method_that_a_path_does_not_know_is_told_those_it_knows) {
  const auto seen = arm(Method::kPost, ns(), json::object());
  EXPECT_EQ(seen.status, 405);
  EXPECT_EQ(seen.field("Allow"), "GET, PUT, PATCH, DELETE");
}

TEST_F(Arm, lists_over_the_subscription_have_everything) {
  const auto seen =
      arm(Method::kGet, "/subscriptions/" + subscription() + "/providers/Microsoft.DeviceRegistry/namespaces");
  ASSERT_EQ(seen.status, 200);
  EXPECT_EQ(seen.body["value"][0]["name"], "default");
}

// Rows: R-3-01, R-3-04
TEST_F(Arm, tracked_resource_keeps_location_tags_and_who_made_it) {
  const auto path = group() + "/providers/Microsoft.DeviceRegistry/namespaces/plant-2";
  const json body = {{"location", "West Europe"}, {"tags", {{"line", "a"}}}, {"properties", json::object()}};
  EXPECT_EQ(arm(Method::kPut, path, body).status, 201);
  const auto made = arm(Method::kGet, path).body;
  EXPECT_EQ(made["location"], "westeurope");
  EXPECT_EQ(made["tags"], (json{{"line", "a"}}));
  EXPECT_EQ(made["systemData"]["createdBy"], "uid:0 (root)");
  EXPECT_EQ(made["systemData"]["createdByType"], "User");
  EXPECT_EQ(made["systemData"]["lastModifiedBy"], "uid:0 (root)");
  EXPECT_FALSE(made["systemData"]["lastModifiedAt"].get<std::string>().empty());

  EXPECT_EQ(arm(Method::kPatch, path, {{"tags", {{"line", "b"}, {"shift", "2"}}}}).status, 200);
  EXPECT_EQ(arm(Method::kGet, path).body["tags"], (json{{"line", "b"}, {"shift", "2"}}));
  EXPECT_EQ(arm(Method::kPatch, path, {{"tags", json::object()}}).status, 200);
  EXPECT_EQ(arm(Method::kGet, path).body["tags"], json::object());
}

TEST_F(Arm, resource_does_not_move) {
  const auto moved = arm(Method::kPut, ns(), {{"location", "eastus"}});
  EXPECT_EQ(moved.code(), "ImmutableProperty");
  EXPECT_EQ(arm(Method::kGet, ns()).body["location"], "local");
}

TEST_F(Arm, namesake_of_a_deleted_device_has_none_of_its_tags) {
  ASSERT_EQ(arm(Method::kPut, ns("/devices/pump"), {{"tags", {{"line", "a"}}}}).status, 201);
  ASSERT_EQ(arm(Method::kDelete, ns("/devices/pump")).status, 202);
  ASSERT_TRUE(registry->create_device({"test", clock.now()}, "default", "pump"));
  EXPECT_EQ(arm(Method::kGet, ns("/devices/pump")).body["tags"], json::object());
}

// Rows: R-3-03, R-4-07, R-5-06
TEST_F(Arm, put_of_what_is_there_changes_it) {
  const auto policy = ns("/credentials/default/policies/pol");
  const json body = {
      {"properties", {{"certificate", {{"leafCertificateConfiguration", {{"validityPeriodInDays", 14}}}}}}}};
  EXPECT_EQ(arm(Method::kPut, policy, body).status, 200);
  const auto certificate = arm(Method::kGet, policy).body["properties"]["certificate"];
  EXPECT_EQ(certificate["leafCertificateConfiguration"]["validityPeriodInDays"], 14);
  EXPECT_EQ(arm(Method::kPut, ns("/credentials/default"), json::object()).status, 200);
  EXPECT_EQ(arm(Method::kPut, ns(), json::object()).status, 200);
  for (const auto& event : events())
    EXPECT_THAT(event, testing::Not(HasSubstr("make"))) << "a key was made for nothing";
}

TEST_F(Arm, what_was_read_can_be_put_back) {
  ASSERT_EQ(arm(Method::kPut, ns("/devices/pump"), json::object()).status, 201);
  for (const auto& path :
       {ns(), ns("/credentials/default"), ns("/credentials/default/policies/pol"), ns("/devices/pump")}) {
    const auto before = arm(Method::kGet, path);
    const auto put = arm(Method::kPut, path, before.body);
    EXPECT_EQ(put.status, 200) << path << put.body;
    EXPECT_EQ(arm(Method::kGet, path).body["properties"], before.body["properties"]) << path;
  }
}

// Rows: R-2-01, R-3-01, R-5-06
TEST_F(Arm, policy_is_tracked_in_the_older_generation_only) {
  const auto path = ns("/credentials/default/policies/pol");
  EXPECT_FALSE(arm(Method::kGet, path).body.contains("tags"));
  const auto older = exactly(Method::kPatch, path + "?api-version=2025-11-01-preview", {{"tags", {{"line", "a"}}}});
  EXPECT_EQ(older.status, 200) << older.body;
  EXPECT_EQ(older.body["tags"], (json{{"line", "a"}}));
  EXPECT_EQ(arm(Method::kPatch, path, {{"tags", {{"line", "b"}}}}).code(), "BadRequest");
}

// Rows: R-8-02, R-8-05, R-8-06
TEST_F(Arm, device_has_the_registrys_properties) {
  const json properties = {{"enabled", false},
                           {"externalDeviceId", "sn-1"},
                           {"manufacturer", "Acme"},
                           {"attributes", {{"floor", 3}}},
                           {"policy", {{"resourceId", ns("/credentials/default/policies/POL")}}}};
  ASSERT_EQ(arm(Method::kPut, ns("/devices/pump"), {{"properties", properties}}).status, 201);
  auto seen = arm(Method::kGet, ns("/devices/pump")).body["properties"];
  EXPECT_EQ(seen["enabled"], false);
  EXPECT_EQ(seen["externalDeviceId"], "sn-1");
  EXPECT_EQ(seen["attributes"], (json{{"floor", 3}}));
  EXPECT_EQ(seen["policy"]["resourceId"], ns("/credentials/default/policies/pol"));

  const json change = {{"properties", {{"policy", nullptr}, {"operatingSystemVersion", "2"}}}};
  EXPECT_EQ(arm(Method::kPatch, ns("/devices/pump"), change).status, 200);
  seen = arm(Method::kGet, ns("/devices/pump")).body["properties"];
  EXPECT_EQ(seen["policy"], nullptr);
  EXPECT_EQ(seen["operatingSystemVersion"], "2");
  EXPECT_EQ(seen["manufacturer"], "Acme");
  EXPECT_EQ(seen["enabled"], false);
}

// Rows: R-1-04, R-8-02, R-8-05
TEST_F(Arm, device_refuses_what_cannot_be_changed_and_policies_of_elsewhere) {
  ASSERT_EQ(arm(Method::kPut, ns("/devices/pump"), {{"properties", {{"operatingSystem", "linux"}}}}).status, 201);
  const auto code = [this](Method method, const json& properties) {
    return arm(method, ns("/devices/pump"), {{"properties", properties}}).code();
  };
  EXPECT_EQ(code(Method::kPut, {{"operatingSystem", "other"}}), "ImmutableProperty");
  EXPECT_EQ(code(Method::kPatch, {{"operatingSystem", "other"}}), "ImmutableProperty");
  EXPECT_EQ(code(Method::kPatch, {{"policy", {{"resourceId", ns("/credentials/default/policies/none")}}}}),
            "InvalidArgument");
  EXPECT_EQ(code(Method::kPatch, {{"policy", {{"resourceId", hub()}}}}), "InvalidArgument");
  EXPECT_EQ(arm(Method::kPut, ns("/devices/p.1"), json::object()).code(), "InvalidResourceName");
}

TEST_F(Arm, revoke_leaves_other_clients_words_alone) {
  ASSERT_EQ(arm(Method::kPut, ns("/devices/pump"), {{"properties", {{"manufacturer", "Acme"}}}}).status, 201);
  ASSERT_EQ(post(kDevices + "/pump/revoke").status, 200);
  EXPECT_EQ(arm(Method::kGet, ns("/devices/pump")).body["properties"]["manufacturer"], "Acme");
}

}  // namespace
}  // namespace latchkey::hub::management
