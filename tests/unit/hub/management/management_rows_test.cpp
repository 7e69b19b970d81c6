// SPDX-License-Identifier: Apache-2.0
// Rows of docs/behaviour.md that no other test of this room is about: what resources show, and what cannot be written.
#include <gmock/gmock.h>

#include <set>

#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

using testing::EndsWith;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::StartsWith;

class ManagementRows : public ManagementTest {
 protected:
  ManagementRows() { furnish(); }

  static json with_authority(const json& authority) {
    return {{"properties", {{"certificate", {{"certificateAuthorityConfiguration", authority}}}}}};
  }
  static json authority_of(const Seen& seen) {
    return seen.body["properties"]["certificate"]["certificateAuthorityConfiguration"];
  }
};

// Rows: R-5-02, R-5-08
TEST_F(ManagementRows, subject_and_validity_of_an_issuing_ca_are_the_services_whatever_is_asked_for) {
  const auto before = authority_of(get(kPolicies + "/pol"));
  const auto created = put(kPolicies + "/mine", with_authority({{"subject", "CN=mine"}}));
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(authority_of(created)["subject"], "CN=issuing 3") << "accepted, and not given";
  EXPECT_TRUE(authority_of(created)["validityNotBefore"].is_string());
  EXPECT_TRUE(authority_of(created)["validityNotAfter"].is_string());
  const auto refused = patch(kPolicies + "/pol", with_authority({{"subject", "CN=mine"}}));
  EXPECT_EQ(refused.code(), "ImmutableProperty");
  EXPECT_THAT(refused.target(), EndsWith("subject"));
  patch(kPolicies + "/pol", with_authority({{"validityNotAfter", "2099-01-01T00:00:00Z"}}));
  EXPECT_EQ(authority_of(get(kPolicies + "/pol")), before);
}

// Rows: R-5-05
TEST_F(ManagementRows, leaves_live_for_30_days_unless_asked_for_otherwise) {
  const auto created = put(kPolicies + "/usual");
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(created.body["properties"]["certificate"]["leafCertificateConfiguration"]["validityPeriodInDays"], 30);
}

// Rows: R-5-01
TEST_F(ManagementRows, every_policy_shows_ecc_as_its_key_type) {
  EXPECT_EQ(authority_of(get(kPolicies + "/pol"))["keyType"], "ECC");
  const auto asked = put(kPolicies + "/asked", with_authority({{"keyType", "ECC"}}));
  EXPECT_EQ(authority_of(asked)["keyType"], "ECC");
}

// Rows: R-9-01
TEST_F(ManagementRows, hub_names_its_namespace) {
  const auto hub = get("/hubs/hub");
  ASSERT_EQ(hub.status, 200);
  EXPECT_THAT(hub.body["properties"]["deviceRegistry"]["namespaceResourceId"].get<std::string>(),
              EndsWith("/namespaces/default"));
}

// Rows: R-9-03, R-9-05, R-9-06, R-9-07
TEST_F(ManagementRows, hub_certificates_are_one_page_and_show_what_clients_read) {
  ASSERT_EQ(put(kPolicies + "/second").status, 201);
  const auto page = get("/hubs/hub/certificates");
  ASSERT_EQ(page.body["value"].size(), 2u) << "one a policy";
  EXPECT_FALSE(page.body.contains("nextLink"));
  const auto* const rfc7231 = "[A-Z][a-z][a-z], [0-9][0-9] [A-Z][a-z][a-z] [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT";
  std::set<std::string> policies;
  for (const auto& certificate : page.body["value"]) {
    const auto& properties = certificate["properties"];
    for (const char* date : {"expiry", "created", "updated"}) {
      EXPECT_THAT(properties[date].get<std::string>(), MatchesRegex(rfc7231)) << date;
    }
    EXPECT_THAT(properties["subject"].get<std::string>(), StartsWith("CN=issuing "));
    EXPECT_THAT(properties["thumbprint"].get<std::string>(), MatchesRegex("[0-9A-Fa-f]+"));
    EXPECT_FALSE(properties["certificate"].get<std::string>().empty());
    EXPECT_EQ(properties["isVerified"], true) << "without proof of possession";
    policies.insert(properties["policyResourceId"].get<std::string>());
  }
  ASSERT_EQ(policies.size(), 2u);
  EXPECT_THAT(*policies.begin(), EndsWith("/policies/pol"));
  EXPECT_THAT(*policies.rbegin(), EndsWith("/policies/second"));
}

