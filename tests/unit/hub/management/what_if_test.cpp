// SPDX-License-Identifier: Apache-2.0
// Forecasts on the routes: what is asked and answered, what is refused, and whom roles let ask. What they count is
// tests/unit/registry/operations/forecast_test.cpp's.
#include <gmock/gmock.h>

#include "tests/unit/hub/management/role_support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;

class PlayedFleet final : public registry::Attendance, public PaceOfReturn {
 public:
  std::vector<std::string> connected(const std::string&) override { return {"dev-1"}; }
  bool connected(const std::string&, const std::string& device) override { return device == "dev-1"; }
  std::optional<UnixMs> last_seen(const std::string&, const std::string&) override { return std::nullopt; }
  std::optional<double> registrations_per_minute() override { return limit; }
  std::optional<double> measured_per_minute() override { return measured; }
  std::optional<double> limit;
  std::optional<double> measured;
};

class WhatIfTest : public RolesTest {
 protected:
  void SetUp() override {
    Parts parts{*registry, clock, played, played, played, played};
    parts.attendance = &fleet;
    parts.pace_of_return = &fleet;
    management = std::make_unique<Management>(parts);
    furnish();
    ASSERT_EQ(
        put("/enrollmentGroups/line", {{"credentialPolicyName", "pol"}, {"attestation", {{"type", "symmetricKey"}}}})
            .status,
        201);
    for (const char* id : {"dev-1", "dev-2", "dev-3"}) provision(id);
    played.events.clear();
  }
  void provision(const std::string& id) {
    const registry::Call call{"test", clock.now()};
    const auto group = registry->find_enrollment("line", true);
    ASSERT_TRUE(group);
    const registry::Bytes serial{0x40, static_cast<std::uint8_t>(++serials_)};
    ASSERT_TRUE(registry->register_device(call, {id, group->uuid, true, serial, id}));
    ASSERT_TRUE(registry->finish_issuance(call, serial));
  }
  Seen revoke_policy(const std::string& more = "") { return post(kPolicies + "/pol/revokeIssuer?whatIf=true" + more); }
  std::string hub_certificate() { return get("/hubs/hub/certificates").body["value"][0]["name"]; }

  PlayedFleet fleet;

 private:
  int serials_ = 0;
};

TEST_F(WhatIfTest, tells_numbers_and_names_and_does_nothing) {
  const auto newest = newest_audit();
  const auto seen = revoke_policy();
  ASSERT_EQ(seen.status, 200) << seen.body;
  EXPECT_EQ(seen.body["act"], "policy revoke");
  EXPECT_TRUE(seen.body["refused"].is_null());
  EXPECT_EQ(seen.body["losingAccess"]["devices"], 3);
  EXPECT_EQ(seen.body["losingAccess"]["connected"], 1);
  EXPECT_EQ(seen.body["losingAccess"]["hubs"], json::array({{{"hub", "hub"}, {"devices", 3}, {"connected", 1}}}));
  EXPECT_EQ(seen.body["returning"]["devices"], 3);
  EXPECT_EQ(seen.body["value"][0]["device"], "dev-1");
  EXPECT_EQ(seen.body["value"][0]["connected"], true);
  EXPECT_TRUE(seen.body["value"][0]["obstacle"].is_null());
  EXPECT_TRUE(events().empty()) << "no key is made, nobody waits for a gate";
  EXPECT_EQ(newest_audit(), newest);
}

TEST_F(WhatIfTest, every_act_that_takes_access_away_has_one) {
  EXPECT_EQ(post(kDevices + "/dev-1/revoke?whatIf=true").body["act"], "device revoke");
  EXPECT_EQ(post(kDevices + "/dev-1/revoke?whatIf=true", {{"disable", true}}).body["notReturning"]["reasons"],
            json::array({{{"reason", "deviceDisabled"}, {"devices", 1}}}));
  EXPECT_EQ(patch(kDevices + "/dev-1?whatIf=true", {{"properties", {{"enabled", false}}}}).body["act"],
            "device disable");
  EXPECT_EQ(remove(kDevices + "/dev-1?whatIf=true").body["act"], "device delete");
  EXPECT_EQ(remove(kPolicies + "/pol?whatIf=true").body["endingLater"]["devices"], 3);
  EXPECT_EQ(remove("/hubs/hub/certificates/" + hub_certificate() + "?whatIf=true").body["losingAccess"]["devices"], 3);
  EXPECT_EQ(get(kDevices + "/dev-1").body["properties"]["enabled"], true);
  EXPECT_EQ(get("/hubs/hub/certificates").body["value"].size(), 1u);
}

TEST_F(WhatIfTest, an_act_that_would_be_refused_says_so_with_the_acts_own_error) {
  const auto would = remove(kCredential + "?whatIf=true");
  const auto does = remove(kCredential);
  EXPECT_EQ(would.status, 200);
  EXPECT_EQ(would.body["refused"]["code"], does.code());
  EXPECT_EQ(would.body["refused"]["message"], does.body["error"]["message"]);
  EXPECT_EQ(would.body["refused"]["httpStatus"], does.status);
  EXPECT_FALSE(would.body.contains("losingAccess"));
}

