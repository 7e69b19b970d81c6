// SPDX-License-Identifier: Apache-2.0
// Many device identities in one request (IoT Hub's bulk registry operation).
#include "tests/unit/hub/management/arm_support.h"
#include "tests/unit/hub/management/role_support.h"

namespace latchkey::hub::management {
namespace {

using testing::ElementsAre;

json item(const std::string& id, const std::string& mode = "create", const json& more = json::object()) {
  json made = {{"id", id}, {"importMode", mode}};
  made.update(more);
  return made;
}

class IdentitiesInBulk : public ArmTest {
 protected:
  void SetUp() override { furnish(); }
  Answered ask_hub(Method method, const std::string& target, const json& body = {}) {
    return exactly(method, target + "?api-version=2021-04-12", body.is_null() ? "" : body.dump(), {});
  }
  Answered bulk(const json& items) { return ask_hub(Method::kPost, "/devices", items); }
  json identity(const std::string& id) { return ask_hub(Method::kGet, "/devices/" + id).body; }
};

TEST_F(IdentitiesInBulk, hundred_are_made_and_in_force_when_it_is_answered) {
  json items = json::array();
  for (int i = 0; i < 100; ++i) items.push_back(item("dev-" + std::to_string(i)));
  items[7]["status"] = "disabled";
  items[7]["statusReason"] = "spare";
  items[7]["authentication"] = {{"type", "certificateAuthority"}};
  events();
  const auto made = bulk(items);
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.body, (json{{"isSuccessful", true}, {"errors", json::array()}, {"warnings", json::array()}}));
  EXPECT_THAT(events(), ElementsAre("applied")) << "waited for once, not for each";
  EXPECT_EQ(ask_hub(Method::kGet, "/statistics/devices").body["totalDeviceCount"], 100);
  EXPECT_EQ(identity("dev-7")["status"], "disabled");
  EXPECT_EQ(identity("dev-7")["statusReason"], "spare");
  EXPECT_EQ(identity("dev-8")["status"], "enabled");
}

TEST_F(IdentitiesInBulk, each_that_fails_is_told_and_the_others_are_made) {
  ASSERT_EQ(bulk(json::array({item("there")})).status, 200);
  const auto seen =
      bulk(json::array({item("a"), item("there"), item("-bad"), item("b", "create", {{"status", "asleep"}}),
                        item("c", "create", {{"unheardOf", 1}}), item("d")}));
  EXPECT_EQ(seen.status, 400);
  EXPECT_EQ(seen.body["isSuccessful"], false);
  std::map<std::string, std::string> errors;
  for (const auto& error : seen.body["errors"]) errors[error["deviceId"]] = error["errorCode"];
  EXPECT_THAT(errors,
              ElementsAre(testing::Pair("-bad", "ArgumentInvalid"), testing::Pair("b", "ArgumentInvalid"),
                          testing::Pair("c", "ArgumentInvalid"), testing::Pair("there", "DeviceAlreadyExists")));
  EXPECT_EQ(identity("a")["deviceId"], "a");
  EXPECT_EQ(identity("d")["deviceId"], "d");
  EXPECT_EQ(ask_hub(Method::kGet, "/devices/b").status, 404);
}

TEST_F(IdentitiesInBulk, items_are_done_in_their_order_each_by_its_mode) {
  ASSERT_EQ(bulk(json::array({item("old")})).status, 200);
  const auto seen = bulk(json::array({item("new"), item("new", "update", {{"status", "disabled"}}),
                                      item("old", "delete"), item("old", "create", {{"status", "disabled"}})}));
  EXPECT_EQ(seen.status, 200) << seen.body;
  EXPECT_EQ(identity("new")["status"], "disabled");
  EXPECT_EQ(identity("old")["status"], "disabled");
}

TEST_F(IdentitiesInBulk, tags_are_heeded_where_the_mode_says_so) {
  ASSERT_EQ(bulk(json::array({item("a"), item("b"), item("c")})).status, 200);
  const auto tag = [&](const std::string& id) { return json{{"eTag", identity(id)["etag"]}, {"status", "disabled"}}; };
  const json stale = {{"eTag", "stale"}};
  const auto seen = bulk(json::array({item("a", "updateIfMatchETag", tag("a")), item("b", "updateIfMatchETag", stale),
                                      item("b", "deleteIfMatchETag"), item("c", "deleteIfMatchETag", tag("c"))}));
  EXPECT_EQ(seen.body["errors"].size(), 2u) << seen.body;
  for (const auto& error : seen.body["errors"]) {
    EXPECT_EQ(error["deviceId"], "b");
    EXPECT_EQ(error["errorCode"], "PreconditionFailed");
  }
  EXPECT_EQ(identity("a")["status"], "disabled");
  EXPECT_EQ(identity("b")["status"], "enabled");
  EXPECT_EQ(ask_hub(Method::kGet, "/devices/c").status, 404);
}

TEST_F(IdentitiesInBulk, change_of_what_is_not_there_is_an_error_of_that_item) {
  const auto seen = bulk(json::array({item("none", "update"), item("none", "delete")}));
  EXPECT_EQ(seen.status, 400);
  ASSERT_EQ(seen.body["errors"].size(), 2u);
  for (const auto& error : seen.body["errors"]) EXPECT_EQ(error["errorCode"], "DeviceNotFound");
}

TEST_F(IdentitiesInBulk, request_that_is_no_list_of_devices_is_refused_whole) {
  json many = json::array();
  for (int i = 0; i < 101; ++i) many.push_back(item("dev-" + std::to_string(i)));
  const json bodies[] = {json::object(),
                         json::array(),
                         many,
                         json::array({item("a"), 7}),
                         json::array({item("a"), {{"importMode", "create"}}}),
                         json::array({item("a"), {{"id", "b"}}}),
                         json::array({item("a"), item("b", "updateTwin")}),
                         json::array({item("a"), {{"id", 7}, {"importMode", "create"}}})};
  for (const auto& body : bodies) {
    const auto seen = bulk(body);
    EXPECT_EQ(seen.status, 400) << body;
    EXPECT_TRUE(seen.body.contains("Message")) << body;
  }
  EXPECT_EQ(exactly(Method::kPost, "/devices?api-version=2021-04-12", "[{", {}).status, 400);
  EXPECT_EQ(exactly(Method::kPost, "/devices?api-version=2021-04-12", "", {}).status, 400);
  EXPECT_EQ(ask_hub(Method::kGet, "/statistics/devices").body["totalDeviceCount"], 0);
}

class BulkRoles : public RolesTest {
 protected:
  void SetUp() override { furnish(); }
};

TEST_F(BulkRoles, deleting_asks_for_more_than_writing) {
  registry::roles::RoleDefinition writer;
  writer.name = "Writer";
  writer.data_actions = {"Microsoft.Devices/IotHubs/devices/write"};
  writer.assignable_scopes = {"/"};
  ASSERT_TRUE(registry->create_role_definition({"test", clock.now()}, writer));
  const auto caller = person("writer", "Writer", "/");
  EXPECT_EQ(respond(caller, Method::kPost, "/devices", json::array({item("a")}).dump()).status, 200);
  EXPECT_EQ(respond(caller, Method::kPost, "/devices", json::array({item("b"), item("a", "delete")}).dump()).status,
            403);
  EXPECT_TRUE(registry->find_device("default", "a"));
  EXPECT_FALSE(registry->find_device("default", "b")) << "refused before anything was done";
  EXPECT_EQ(respond(person("nobody"), Method::kPost, "/devices", json::array({item("c")}).dump()).status, 403);
}

}  // namespace
}  // namespace latchkey::hub::management