// Rows: R-8-01
TEST_F(ManagementRows, uuid_of_a_device_is_the_services_whatever_is_asked_for) {
  const json wanted = {{"properties", {{"uuid", "00000000-0000-4000-8000-000000000001"}}}};
  put(kDevices + "/pump", wanted);
  put(kDevices + "/pump");
  const auto uuid = get(kDevices + "/pump").body["properties"]["uuid"];
  EXPECT_THAT(uuid.get<std::string>(), MatchesRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"));
  EXPECT_NE(uuid, wanted["properties"]["uuid"]);
  EXPECT_EQ(patch(kDevices + "/pump", wanted).code(), "ImmutableProperty");
  EXPECT_EQ(get(kDevices + "/pump").body["properties"]["uuid"], uuid);
}

// Rows: R-8-04
TEST_F(ManagementRows, last_transition_of_a_device_is_its_last_change_and_the_services_to_say) {
  put(kDevices + "/pump", {{"properties", {{"lastTransitionTime", "2020-01-01T00:00:00Z"}}}});
  const auto shown = get(kDevices + "/pump").body;
  EXPECT_EQ(shown["properties"]["lastTransitionTime"], shown["systemData"]["lastModifiedAt"]);
  const registry::Call later{"test", clock.now() + 60'000};
  ASSERT_TRUE(registry->update_device(later, "default", "pump", {false}));
  const auto changed = get(kDevices + "/pump").body["properties"];
  EXPECT_EQ(changed["lastTransitionTime"], "2026-11-21T13:03:18.123Z");
  EXPECT_FALSE(changed.contains("status"));
}

// Rows: R-9-13, R-9-16
TEST_F(ManagementRows, what_the_service_says_of_an_identity_is_not_written_by_clients) {
  const std::string pump = "/devices/pump?api-version=2021-04-12";
  const json wanted = {
      {"deviceId", "pump"},        {"connectionState", "Connected"},   {"lastActivityTime", "2026-01-01T00:00:00Z"},
      {"armSyncStatus", "Failed"}, {"deviceResourceId", "/elsewhere"}, {"adrDeviceProperties", {{"uuid", "mine"}}}};
  ASSERT_EQ(put(pump, wanted).status, 200);
  const auto shown = get(pump).body;
  EXPECT_EQ(shown["connectionState"], "Disconnected");
  EXPECT_TRUE(shown["statusUpdatedTime"].is_string());
  EXPECT_TRUE(shown["cloudToDeviceMessageCount"].is_number());
  EXPECT_NE(shown["lastActivityTime"], wanted["lastActivityTime"]);
  EXPECT_NE(shown["armSyncStatus"], wanted["armSyncStatus"]);
  EXPECT_THAT(shown["deviceResourceId"].get<std::string>(), EndsWith("/namespaces/default/devices/pump"));
  EXPECT_EQ(shown["adrDeviceProperties"]["uuid"], get(kDevices + "/pump").body["properties"]["uuid"]);
}

// Rows: R-4-07
TEST_F(ManagementRows, credential_is_read_put_patched_synchronized_and_deleted) {
  const std::string version = "?api-version=2026-03-01-preview";
  EXPECT_EQ(get(kCredential).status, 200);
  const auto patched = patch(kCredential + version, {{"tags", {{"line", "a"}}}});
  EXPECT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(get(kCredential + version).body["tags"], (json{{"line", "a"}}));
  EXPECT_EQ(post(kCredential + "/synchronize").status, 200);
  EXPECT_EQ(remove(kPolicies + "/pol").status, 204);
  EXPECT_EQ(remove(kCredential).status, 204);
  EXPECT_EQ(get(kCredential).status, 404);
  EXPECT_EQ(put(kCredential).status, 201);
}

// Rows: R-3-02, R-4-04
TEST_F(ManagementRows, namespace_credential_policy_and_device_show_their_provisioning_state) {
  put(kDevices + "/pump");
  for (const auto& path : {std::string("/namespaces/default"), kCredential, kPolicies + "/pol", kDevices + "/pump"}) {
    EXPECT_EQ(get(path).body["properties"]["provisioningState"], "Succeeded") << path;
  }
}

}  // namespace
}  // namespace latchkey::hub::management