TEST_F(WhatIfTest, what_is_not_there_is_not_found) {
  EXPECT_EQ(post(kPolicies + "/none/revokeIssuer?whatIf=true").status, 404);
  EXPECT_EQ(remove(kPolicies + "/none?whatIf=true").status, 404);
  EXPECT_EQ(post(kDevices + "/none/revoke?whatIf=true").status, 404);
  EXPECT_EQ(remove("/namespaces/none/credentials/default?whatIf=true").status, 404);
  EXPECT_EQ(remove("/hubs/hub/certificates/none?whatIf=true").status, 404);
  EXPECT_EQ(remove("/hubs/none/certificates/none?whatIf=true").status, 404);
}

TEST_F(WhatIfTest, what_cannot_be_read_is_refused_by_name_and_nothing_is_done) {
  const std::pair<std::string, std::string> queries[] = {{"whatIf=yes", "whatIf"},
                                                         {"whatIf=", "whatIf"},
                                                         {"whatIf=true&whatIf=true", "whatIf"},
                                                         {"top=5", "top"},
                                                         {"whatIf=false&notSeenDays=3", "notSeenDays"},
                                                         {"whatIf=true&top=0", "top"},
                                                         {"whatIf=true&top=1001", "top"},
                                                         {"whatIf=true&notSeenDays=0", "notSeenDays"},
                                                         {"whatIf=true&notSeenDays=x", "notSeenDays"},
                                                         {"whatIf=true&notSeenDays=3651", "notSeenDays"},
                                                         {"whatIf=true&perMinute=-1", "perMinute"},
                                                         {"whatIf=true&perMinute=1.5", "perMinute"},
                                                         {"whatIf=true&color=red", "color"}};
  for (const auto& [query, target] : queries) {
    const auto seen = post(kPolicies + "/pol/revokeIssuer?" + query);
    EXPECT_EQ(seen.status, 400) << query;
    EXPECT_EQ(seen.target(), target) << query;
  }
  EXPECT_EQ(post(kDevices + "/dev-1/revoke?whatIf=true", {{"disable", "no"}}).target(), "disable");
  EXPECT_EQ(post(kDevices + "/dev-1/revoke?whatIf=true", {{"reason", "mood"}}).target(), "reason");
  EXPECT_EQ(patch(kDevices + "/dev-1?whatIf=true", {{"properties", {{"enabled", true}}}}).target(),
            "properties.enabled");
  EXPECT_EQ(get(kDevices + "?whatIf=true").status, 400) << "looking has no forecast";
  EXPECT_EQ(put(kDevices + "/dev-9?whatIf=true").status, 400);
  EXPECT_TRUE(events().empty());
}

TEST_F(WhatIfTest, whatIf_false_does_the_act) {
  EXPECT_EQ(post(kDevices + "/dev-1/revoke?whatIf=false").body["result"], "Succeeded");
}

TEST_F(WhatIfTest, pages_go_on_with_the_same_question) {
  std::string names;
  std::string target = kPolicies + "/pol/revokeIssuer?whatIf=true&top=1&notSeenDays=7";
  int pages = 0;
  while (!target.empty()) {
    const auto seen = post(target);
    ASSERT_EQ(seen.status, 200) << target;
    EXPECT_EQ(seen.body["losingAccess"]["devices"], 3);
    for (const auto& device : seen.body["value"]) names += device["device"].get<std::string>() + " ";
    target = seen.body.value("nextLink", "");
    ASSERT_LE(++pages, 3);
  }
  EXPECT_EQ(names, "dev-1 dev-2 dev-3 ");
}

TEST_F(WhatIfTest, return_takes_as_long_as_the_slower_of_limit_and_measurement) {
  const auto told = [this](const std::string& more = "") { return revoke_policy(more).body["returning"]; };
  EXPECT_TRUE(told()["seconds"].is_null()) << "nobody knows";
  fleet.measured = 60;
  EXPECT_EQ(told()["seconds"], 3);
  EXPECT_EQ(told()["basis"], "measuredIssuance");
  fleet.limit = 10;
  EXPECT_EQ(told()["seconds"], 18);
  EXPECT_EQ(told()["basis"], "registrationThrottle");
  fleet.limit = 1000;
  EXPECT_EQ(told()["basis"], "measuredIssuance");
  EXPECT_EQ(told("&perMinute=1")["seconds"], 180);
  EXPECT_EQ(told("&perMinute=1")["basis"], "asked");
}

TEST_F(WhatIfTest, needs_what_the_act_needs_and_to_read_devices) {
  const auto asked = [this](const Caller& caller) {
    return respond(caller, Method::kPost, kPolicies + "/pol/revokeIssuer?whatIf=true");
  };
  const auto reader = asked(person("reader", "Reader", "/"));
  EXPECT_EQ(reader.status, 403);
  EXPECT_THAT(reader.body, HasSubstr("revokeIssuer/action"));
  EXPECT_EQ(asked(person("contributor", "Contributor", "/")).status, 200);
  put("/roleDefinitions/revoker",
      {{"properties",
        {{"actions", {"Microsoft.DeviceRegistry/namespaces/credentials/policies/revokeIssuer/action"}},
         {"assignableScopes", {"/"}}}}});
  const auto revoker = asked(person("revoker", "revoker", "/"));
  EXPECT_EQ(revoker.status, 403);
  EXPECT_THAT(revoker.body, HasSubstr("Microsoft.DeviceRegistry/namespaces/devices/read"));
  EXPECT_EQ(newest_audit()["actor"], "principal:revoker") << "who may not look is on record";
}

}  // namespace
}  // namespace latchkey::hub::management
