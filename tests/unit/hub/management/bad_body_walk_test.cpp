// SPDX-License-Identifier: Apache-2.0
// Every member of every body: missing, null, of another type, too long, out of range, and one that nobody knows. What
// is refused is refused with 4xx and has changed nothing; nothing ends in a 500.
#include <set>

#include "hub/management/internal/openapi.h"
#include "tests/unit/hub/management/arm_support.h"

namespace latchkey::hub::management {
namespace {

struct Good {
  Method method;
  std::string path;
  json body;
};

class BadBodyWalk : public ArmTest {
 protected:
  void SetUp() override {
    furnish();
    ASSERT_EQ(put(kDevices + "/pump").status, 201);
    ASSERT_EQ(put("/enrollments/pump").status, 201);
    ASSERT_EQ(put("/enrollmentGroups/line").status, 201);
    ASSERT_EQ(put("/principals/ci").status, 201);
  }

  std::vector<Good> goods() {
    using enum Method;
    const json tracked = {{"location", "local"}, {"tags", {{"a", "b"}}}};
    json device = tracked;
    device["properties"] = {{"enabled", true},
                            {"manufacturer", "Acme"},
                            {"model", "m"},
                            {"operatingSystemVersion", "1"},
                            {"attributes", {{"floor", 3}}},
                            {"endpoints", json::object()},
                            {"policy", {{"resourceId", ns("/credentials/default/policies/pol")}}}};
    json made = device;
    made["properties"]["externalDeviceId"] = "sn";
    made["properties"]["operatingSystem"] = "linux";
    json policy;
    policy["properties"]["certificate"] = {
        {"certificateAuthorityConfiguration",
         {{"keyType", "ECC"}, {"keyProfile", "ec-p256"}, {"bringYourOwnRoot", {{"enabled", false}}}}},
        {"leafCertificateConfiguration", {{"validityPeriodInDays", 30}}}};
    json validity;
    validity["properties"]["certificate"]["leafCertificateConfiguration"]["validityPeriodInDays"] = 30;
    const json enrollment = {{"attestation", {{"type", "symmetricKey"}, {"symmetricKey", {{"primaryKey", kKey}}}}},
                             {"credentialPolicyName", "pol"},
                             {"provisioningStatus", "enabled"},
                             {"allocationPolicy", "hashed"},
                             {"iotHubs", json::array({"hub"})},
                             {"reprovisionPolicy", {{"updateHubAssignment", true}, {"migrateDeviceData", true}}}};
    json item = enrollment;
    item["registrationId"] = "pump";
    const json identity = {{"deviceId", "valve"},
                           {"status", "enabled"},
                           {"statusReason", "x"},
                           {"authentication", {{"type", "certificateAuthority"}}},
                           {"capabilities", {{"iotEdge", false}}}};
    json role;
    role["properties"] = {{"description", "d"},
                          {"actions", json::array({"Microsoft.DeviceRegistry/namespaces/read"})},
                          {"notActions", json::array()},
                          {"dataActions", json::array()},
                          {"notDataActions", json::array()},
                          {"assignableScopes", json::array({"/"})}};
    json assignment;
    assignment["properties"] = {{"principalId", "ci"}, {"roleDefinitionId", "Reader"}};
    const std::string arm_version = "?" + kVersion;
    const std::string dps = "?api-version=2025-07-01-preview";
    return {
        {kPut, ns() + arm_version, tracked},
        {kPatch, ns() + arm_version, tracked},
        {kPut, ns("/credentials/default") + arm_version, tracked},
        {kPut, ns("/credentials/default/policies/pol") + arm_version, policy},
        {kPut, ns("/credentials/default/policies/other") + arm_version, policy},
        {kPatch, ns("/credentials/default/policies/pol") + arm_version, validity},
        {kPost, ns("/credentials/default/policies/pol/revokeIssuer") + arm_version, {{"reason", "superseded"}}},
        {kPost,
         ns("/credentials/default/policies/pol/activateBringYourOwnRoot") + arm_version,
         {{"certificateChain", "x"}}},
        {kPut, ns("/devices/fan-1") + arm_version, made},
        {kPatch, ns("/devices/pump") + arm_version, device},
        {kPost, ns("/devices/pump/revoke") + arm_version, {{"disable", false}, {"reason", "keyCompromise"}}},
        {kPatch, "/enrollments/pump", {{"credentialPolicyName", "pol"}, {"provisioningStatus", "enabled"}}},
        {kPut, "/enrollments/fan-1" + dps, enrollment},
        {kPut, "/enrollmentGroups/other" + dps, enrollment},
        {kPost, "/enrollments" + dps, {{"mode", "update"}, {"enrollments", json::array({item})}}},
        {kPost, "/enrollments/query" + dps, {{"query", "SELECT * FROM enrollments"}}},
        {kPut, "/devices/valve", identity},
        {kPost, "/devices/query", {{"query", "SELECT * FROM devices"}}},
        {kPut, "/roleDefinitions/Nights", role},
        {kPut, "/roleAssignments/7a1d6a3e-0000-4000-8000-000000000001", assignment},
    };
  }

