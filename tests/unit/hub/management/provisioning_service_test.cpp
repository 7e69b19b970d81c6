// SPDX-License-Identifier: Apache-2.0
// The service API of provisioning services (docs/behaviour.md, section 10).
#include "tests/unit/hub/management/arm_support.h"

namespace latchkey::hub::management {
namespace {

class ProvisioningService : public ArmTest {
 protected:
  void SetUp() override { furnish(); }
  Answered ask_dps(Method method, const std::string& target, const json& body = {}, const Conditions& conditions = {}) {
    return exactly(method, target + "?api-version=2025-07-01-preview", body.is_null() ? "" : body.dump(), conditions);
  }
  json enrollment(const std::string& id) {
    return {{"registrationId", id}, {"attestation", {{"type", "symmetricKey"}}}, {"credentialPolicyName", "pol"}};
  }
  json keys(const std::string& id) {
    return ask_dps(Method::kPost, "/enrollments/" + id + "/attestationmechanism", json::object()).body;
  }
};

// Rows: R-10-03, R-10-16
TEST_F(ProvisioningService, put_makes_and_with_if_match_replaces) {
  const auto made = ask_dps(Method::kPut, "/enrollments/pump", enrollment("pump"));
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.etag, made.body["etag"]);
  const auto before = keys("pump");
  auto body = made.body;
  body["provisioningStatus"] = "disabled";
  EXPECT_EQ(ask_dps(Method::kPut, "/enrollments/pump", body).status, 409);
  const auto replaced = ask_dps(Method::kPut, "/enrollments/pump", body, {.if_match = '"' + made.etag + '"'});
  ASSERT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_EQ(replaced.body["provisioningStatus"], "disabled");
  EXPECT_EQ(replaced.body["createdDateTimeUtc"], made.body["createdDateTimeUtc"]);
  EXPECT_NE(replaced.etag, made.etag);
  EXPECT_EQ(keys("pump"), before) << "keys that were not given are kept";
}

// Rows: R-10-03, R-10-20
TEST_F(ProvisioningService, stale_tag_is_refused_in_the_services_words) {
  const auto stale = ask_dps(Method::kPut, "/enrollments/pump", enrollment("pump")).etag;
  ASSERT_EQ(ask_dps(Method::kPut, "/enrollments/pump", enrollment("pump"), {.if_match = "*"}).status, 200);
  const auto refused = ask_dps(Method::kDelete, "/enrollments/pump", {}, {.if_match = stale});
  EXPECT_EQ(refused.status, 412);
  EXPECT_EQ(refused.body["errorCode"], 412000);
  EXPECT_EQ(refused.field("x-ms-error-code"), "412000");
  EXPECT_TRUE(refused.body.contains("trackingId") && refused.body.contains("timestampUtc"));
  EXPECT_EQ(ask_dps(Method::kDelete, "/enrollments/pump", {}, {.if_match = "*"}).status, 204);
  EXPECT_EQ(ask_dps(Method::kGet, "/enrollments/pump").body["errorCode"], 404201);
}

TEST_F(ProvisioningService, error_keeps_our_form_without_an_api_version) {
  EXPECT_EQ(get("/enrollments/nobody").code(), "ResourceNotFound");
}

// Rows: R-10-16
TEST_F(ProvisioningService, edge_devices_and_unknown_members_are_refused) {
  auto body = enrollment("pump");
  body["capabilities"] = {{"iotEdge", true}};
  EXPECT_EQ(ask_dps(Method::kPut, "/enrollments/pump", body).status, 400);
  body = enrollment("pump");
  body["unheardOf"] = 1;
  EXPECT_EQ(ask_dps(Method::kPut, "/enrollments/pump", body).status, 400);
  EXPECT_EQ(ask_dps(Method::kGet, "/enrollments/pump").status, 404);
}

// Rows: R-10-04
TEST_F(ProvisioningService, bulk_tells_of_each_that_failed) {
  ASSERT_EQ(ask_dps(Method::kPut, "/enrollments/b", enrollment("b")).status, 200);
  const json some = json::array({enrollment("a"), enrollment("b"), enrollment("c")});
  const auto created = ask_dps(Method::kPost, "/enrollments", {{"mode", "create"}, {"enrollments", some}});
  ASSERT_EQ(created.status, 200) << created.body;
  EXPECT_EQ(created.body["isSuccessful"], false);
  ASSERT_EQ(created.body["errors"].size(), 1u);
  EXPECT_EQ(created.body["errors"][0]["registrationId"], "b");
  EXPECT_EQ(created.body["errors"][0]["errorCode"], 409000);

  auto changed = some;
  for (auto& one : changed) one["provisioningStatus"] = "disabled";
  EXPECT_EQ(ask_dps(Method::kPost, "/enrollments", {{"mode", "update"}, {"enrollments", changed}}).body["isSuccessful"],
            true);
  EXPECT_EQ(ask_dps(Method::kGet, "/enrollments/c").body["provisioningStatus"], "disabled");

  auto tagged = changed;
  tagged[0]["etag"] = ask_dps(Method::kGet, "/enrollments/a").etag;
  tagged[1]["etag"] = "stale";
  const auto matched = ask_dps(Method::kPost, "/enrollments", {{"mode", "updateIfMatchETag"}, {"enrollments", tagged}});
  ASSERT_EQ(matched.body["errors"].size(), 2u) << matched.body;
  EXPECT_EQ(matched.body["errors"][0]["registrationId"], "b");
  EXPECT_EQ(matched.body["errors"][0]["errorCode"], 412000);

  EXPECT_EQ(ask_dps(Method::kPost, "/enrollments", {{"mode", "delete"}, {"enrollments", some}}).body["isSuccessful"],
            true);
  EXPECT_EQ(get("/enrollments").body["value"].size(), 0u);
}

// Rows: R-10-04
TEST_F(ProvisioningService, bulk_takes_ten_and_known_modes) {
  json many = json::array();
  for (int i = 0; i < 11; ++i) many.push_back(enrollment("dev-" + std::to_string(i)));
  EXPECT_EQ(ask_dps(Method::kPost, "/enrollments", {{"mode", "create"}, {"enrollments", many}}).status, 400);
  EXPECT_EQ(ask_dps(Method::kPost, "/enrollments", {{"mode", "create"}, {"enrollments", json::array()}}).status, 400);
  many.erase(10);
  EXPECT_EQ(ask_dps(Method::kPost, "/enrollments", {{"mode", "replace"}, {"enrollments", many}}).status, 400);
  EXPECT_EQ(get("/enrollments").body["value"].size(), 0u);
  EXPECT_EQ(ask_dps(Method::kPost, "/enrollments", {{"mode", "create"}, {"enrollments", many}}).body["isSuccessful"],
            true);
}

// Rows: R-10-05
TEST_F(ProvisioningService, query_answers_in_pages) {
  for (const char* id : {"a", "b", "c"})
    ASSERT_EQ(ask_dps(Method::kPut, std::string("/enrollments/") + id, enrollment(id)).status, 200);
  const json query = {{"query", "SELECT  * FROM enrollments"}};
  const auto first = ask_dps(Method::kPost, "/enrollments/query", query, {.max_item_count = "2"});
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.body.size(), 2u);
  EXPECT_EQ(first.field("x-ms-item-type"), "enrollment");
  const auto token = first.field("x-ms-continuation");
  const auto second =
      ask_dps(Method::kPost, "/enrollments/query", query, {.max_item_count = "2", .continuation = token});
  ASSERT_EQ(second.body.size(), 1u);
  EXPECT_EQ(second.body[0]["registrationId"], "c");
  EXPECT_EQ(second.field("x-ms-continuation"), "");
  EXPECT_EQ(ask_dps(Method::kPost, "/enrollments/query", {{"query", "SELECT * FROM devices"}}).status, 400);
  EXPECT_EQ(
      ask_dps(Method::kPost, "/enrollmentGroups/query", {{"query", "SELECT * FROM enrollmentGroups"}}).body.size(), 0u);
}

