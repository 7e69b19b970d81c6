// SPDX-License-Identifier: Apache-2.0
// Device identities as hubs serve them (docs/behaviour.md, section 9).
#include "tests/unit/hub/management/arm_support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;

class Identities : public ArmTest {
 protected:
  void SetUp() override { furnish(); }
  Answered ask_hub(Method method, const std::string& target, const json& body = {}, const Conditions& conditions = {}) {
    const char mark = target.find('?') == std::string::npos ? '?' : '&';
    return exactly(method, target + mark + "api-version=2021-04-12", body.is_null() ? "" : body.dump(), conditions);
  }
  Answered make(const std::string& id, const char* status = "enabled") {
    return ask_hub(Method::kPut, "/devices/" + id, {{"deviceId", id}, {"status", status}});
  }
  json query(const std::string& text) { return ask_hub(Method::kPost, "/devices/query", {{"query", text}}).body; }
};

// Rows: R-9-09, R-9-13, R-9-14, R-9-15, R-9-16
TEST_F(Identities, identity_is_the_registrys_device_in_the_hubs_words) {
  const auto made = make("pump");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.body["status"], "enabled");
  EXPECT_EQ(made.body["connectionState"], "Disconnected");
  EXPECT_EQ(made.body["authentication"]["type"], "certificateAuthority");
  EXPECT_EQ(made.body["capabilities"]["iotEdge"], false);
  EXPECT_EQ(made.body["deviceResourceId"], ns("/devices/pump"));
  EXPECT_EQ(made.body["generationId"].get<std::string>().size(), 32u);
  EXPECT_EQ(made.etag, made.body["etag"]);
  EXPECT_EQ(get(kDevices + "/pump").status, 200);
  EXPECT_EQ(make("online").body["connectionState"], "Connected");
}

// Rows: R-7-39, R-9-10, R-9-11, R-9-12
TEST_F(Identities, disabling_here_disables_in_the_registry_and_cuts) {
  const auto made = make("pump");
  events();
  auto body = made.body;
  body["status"] = "disabled";
  body["statusReason"] = "stolen";
  const auto changed = ask_hub(Method::kPut, "/devices/pump", body, {.if_match = made.etag});
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.body["statusReason"], "stolen");
  EXPECT_EQ(changed.body["generationId"], made.body["generationId"]);
  EXPECT_THAT(events(), testing::ElementsAre("cut"));
  const auto properties = get(kDevices + "/pump").body["properties"];
  EXPECT_EQ(properties["enabled"], false);
  EXPECT_FALSE(properties.contains("$statusReason"));
}

TEST_F(Identities, put_without_if_match_makes_and_does_not_change) {
  make("pump");
  const auto again = make("pump", "disabled");
  EXPECT_EQ(again.status, 409);
  EXPECT_THAT(again.body["Message"].get<std::string>(), HasSubstr("ErrorCode:DeviceAlreadyExists"));
  EXPECT_EQ(ask_hub(Method::kGet, "/devices/pump").body["status"], "enabled");
}

// Rows: R-9-10
TEST_F(Identities, stale_tag_is_refused) {
  const auto stale = make("pump").etag;
  ASSERT_EQ(ask_hub(Method::kPut, "/devices/pump", {{"status", "disabled"}}, {.if_match = "*"}).status, 200);
  EXPECT_EQ(ask_hub(Method::kPut, "/devices/pump", {{"status", "enabled"}}, {.if_match = stale}).status, 412);
  EXPECT_EQ(ask_hub(Method::kDelete, "/devices/pump", {}, {.if_match = stale}).status, 412);
  EXPECT_EQ(ask_hub(Method::kDelete, "/devices/pump", {}, {.if_match = "*"}).status, 204);
  EXPECT_EQ(ask_hub(Method::kGet, "/devices/pump").status, 404);
}

