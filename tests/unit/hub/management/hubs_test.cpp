// SPDX-License-Identifier: Apache-2.0
// Hubs as resources, and what enrollments say of them. Whoever runs hubs is played: it keeps to the registry alone.
#include <gmock/gmock.h>

#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;

class PlayedHubs : public HubActs {
 public:
  explicit PlayedHubs(registry::Registry& registry) : registry_(registry) {}
  registry::Outcome<registry::Hub> create(const registry::Call& call, registry::NewHub hub) override {
    asked = hub;
    if (hub.listen.empty()) hub.listen = "127.0.0.3:8883";
    hub.host = hub.listen;
    LATCHKEY_TRY(created, registry_.create_hub(call, hub));
    return created.value;
  }
  registry::Outcome<registry::Nothing> remove(const registry::Call& call, const std::string& name) override {
    LATCHKEY_TRY_VOID(registry_.delete_hub(call, name));
    return registry::Nothing{};
  }
  registry::NewHub asked;

 private:
  registry::Registry& registry_;
};

class HubActsTest : public ManagementTest {
 protected:
  void SetUp() override {
    furnish();
    Parts parts{*registry, clock, played, played, played, played};
    parts.hubs = &hubs;
    management = std::make_unique<Management>(parts);
  }
  static json properties(json value) { return {{"properties", std::move(value)}}; }
  PlayedHubs hubs{*registry};
};

TEST_F(HubActsTest, created_hub_is_shown_with_where_it_listens_and_its_latency) {
  const auto created = put("/hubs/east", properties({{"listen", "127.0.0.9:0"}, {"latencyMs", 40}}));
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(created.body["name"], "east");
  EXPECT_EQ(hubs.asked.namespace_name, "default");
  const auto shown = get("/hubs/EAST").body["properties"];
  EXPECT_EQ(shown["listen"], "127.0.0.9:0");
  EXPECT_EQ(shown["latencyMs"], 40);
  EXPECT_EQ(get("/hubs").body["value"].size(), 2u);
  EXPECT_TRUE(get("/hubs/hub").body["properties"]["latencyMs"].is_null());
  EXPECT_EQ(newest_audit()["action"], "hub.create");
}

// Rows: R-1-09, R-8-16, R-9-01
TEST_F(HubActsTest, namespace_is_named_by_either_kind_of_id) {
  ASSERT_EQ(put("/namespaces/plant").status, 201);
  const auto linked = [](const std::string& id) {
    return properties({{"deviceRegistry", {{"namespaceResourceId", id}}}});
  };
  EXPECT_EQ(put("/hubs/a", linked("/namespaces/plant")).status, 201);
  EXPECT_EQ(hubs.asked.namespace_name, "plant");
  EXPECT_EQ(
      put("/hubs/b", linked("/subscriptions/s/resourceGroups/g/providers/Microsoft.DeviceRegistry/namespaces/plant"))
          .status,
      201);
  EXPECT_EQ(hubs.asked.namespace_name, "plant");
  for (const char* id : {"", "plant", "/namespaces/", "/namespaces", "/hubs/plant"}) {
    const auto refused = put("/hubs/c", linked(id));
    EXPECT_EQ(refused.status, 400) << id;
    EXPECT_EQ(refused.target(), "properties.deviceRegistry.namespaceResourceId") << id;
  }
  EXPECT_EQ(put("/hubs/c", linked("/namespaces/none")).code(), "ParentResourceNotFound");
}

TEST_F(HubActsTest, bad_creations_are_refused_and_change_nothing) {
  EXPECT_EQ(put("/hubs/Hub").code(), "ResourceAlreadyExists");
  EXPECT_EQ(put("/hubs/a_b").code(), "InvalidResourceName");
  EXPECT_EQ(put("/hubs/a", properties({{"latencyMs", -1}})).code(), "InvalidArgument");
  for (const auto& [body, target] :
       std::vector<std::pair<json, std::string>>{{properties({{"listen", 5}}), "properties.listen"},
                                                 {properties({{"latencyMs", "5"}}), "properties.latencyMs"},
                                                 {properties({{"latencyMs", 1.5}}), "properties.latencyMs"},
                                                 {properties({{"region", "west"}}), "properties.region"},
                                                 {{{"listen", "127.0.0.3:0"}}, "listen"}}) {
    const auto refused = put("/hubs/a", body);
    EXPECT_EQ(refused.status, 400) << body;
    EXPECT_EQ(refused.target(), target) << body;
  }
  EXPECT_EQ(get("/hubs").body["value"].size(), 1u);
}

TEST_F(HubActsTest, latency_changes_and_can_be_taken_back_but_nothing_else_changes) {
  ASSERT_EQ(put("/hubs/east").status, 201);
  EXPECT_EQ(patch("/hubs/east", properties({{"latencyMs", 7}})).body["properties"]["latencyMs"], 7);
  EXPECT_TRUE(patch("/hubs/east", properties({{"latencyMs", nullptr}})).body["properties"]["latencyMs"].is_null());
  EXPECT_EQ(patch("/hubs/east", properties({{"listen", "127.0.0.4:0"}})).code(), "ImmutableProperty");
  EXPECT_EQ(patch("/hubs/east", json::object()).code(), "BadRequest");
  EXPECT_EQ(patch("/hubs/none", properties({{"latencyMs", 7}})).status, 404);
}

