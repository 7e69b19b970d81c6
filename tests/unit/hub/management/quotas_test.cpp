// SPDX-License-Identifier: Apache-2.0
// How many acts a minute there may be where there are quotas, and what those beyond it hear.
#include "hub/management/quotas.h"

#include "tests/unit/hub/management/arm_support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;

class MovingClock : public FixedClock {
 public:
  ports::MonotonicMs monotonic() const override { return monotonic_ms; }
  ports::MonotonicMs monotonic_ms = 1'000'000;
};

class QuotasTest : public ArmTest {
 protected:
  void SetUp() override { furnish(); }
  void limit(const Quotas& quotas) {
    Parts parts{*registry, moving, played, played, played, played};
    parts.quotas = quotas;
    management = std::make_unique<Management>(parts);
  }
  Answered make(const std::string& id) { return exactly(Method::kPut, kDevices + "/" + id, "{}", {}); }
  Answered enable(const std::string& id, bool enabled) {
    return exactly(Method::kPatch, kDevices + "/" + id, json{{"properties", {{"enabled", enabled}}}}.dump(), {});
  }
  Answered ask_hub(Method method, const std::string& target, const json& body = {}) {
    return exactly(method, target + "?api-version=2021-04-12", body.is_null() ? "" : body.dump(), {});
  }
  MovingClock moving;
};

TEST_F(QuotasTest, without_quotas_nothing_is_counted) {
  limit({});
  for (int i = 0; i < 200; ++i) ASSERT_EQ(make("pump-" + std::to_string(i)).status, 201) << i;
  for (int i = 0; i < 200; ++i) ASSERT_EQ(ask_hub(Method::kGet, "/devices/pump-0").status, 200) << i;
}

// Rows: R-12-05
TEST_F(QuotasTest, device_beyond_the_minutes_creations_is_told_when_to_come_again_and_not_made) {
  limit({.device_creations = 3});
  for (const char* id : {"a-1", "a-2", "a-3"}) ASSERT_EQ(make(id).status, 201) << id;
  const auto refused = make("a-4");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.code(), "TooManyRequests");
  EXPECT_EQ(refused.field("Retry-After"), "20");
  EXPECT_EQ(get(kDevices + "/a-4").status, 404);
  moving.monotonic_ms += 19'999;
  EXPECT_EQ(make("a-4").field("Retry-After"), "1");
  moving.monotonic_ms += 1;
  EXPECT_EQ(make("a-4").status, 201);
}

TEST_F(QuotasTest, creation_is_counted_on_every_face) {
  limit({.device_creations = 1});
  const auto version = "?" + kVersion;
  ASSERT_EQ(exactly(Method::kPut, ns("/devices/pump-1") + version, R"({"location":"local"})", {}).status, 201);
  const auto arm = exactly(Method::kPut, ns("/devices/pump-2") + version, R"({"location":"local"})", {});
  EXPECT_EQ(arm.status, 429) << arm.body;
  EXPECT_EQ(arm.field("Retry-After"), "60");
  const auto again = exactly(Method::kPut, ns("/devices/pump-1") + version, R"({"location":"local"})", {});
  EXPECT_LT(again.status, 300) << "it is there: nothing is created";
  const auto identity = ask_hub(Method::kPut, "/devices/pump-3", {{"deviceId", "pump-3"}});
  EXPECT_EQ(identity.status, 429);
  EXPECT_THAT(identity.body["Message"].get<std::string>(), HasSubstr("ErrorCode:ThrottlingException"));
  EXPECT_EQ(identity.field("iothub-errorcode"), "ThrottlingException");
  EXPECT_EQ(identity.field("Retry-After"), "60");
}

// Rows: R-12-05
TEST_F(QuotasTest, enabling_and_disabling_have_a_minute_each) {
  limit({.device_enables = 1, .device_disables = 2});
  for (const char* id : {"a-1", "a-2", "a-3"}) make(id);
  EXPECT_EQ(enable("a-1", false).status, 200);
  EXPECT_EQ(enable("a-2", false).status, 200);
  const auto refused = enable("a-3", false);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.field("Retry-After"), "30");
  EXPECT_EQ(get(kDevices + "/a-3").body["properties"]["enabled"], true);
  EXPECT_EQ(enable("a-1", true).status, 200);
  EXPECT_EQ(enable("a-2", true).field("Retry-After"), "60");
}

