// SPDX-License-Identifier: Apache-2.0
// Long-running operations (docs/behaviour.md, section 3): what begins one, how it is asked after, how it ends.
#include "tests/unit/hub/management/arm_support.h"
#include "tests/unit/hub/management/role_support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class PlayedPace : public OperationPace {
 public:
  Pace next;
  bool holds = false;
  Pace begin(std::string_view, const std::string&) override { return next; }
  bool held(std::string_view, const std::string&) override { return holds; }
};

class Operations : public ArmTest {
 protected:
  void SetUp() override {
    furnish();
    ASSERT_EQ(arm(Method::kPut, ns("/devices/pump"), json::object()).status, 201);
  }
  void begin_at(PlayedPace& pace) {
    Parts parts{*registry, clock, played, played, played, played};
    parts.pace = &pace;
    management = std::make_unique<Management>(parts);
  }
  json status_of(const Answered& begun) { return follow(begun.field("Azure-AsyncOperation")).body; }
};

// Rows: R-3-02, R-3-03, R-3-09
TEST_F(Operations, put_answers_the_resource_as_accepted_and_where_to_ask) {
  const auto begun = arm(Method::kPut, ns("/devices/fan-1"), json::object());
  EXPECT_EQ(begun.status, 201);
  EXPECT_EQ(begun.body["properties"]["provisioningState"], "Accepted");
  EXPECT_EQ(begun.field("Retry-After"), "1");
  EXPECT_THAT(begun.field("Azure-AsyncOperation"),
              StartsWith(base + "/subscriptions/" + subscription() +
                         "/providers/Microsoft.DeviceRegistry/locations/local/operationStatuses/"));
  const auto status = status_of(begun);
  EXPECT_EQ(status["status"], "Succeeded");
  EXPECT_EQ(status["percentComplete"], 100);
  EXPECT_EQ(status["resourceId"], ns("/devices/fan-1"));
  EXPECT_THAT(status["id"].get<std::string>(), HasSubstr(status["name"].get<std::string>()));
  EXPECT_TRUE(status.contains("startTime") && status.contains("endTime"));
  EXPECT_EQ(arm(Method::kGet, ns("/devices/fan-1")).body["properties"]["provisioningState"], "Succeeded");
}

// Rows: R-3-05, R-3-06, R-3-07, R-3-08, R-3-09, R-8-06
TEST_F(Operations, each_act_ends_as_the_table_says) {
  const auto ends = [this](Method method, const std::string& path, const json& body = {}) {
    const auto begun = arm(method, path, body);
    EXPECT_EQ(begun.status, 202) << path << begun.body;
    EXPECT_TRUE(begun.body.is_null());
    EXPECT_EQ(begun.field("Retry-After"), "1");
    EXPECT_EQ(status_of(begun)["status"], "Succeeded");
    return follow(begun.field("Location"));
  };
  const auto revoked = ends(Method::kPost, ns("/devices/pump/revoke"), json::object());
  EXPECT_EQ(revoked.status, 200);
  EXPECT_EQ(revoked.body, (json{{"result", "Succeeded"}}));
  const auto synced = ends(Method::kPost, ns("/credentials/default/synchronize"), json::object());
  EXPECT_EQ(synced.status, 200);
  EXPECT_TRUE(synced.body.is_null());
  EXPECT_EQ(ends(Method::kPost, ns("/credentials/default/policies/pol/revokeIssuer"), json::object()).status, 204);
  EXPECT_EQ(ends(Method::kDelete, ns("/devices/pump")).status, 204);
  EXPECT_EQ(ends(Method::kDelete, ns("/credentials/default/policies/pol")).status, 204);
  EXPECT_EQ(ends(Method::kDelete, ns("/credentials/default")).status, 204);
}

// Rows: R-3-07
TEST_F(Operations, own_root_is_activated_by_an_operation) {
  const auto policy = ns("/credentials/default/policies/own");
  const json own = {
      {"properties",
       {{"certificate", {{"certificateAuthorityConfiguration", {{"bringYourOwnRoot", {{"enabled", true}}}}}}}}}};
  ASSERT_EQ(arm(Method::kPut, policy, own).status, 201);
  const auto begun = arm(Method::kPost, policy + "/activateBringYourOwnRoot", {{"certificateChain", "PEM"}});
  EXPECT_EQ(begun.status, 202);
  EXPECT_EQ(follow(begun.field("Location")).status, 204);
}