// Rows: R-9-12, R-9-14, R-9-15
TEST_F(Identities, what_hubs_here_do_not_know_is_refused_in_the_hubs_words) {
  const json bodies[] = {{{"authentication", {{"type", "sas"}}}},
                         {{"capabilities", {{"iotEdge", true}}}},
                         {{"deviceId", "other"}},
                         {{"status", "sleeping"}},
                         {{"statusReason", std::string(129, 'x')}},
                         {{"unheardOf", 1}}};
  for (const auto& body : bodies) {
    const auto seen = ask_hub(Method::kPut, "/devices/pump", body);
    EXPECT_EQ(seen.status, 400) << body;
    EXPECT_THAT(seen.body["Message"].get<std::string>(), HasSubstr("ErrorCode:ArgumentInvalid")) << body;
    EXPECT_EQ(seen.field("iothub-errorcode"), "ArgumentInvalid");
  }
  const auto nobody = ask_hub(Method::kGet, "/devices/pump");
  EXPECT_EQ(nobody.status, 404);
  EXPECT_THAT(nobody.body["Message"].get<std::string>(), HasSubstr("ErrorCode:DeviceNotFound"));
}

// Rows: R-9-17
TEST_F(Identities, statistics_count_what_is_there) {
  make("a");
  make("b");
  make("c", "disabled");
  const auto seen = ask_hub(Method::kGet, "/statistics/devices").body;
  EXPECT_EQ(seen, (json{{"totalDeviceCount", 3}, {"enabledDeviceCount", 2}, {"disabledDeviceCount", 1}}));
}

// Rows: R-9-17
TEST_F(Identities, list_has_at_most_top) {
  for (const char* id : {"a", "b", "c"}) make(id);
  EXPECT_EQ(ask_hub(Method::kGet, "/devices?top=2").body.size(), 2u);
  EXPECT_EQ(ask_hub(Method::kGet, "/devices").body.size(), 3u);
  EXPECT_EQ(ask_hub(Method::kGet, "/devices?top=1001").status, 400);
}

// Rows: R-9-17
TEST_F(Identities, query_chooses_by_conditions) {
  make("a");
  make("b", "disabled");
  make("online", "disabled");
  EXPECT_EQ(query("SELECT * FROM devices").size(), 3u);
  EXPECT_EQ(query("select * from devices where status='disabled'").size(), 2u);
  EXPECT_EQ(query("SELECT * FROM devices WHERE status = 'disabled' AND connectionState != 'Connected'")[0]["deviceId"],
            "b");
  EXPECT_EQ(query("SELECT * FROM devices WHERE devices.capabilities.iotEdge = true").size(), 0u);
}

// Rows: R-9-17
TEST_F(Identities, query_answers_in_pages) {
  for (const char* id : {"a", "b", "c"}) make(id);
  const json body = {{"query", "SELECT * FROM devices"}};
  const auto first = ask_hub(Method::kPost, "/devices/query", body, {.max_item_count = "2"});
  EXPECT_EQ(first.body.size(), 2u);
  EXPECT_EQ(first.field("x-ms-item-type"), "Device");
  const auto token = first.field("x-ms-continuation");
  ASSERT_FALSE(token.empty());
  const auto second = ask_hub(Method::kPost, "/devices/query", body, {.max_item_count = "2", .continuation = token});
  ASSERT_EQ(second.body.size(), 1u);
  EXPECT_EQ(second.body[0]["deviceId"], "c");
  EXPECT_EQ(second.field("x-ms-continuation"), "");
}

TEST_F(Identities, query_that_is_not_understood_is_refused) {
  for (const auto* bad : {"", "DELETE FROM devices", "SELECT * FROM enrollments", "SELECT * FROM devices WHERE",
                          "SELECT * FROM devices WHERE status", "SELECT * FROM devices WHERE status LIKE 'x'",
                          "SELECT * FROM devices WHERE status = 'x", "SELECT * FROM devices WHERE a~b = 1",
                          "SELECT * FROM devices WHERE status = disabled OR 1 = 1"}) {
    const auto seen = ask_hub(Method::kPost, "/devices/query", {{"query", bad}});
    EXPECT_EQ(seen.status, 400) << bad << seen.body;
  }
  EXPECT_EQ(
      ask_hub(Method::kPost, "/devices/query", {{"query", "SELECT * FROM devices"}}, {.max_item_count = "x"}).status,
      400);
}

}  // namespace
}  // namespace latchkey::hub::management