TEST_F(QuotasTest, update_that_switches_nothing_is_not_counted) {
  limit({.device_enables = 1, .device_disables = 1});
  make("pump");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(enable("pump", true).status, 200);
  EXPECT_EQ(enable("pump", false).status, 200);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(enable("pump", false).status, 200);
}

TEST_F(QuotasTest, no_quota_holds_up_a_revocation) {
  limit({.device_creations = 5, .device_enables = 1, .device_disables = 1, .identity_acts = 1});
  for (const char* id : {"a-1", "a-2", "a-3"}) {
    make(id);
    EXPECT_EQ(post(kDevices + "/" + id + "/revoke", {{"disable", true}}).status, 200) << id;
    EXPECT_EQ(get(kDevices + "/" + id).body["properties"]["enabled"], false) << id;
  }
}

// Rows: R-12-06
TEST_F(QuotasTest, identity_registry_takes_so_many_acts_a_minute_looking_included) {
  limit({.identity_acts = 4});
  const auto made = ask_hub(Method::kPut, "/devices/pump", {{"deviceId", "pump"}});
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(ask_hub(Method::kGet, "/devices/pump").status, 200);
  EXPECT_EQ(ask_hub(Method::kGet, "/devices/absent").status, 404);
  EXPECT_EQ(ask_hub(Method::kGet, "/devices").status, 200);
  for (const auto& refused : {ask_hub(Method::kGet, "/devices/pump"), ask_hub(Method::kGet, "/devices"),
                              ask_hub(Method::kDelete, "/devices/pump")}) {
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.field("Retry-After"), "15");
  }
  EXPECT_EQ(get(kDevices + "/pump").status, 200) << "it was not deleted, and the registry itself is not counted";
  moving.monotonic_ms += 15'000;
  EXPECT_EQ(ask_hub(Method::kDelete, "/devices/pump").status, 204);
}

TEST_F(QuotasTest, who_may_not_ask_at_all_uses_nothing_up) {
  limit({.identity_acts = 1});
  for (int i = 0; i < 5; ++i) {
    Request request{Method::kGet, "/devices/pump", "", "", Caller{}};
    EXPECT_NE(management->handle(request).status, 429);
  }
  EXPECT_EQ(ask_hub(Method::kGet, "/devices").status, 200);
}

// Rows: R-13-08
TEST_F(QuotasTest, policy_name_above_50_characters_is_taken_with_a_warning) {
  const auto create = [&](const std::string& name) { return exactly(Method::kPut, kPolicies + "/" + name, "{}", {}); };
  const auto shorter = create(std::string(50, 'p'));
  EXPECT_EQ(shorter.status, 201);
  EXPECT_EQ(shorter.field("Warning"), "");
  const auto longer = create(std::string(51, 'p'));
  EXPECT_EQ(longer.status, 201);
  EXPECT_THAT(longer.field("Warning"), testing::MatchesRegex("299 latchkey \"[^\"]*50 characters[^\"]*\""));
  EXPECT_EQ(create(std::string(64, 'p')).field("Warning"), "") << "what is refused needs none";
}

TEST_F(QuotasTest, warning_stands_beside_the_operation_on_azures_face) {
  const auto path = ns("/credentials/default/policies/" + std::string(60, 'q')) + "?" + kVersion;
  const auto made = exactly(Method::kPut, path, "{}", {});
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_THAT(made.field("Warning"), HasSubstr("50 characters"));
  EXPECT_NE(made.field("Azure-AsyncOperation"), "");
}

TEST_F(QuotasTest, status_tells_what_is_followed) {
  EXPECT_EQ(get("/status").body["parity"], json::array());
  played.state.parity = {"azure-preview"};
  EXPECT_EQ(get("/status").body["parity"], json::array({"azure-preview"}));
}

}  // namespace
}  // namespace latchkey::hub::management