// Rows: R-10-07, R-10-17
TEST_F(ProvisioningService, registrations_of_a_group_are_listed_and_deleted) {
  const json group = {{"attestation", {{"type", "symmetricKey"}}}};
  ASSERT_EQ(ask_dps(Method::kPut, "/enrollmentGroups/line", group).status, 200);
  const auto enrolled = registry->find_enrollment("line", true);
  ASSERT_TRUE(enrolled);
  registry::RegistrationRequest request;
  request.registration_id = "pump";
  request.enrollment = enrolled->uuid;
  ASSERT_TRUE(registry->register_device({"test", clock.now()}, request));
  const auto seen = ask_dps(Method::kPost, "/registrations/line/query", json::object());
  ASSERT_EQ(seen.body.size(), 1u) << seen.body;
  EXPECT_EQ(seen.body[0]["registrationId"], "pump");
  EXPECT_EQ(seen.field("x-ms-item-type"), "deviceRegistrationState");
  EXPECT_EQ(ask_dps(Method::kDelete, "/registrations/PUMP").status, 204);
  EXPECT_EQ(ask_dps(Method::kGet, "/registrations/pump").body["errorCode"], 404202);
  EXPECT_EQ(get(kDevices + "/pump").status, 200) << "the device stays";
  EXPECT_EQ(ask_dps(Method::kDelete, "/registrations/pump").status, 404);
}

}  // namespace
}  // namespace latchkey::hub::management