TEST_F(HubActsTest, hub_with_devices_is_deleted_only_by_its_name_once_more) {
  ASSERT_EQ(put("/enrollmentGroups/fleet").status, 201);
  const auto group = registry->find_enrollment("fleet", true);
  ASSERT_TRUE(registry->register_device({"test", clock.now()}, {"dev-1", group->uuid, false, {}, "op"}));
  const auto refused = remove("/hubs/hub");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.code(), "HubHasDevices");
  EXPECT_THAT(refused.body["error"]["message"].get<std::string>(), HasSubstr("dev-1"));
  EXPECT_EQ(remove("/hubs/hub?override=yes").code(), "HubHasDevices");
  EXPECT_EQ(remove("/hubs/hub?override=hub").status, 204);
  EXPECT_EQ(get("/hubs/hub").status, 404);
  EXPECT_EQ(remove("/hubs/hub").status, 404);
}

TEST_F(HubActsTest, process_that_runs_no_hubs_neither_creates_nor_deletes_any) {
  management = std::make_unique<Management>(Parts{*registry, clock, played, played, played, played});
  EXPECT_EQ(put("/hubs/east").status, 412);
  EXPECT_EQ(remove("/hubs/hub").status, 412);
  EXPECT_EQ(get("/hubs").body["value"].size(), 1u);
}

// Rows: R-10-14, R-10-15, R-10-16
TEST_F(HubActsTest, enrollment_shows_how_it_assigns) {
  ASSERT_EQ(put("/hubs/east").status, 201);
  const auto usual = put("/enrollments/a").body;
  EXPECT_EQ(usual["allocationPolicy"], "hashed");
  EXPECT_EQ(usual["iotHubs"], json::array());
  EXPECT_EQ(usual["reprovisionPolicy"], (json{{"updateHubAssignment", true}, {"migrateDeviceData", true}}));
  EXPECT_FALSE(usual.contains("iotHubHostName"));

  const auto fixed = put("/enrollments/b", {{"iotHubHostName", "127.0.0.3:8883"}}).body;
  EXPECT_EQ(fixed["allocationPolicy"], "static");
  EXPECT_EQ(fixed["iotHubs"], json::array({"east"})) << "a host is kept by its hub's name";
  EXPECT_EQ(fixed["iotHubHostName"], "east");

  const auto changed = patch("/enrollments/b", {{"allocationPolicy", "geoLatency"},
                                                {"iotHubs", {"EAST", "hub"}},
                                                {"reprovisionPolicy", {{"updateHubAssignment", false}}}});
  EXPECT_EQ(changed.body["allocationPolicy"], "geoLatency");
  EXPECT_EQ(changed.body["iotHubs"], json::array({"east", "hub"}));
  EXPECT_EQ(changed.body["reprovisionPolicy"]["updateHubAssignment"], false);
  EXPECT_EQ(changed.body["reprovisionPolicy"]["migrateDeviceData"], true);
}

// Rows: R-10-15, R-10-16
TEST_F(HubActsTest, custom_allocation_is_refused_in_so_many_words) {
  const auto refused = put("/enrollments/a", {{"allocationPolicy", "custom"}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.target(), "allocationPolicy");
  EXPECT_THAT(refused.body["error"]["message"].get<std::string>(), HasSubstr("custom"));
  EXPECT_EQ(put("/enrollments/a", {{"customAllocationDefinition", json::object()}}).target(),
            "customAllocationDefinition");
  EXPECT_EQ(get("/enrollments/a").status, 404);
}

// Rows: R-10-14, R-10-15
TEST_F(HubActsTest, bad_allocations_are_refused) {
  ASSERT_EQ(put("/hubs/east").status, 201);
  ASSERT_EQ(put("/enrollments/there").status, 201);
  for (const json& body : {json{{"allocationPolicy", "nearest"}}, json{{"allocationPolicy", 1}},
                           json{{"allocationPolicy", "static"}}, json{{"iotHubs", "east"}}, json{{"iotHubs", {"none"}}},
                           json{{"iotHubs", {1}}}, json{{"allocationPolicy", "hashed"}, {"iotHubHostName", "east"}},
                           json{{"iotHubs", {"hub"}}, {"iotHubHostName", "east"}}, json{{"iotHubHostName", ""}},
                           json{{"reprovisionPolicy", true}}, json{{"reprovisionPolicy", {{"updateHubAssignment", 1}}}},
                           json{{"reprovisionPolicy", {{"moves", true}}}}}) {
    EXPECT_EQ(put("/enrollments/a", body).status, 400) << body;
    EXPECT_EQ(patch("/enrollments/there", body).status, 400) << body;
  }
  EXPECT_EQ(get("/enrollments/a").status, 404);
  EXPECT_EQ(get("/enrollments/there").body["allocationPolicy"], "hashed");
}

}  // namespace
}  // namespace latchkey::hub::management
