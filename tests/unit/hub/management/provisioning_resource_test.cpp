// SPDX-License-Identifier: Apache-2.0
// The provisioning service as a resource, and the refusals of a hub that takes no CA certificates of others.
#include "tests/unit/hub/management/arm_support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;

class ProvisioningResource : public ArmTest {
 protected:
  void SetUp() override {
    furnish();
    played.state.id_scope = "0ne00000001";
    played.state.https = "https://127.0.0.1:8443";
    played.state.gates = {{.endpoint = "hub", .address = "127.0.0.1:1"}, {.endpoint = "dps", .address = "127.0.0.1:2"}};
  }
  std::string dps(const std::string& name = "dps") {
    return group() + "/providers/Microsoft.Devices/provisioningServices" + (name.empty() ? "" : "/" + name);
  }
};

// Rows: R-10-01
TEST_F(ProvisioningResource, shows_namespace_hubs_and_id_scope) {
  const auto shown = arm(Method::kGet, dps());
  ASSERT_EQ(shown.status, 200) << shown.body;
  EXPECT_EQ(shown.body["id"], dps());
  EXPECT_EQ(shown.body["name"], "dps");
  const auto& properties = shown.body["properties"];
  EXPECT_EQ(properties["deviceRegistryNamespace"]["resourceId"], ns());
  EXPECT_EQ(properties["idScope"], "0ne00000001");
  EXPECT_EQ(properties["state"], "Active");
  EXPECT_EQ(properties["allocationPolicy"], "Hashed");
  EXPECT_EQ(properties["deviceProvisioningHostName"], "127.0.0.1:2");
  EXPECT_EQ(properties["serviceOperationsHostName"], "127.0.0.1:8443");
  ASSERT_EQ(properties["iotHubs"].size(), 1u);
  EXPECT_EQ(properties["iotHubs"][0]["name"], "localhost");
  EXPECT_EQ(properties["iotHubs"][0]["allocationWeight"], 1);
  EXPECT_EQ(properties["iotHubs"][0]["applyAllocationPolicy"], true);
}

TEST_F(ProvisioningResource, is_the_only_one_in_every_list) {
  for (const auto& list :
       {dps(""), "/subscriptions/" + subscription() + "/providers/Microsoft.Devices/provisioningServices"}) {
    const auto listed = arm(Method::kGet, list);
    ASSERT_EQ(listed.status, 200) << list << listed.body;
    ASSERT_EQ(listed.body["value"].size(), 1u);
    EXPECT_EQ(listed.body["value"][0]["name"], "dps");
  }
  EXPECT_EQ(get("/provisioningServices").body["value"][0]["name"], "dps");
}

TEST_F(ProvisioningResource, is_found_in_any_case_and_no_other_is_there) {
  EXPECT_EQ(arm(Method::kGet, dps("DPS")).body["id"], dps());
  EXPECT_EQ(get("/provisioningServices/Dps").status, 200);
  EXPECT_EQ(arm(Method::kGet, dps("other")).code(), "ResourceNotFound");
  EXPECT_EQ(arm(Method::kPatch, dps("other"), {{"tags", {{"a", "b"}}}}).code(), "ResourceNotFound");
}

TEST_F(ProvisioningResource, knows_the_versions_that_its_clients_send) {
  for (const char* version : {"2026-03-01-preview", "2025-02-01-preview", "2022-12-12", "2022-02-05"}) {
    EXPECT_EQ(exactly(Method::kGet, dps() + "?api-version=" + version).status, 200) << version;
  }
  EXPECT_EQ(exactly(Method::kGet, dps() + "?api-version=2017-11-15").code(), "NoSupportedApiVersion");
  EXPECT_EQ(exactly(Method::kGet, dps()).code(), "MissingApiVersionParameter");
}

TEST_F(ProvisioningResource, tags_are_kept_and_audited) {
  EXPECT_EQ(arm(Method::kGet, dps()).body["tags"], json::object());
  const auto changed = arm(Method::kPatch, dps(), {{"tags", {{"line", "a"}}}});
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.body["tags"]["line"], "a");
  EXPECT_EQ(newest_audit()["action"], "provisioningService.update");
  EXPECT_EQ(arm(Method::kGet, dps()).body["tags"]["line"], "a");
  EXPECT_EQ(arm(Method::kGet, dps()).body["systemData"]["lastModifiedBy"], "uid:0 (root)");
}

TEST_F(ProvisioningResource, everything_but_its_tags_is_as_it_is) {
  EXPECT_EQ(arm(Method::kPatch, dps(), {{"properties", json::object()}}).code(), "ImmutableProperty");
  EXPECT_EQ(arm(Method::kPatch, dps(), {{"location", "elsewhere"}}).code(), "ImmutableProperty");
  EXPECT_EQ(arm(Method::kPut, dps(), json::object()).status, 405);
  EXPECT_EQ(arm(Method::kDelete, dps()).status, 405);
}

TEST_F(ProvisioningResource, names_no_namespace_that_is_not_there) {
  registry::Registry::Options options;
  options.path = folder.file("other.db");
  const auto other = registry::Registry::open(options, openssl::host_digest());
  ASSERT_TRUE(other);
  management = std::make_unique<Management>(Parts{**other, clock, played, played, played, played});
  const auto shown = get("/provisioningServices/dps");
  ASSERT_EQ(shown.status, 200) << shown.body;
  EXPECT_FALSE(shown.body["properties"].contains("deviceRegistryNamespace"));
  EXPECT_EQ(shown.body["properties"]["iotHubs"], json::array());
  management.reset();
}

class CertificatesOfOthers : public ArmTest {
 protected:
  void SetUp() override { furnish(); }
  std::string existing() {
    return hub("/certificates/") + get("/hubs/hub/certificates").body["value"][0]["name"].get<std::string>();
  }
};

// Rows: R-9-04
TEST_F(CertificatesOfOthers, are_refused_with_a_code_and_a_sentence_that_says_what_to_do_instead) {
  const json body = {{"properties", {{"certificate", "MIIB"}, {"isVerified", true}}}};
  const auto before = get("/hubs/hub/certificates").body;
  for (const auto& path : {hub("/certificates/mine"), existing()}) {
    const auto refused = arm(Method::kPut, path, body);
    EXPECT_EQ(refused.status, 400) << refused.body;
    EXPECT_EQ(refused.code(), "OperationNotSupported");
    EXPECT_THAT(refused.message(), HasSubstr("bringYourOwnRoot"));
    EXPECT_EQ(newest_audit()["outcome"], "not supported");
  }
  EXPECT_EQ(get("/hubs/hub/certificates").body, before);
}

TEST_F(CertificatesOfOthers, cannot_be_proven_either) {
  for (const char* act : {"/generateVerificationCode", "/verify", "/GenerateVerificationCode"}) {
    const auto refused = arm(Method::kPost, existing() + act, {{"certificate", "MIIB"}});
    EXPECT_EQ(refused.status, 400) << refused.body;
    EXPECT_EQ(refused.code(), "OperationNotSupported") << act;
    EXPECT_EQ(arm(Method::kPost, hub("/certificates/mine") + act, json::object()).code(), "ResourceNotFound") << act;
  }
}

TEST_F(CertificatesOfOthers, of_a_hub_that_is_not_there_are_a_404) {
  const auto path = group() + "/providers/Microsoft.Devices/IotHubs/none/certificates/mine";
  EXPECT_EQ(arm(Method::kPut, path, json::object()).code(), "ResourceNotFound");
}

}  // namespace
}  // namespace latchkey::hub::management