// Rows: R-3-05
TEST_F(Operations, deleting_what_is_not_there_answers_204_at_once) {
  EXPECT_EQ(arm(Method::kDelete, ns("/devices/nobody")).status, 204);
  EXPECT_EQ(arm(Method::kDelete, ns("/credentials/default/policies/none")).status, 204);
  const auto orphan = group() + "/providers/Microsoft.DeviceRegistry/namespaces/nowhere/devices/nobody";
  EXPECT_EQ(arm(Method::kDelete, orphan).code(), "ParentResourceNotFound");
}

TEST_F(Operations, refusal_is_told_at_once_and_begins_nothing) {
  const auto refused = arm(Method::kDelete, ns("/credentials/default"));
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.code(), "CredentialHasPolicies");
  EXPECT_EQ(refused.field("Location"), "");
  EXPECT_EQ(arm(Method::kPost, ns("/devices/nobody/revoke"), json::object()).code(), "ResourceNotFound");
}

// Rows: R-3-02, R-3-13
TEST_F(Operations, unconfirmed_revoke_fails_within_a_200) {
  played.enforcement_refusal = registry::Refusal{Reason::kEnforcementTimeout, "a gate is late"};
  const auto begun = arm(Method::kPost, ns("/devices/pump/revoke"), json::object());
  ASSERT_EQ(begun.status, 202);
  const auto status = status_of(begun);
  EXPECT_EQ(status["status"], "Failed");
  EXPECT_EQ(status["error"]["code"], "EnforcementTimeout");
  const auto result = follow(begun.field("Location"));
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.body["result"], "Failed");
  EXPECT_EQ(result.body["error"]["code"], "EnforcementTimeout");
}

TEST_F(Operations, unconfirmed_put_shows_what_was_made) {
  played.enforcement_refusal = registry::Refusal{Reason::kEnforcementTimeout, "a gate is late"};
  const auto begun = arm(Method::kPut, ns("/devices/fan-1"), json::object());
  EXPECT_EQ(begun.status, 201);
  EXPECT_EQ(begun.body["name"], "fan-1");
  EXPECT_EQ(status_of(begun)["status"], "Failed");
}

// Rows: R-3-09
TEST_F(Operations, unknown_operation_is_not_found) {
  const auto monitor = "/subscriptions/" + subscription() +
                       "/providers/Microsoft.DeviceRegistry/locations/local/operationStatuses/7a1d6a3e";
  EXPECT_EQ(arm(Method::kGet, monitor).status, 404);
  EXPECT_EQ(arm(Method::kGet, monitor).code(), "ResourceNotFound");
}

// Rows: R-3-09
TEST_F(Operations, pace_of_a_rehearsal_is_kept) {
  PlayedPace pace;
  begin_at(pace);
  pace.next.polls = 2;
  const auto begun = arm(Method::kPost, ns("/devices/pump/revoke"), json::object());
  EXPECT_EQ(status_of(begun)["status"], "InProgress");
  const auto running = follow(begun.field("Location"));
  EXPECT_EQ(running.status, 202);
  EXPECT_EQ(running.field("Retry-After"), "1");
  EXPECT_EQ(status_of(begun)["status"], "Succeeded");
  pace.holds = true;
  EXPECT_EQ(status_of(begun)["status"], "InProgress");
  pace.holds = false;
  pace.next = {0, 0, registry::Refusal{Reason::kInternal, "as the document says"}};
  const auto failed = arm(Method::kDelete, ns("/devices/pump"));
  EXPECT_EQ(status_of(failed)["status"], "Failed");
  EXPECT_EQ(follow(failed.field("Location")).status, 409);
}

// Whoever may do what an operation did may ask after it, and nobody else.
class OperationRoles : public RolesTest {};

TEST_F(OperationRoles, operation_is_shown_to_whoever_may_do_what_it_did) {
  ASSERT_EQ(put("/namespaces/default").status, 201);
  const auto operator_ = person("operator", "Azure Device Registry Contributor", the_namespace());
  const auto stranger = person("stranger", "Reader", group());
  const std::string version = "?api-version=2026-03-01-preview";
  const auto begun = respond(operator_, Method::kPut, the_namespace() + "/devices/pump" + version, "{}");
  ASSERT_EQ(begun.status, 201) << begun.body;
  std::string monitor;
  for (const auto& [name, value] : begun.fields) {
    if (name == "Azure-AsyncOperation") monitor = value;
  }
  EXPECT_EQ(respond(operator_, Method::kGet, monitor).status, 200);
  EXPECT_EQ(respond(stranger, Method::kGet, monitor).status, 403);
}

}  // namespace
}  // namespace latchkey::hub::management