  // Everything that can be read.
  json everything() {
    json all;
    for (const auto* path :
         {"/namespaces", "/namespaces/default/credentials/default", "/namespaces/default/credentials/default/policies",
          "/namespaces/default/devices", "/enrollments", "/enrollmentGroups", "/registrations", "/hubs",
          "/hubs/hub/certificates", "/certificateAuthorities", "/principals", "/roleDefinitions", "/roleAssignments"}) {
      all[path] = get(path).body;
    }
    return all;
  }

  // Each place of a body, as a JSON pointer; objects themselves, too.
  static void places(const json& body, const std::string& at, std::vector<std::string>& all) {
    if (!body.is_object()) return;
    for (const auto& [name, value] : body.items()) {
      all.push_back(at + "/" + name);
      places(value, at + "/" + name, all);
    }
  }

  static std::vector<json> bad_bodies(const json& good) {
    std::vector<std::string> all;
    places(good, "", all);
    const json values[] = {nullptr,
                           true,
                           7,
                           -1,
                           3.5,
                           1e300,
                           std::string(70'000, 'x'),
                           "",
                           "\xC3\xA9 \x01",
                           json::array({1}),
                           json{{"unheardOf", 1}}};
    std::vector<json> bodies;
    for (const auto& place : all) {
      const json::json_pointer pointer(place);
      for (const auto& value : values) {
        bodies.push_back(good);
        bodies.back()[pointer] = value;
      }
      bodies.push_back(good);
      bodies.back()[pointer.parent_pointer()].erase(pointer.back());
      bodies.push_back(good);
      bodies.back()[pointer.parent_pointer()]["unheardOf"] = 1;
    }
    return bodies;
  }

  const std::string kKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
};

TEST_F(BadBodyWalk, no_500_and_no_change_by_what_is_refused) {
  std::size_t refused = 0;
  json before = everything();
  for (const auto& good : goods()) {
    for (const auto& body : bad_bodies(good.body)) {
      const auto seen = exactly(good.method, good.path, body);
      const auto said = good.path + " " + body.dump().substr(0, 300) + " -> " + seen.body.dump().substr(0, 300);
      ASSERT_LT(seen.status, 500) << said;
      const bool done = seen.status < 300 && (!seen.body.is_object() || seen.body.value("isSuccessful", true));
      if (done) {
        before = everything();
        continue;
      }
      ++refused;
      ASSERT_EQ(everything(), before) << said;
    }
  }
  EXPECT_GT(refused, 500u);
}

// Each route that takes a body is walked, here or in bad_input_test.cpp's table; this finds those of neither.
TEST_F(BadBodyWalk, body_that_is_no_object_is_refused_by_every_route) {
  for (const auto& route : routes()) {
    if (route.method == Method::kGet || route.method == Method::kDelete) continue;
    std::string path(route.pattern);
    while (path.find("{}") != std::string::npos) path.replace(path.find("{}"), 2, "default");
    for (const auto* bad : {"[]", "null", "7", "\"x\"", "{", "{\"a\":1,\"a\":2}"}) {
      const auto seen = exactly(route.method, path, std::string(bad), {});
      EXPECT_GE(seen.status, 400) << path << bad;
      EXPECT_LT(seen.status, 500) << path << bad;
    }
  }
}

}  // namespace
}  // namespace latchkey::hub::management
