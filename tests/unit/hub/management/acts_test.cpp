// SPDX-License-Identifier: Apache-2.0
// The operator's acts: what they answer, in which order they go about it, and what is left when they are refused.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ActsTest : public ManagementTest {};

TEST_F(ActsTest, namespace_is_created_shown_listed_and_deleted) {
  const auto created = put("/namespaces/plant-2");
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.body["name"], "plant-2");
  EXPECT_THAT(created.body["id"].get<std::string>(), testing::EndsWith("/namespaces/plant-2"));
  EXPECT_EQ(created.body["properties"]["provisioningState"], "Succeeded");
  EXPECT_EQ(get("/namespaces/plant-2").body, created.body);
  EXPECT_EQ(get("/namespaces").body["value"].size(), 1u);
  EXPECT_EQ(remove("/namespaces/plant-2").status, 204);
  EXPECT_EQ(get("/namespaces/plant-2").status, 404);
}

TEST_F(ActsTest, namespace_twice_is_refused) {
  put("/namespaces/plant-2");
  const auto again = put("/namespaces/plant-2");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "ResourceAlreadyExists");
  EXPECT_EQ(again.body["error"]["exitStatus"], 4);
}

// Rows: R-1-01
TEST_F(ActsTest, namespace_with_a_bad_name_is_refused) {
  for (const char* name : {"ab", "Plant", "-plant", "plant-", "pl%20ant", "pl%2Fant"}) {
    const auto seen = put(std::string("/namespaces/") + name);
    EXPECT_EQ(seen.status, 400) << name;
    EXPECT_EQ(seen.code(), "InvalidResourceName") << name;
    EXPECT_EQ(seen.body["error"]["exitStatus"], 2) << name;
  }
}

TEST_F(ActsTest, namespace_that_is_not_empty_stays) {
  furnish();
  EXPECT_EQ(remove("/namespaces/default").code(), "NamespaceNotEmpty");
  EXPECT_EQ(get("/namespaces/default").status, 200);
}

TEST_F(ActsTest, credential_keeps_the_key_that_its_row_names) {
  put("/namespaces/default");
  const auto created = put(kCredential, {{"properties", {{"keyProfile", "ec-p384"}}}});
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.body["properties"]["certificateAuthorityConfiguration"]["keyProfile"], "ec-p384");
  EXPECT_EQ(created.body["properties"]["certificateAuthorityConfiguration"]["subject"], "CN=root 1");
  EXPECT_THAT(events(), ElementsAre("make key-1"));
}

TEST_F(ActsTest, credential_twice_is_refused_and_its_new_key_destroyed) {
  furnish();
  const auto again = put(kCredential);
  EXPECT_EQ(again.status, 409);
  EXPECT_THAT(events(), ElementsAre("make key-3", "destroy key-3"));
}

// Rows: R-3-18, R-7-01
TEST_F(ActsTest, credential_without_a_namespace_is_refused_and_its_new_key_destroyed) {
  const auto seen = put("/namespaces/nowhere/credentials/default");
  EXPECT_EQ(seen.status, 404);
  EXPECT_EQ(seen.code(), "ParentResourceNotFound");
  EXPECT_EQ(seen.body["error"]["exitStatus"], 3);
  EXPECT_THAT(events(), ElementsAre("make key-1", "destroy key-1"));
}

// Rows: R-7-04
TEST_F(ActsTest, credential_with_policies_is_not_deleted_and_keeps_its_key) {
  furnish();
  EXPECT_EQ(remove(kCredential).code(), "CredentialHasPolicies");
  EXPECT_THAT(events(), IsEmpty());
}

TEST_F(ActsTest, deleting_policy_and_credential_ends_their_cas_and_destroys_no_key_by_itself) {
  furnish();
  EXPECT_EQ(remove(kPolicies + "/pol").status, 204);
  EXPECT_EQ(remove(kCredential).status, 204);
  EXPECT_THAT(events(), ElementsAre("end deleted", "end deleted"));
  EXPECT_EQ(get(kCredential).status, 404);
}

TEST_F(ActsTest, sync_waits_until_the_gates_hold_it) {
  furnish();
  const auto synced = post(kCredential + "/synchronize");
  EXPECT_EQ(synced.status, 200);
  EXPECT_EQ(synced.body, (json{{"added", 0}, {"removed", 0}}));
  EXPECT_THAT(events(), ElementsAre("applied"));
}

// Rows: R-7-02
TEST_F(ActsTest, sync_without_a_credential_is_refused) {
  put("/namespaces/default");
  EXPECT_EQ(post(kCredential + "/synchronize").status, 404);
  EXPECT_THAT(events(), IsEmpty());
}

TEST_F(ActsTest, policy_is_created_when_its_ca_is_in_force) {
  furnish();
  const json body = {{"properties",
                      {{"certificate",
                        {{"certificateAuthorityConfiguration", {{"keyType", "ECC"}, {"keyProfile", "ec-p384"}}},
                         {"leafCertificateConfiguration", {{"validityPeriodInDays", 7}}}}}}}};
  const auto created = put(kPolicies + "/line-a", body);
  ASSERT_EQ(created.status, 201) << created.body;
  const auto& certificate = created.body["properties"]["certificate"];
  EXPECT_EQ(certificate["leafCertificateConfiguration"]["validityPeriodInDays"], 7);
  EXPECT_EQ(certificate["certificateAuthorityConfiguration"]["keyProfile"], "ec-p384");
  EXPECT_THAT(events(), ElementsAre("make key-3", "applied"));
}

TEST_F(ActsTest, policy_that_exists_is_refused_and_its_new_key_destroyed) {
  furnish();
  EXPECT_EQ(put(kPolicies + "/POL").code(), "ResourceAlreadyExists");  // names compare case-insensitively
  EXPECT_THAT(events(), ElementsAre("make key-3", "destroy key-3"));
}

TEST_F(ActsTest, policy_whose_ca_a_former_root_signed_is_refused_and_its_new_key_destroyed) {
  furnish();
  played.other_root = Uuid{};
  for (const auto& seen : {put(kPolicies + "/line-a"), post(kPolicies + "/pol/revokeIssuer")}) {
    EXPECT_EQ(seen.status, 409);
    EXPECT_EQ(seen.code(), "IssuerReplaced");
  }
  EXPECT_THAT(events(), ElementsAre("make key-3", "destroy key-3", "make key-4", "destroy key-4"));
  EXPECT_EQ(newest_audit()["outcome"], "issuer replaced");
}

// Rows: R-3-18, R-5-11
TEST_F(ActsTest, policy_for_which_no_ca_can_be_made_is_refused_and_audited) {
  furnish();
  played.ca_refusal = {Reason::kParentNotFound, "there is no credential"};
  EXPECT_EQ(put(kPolicies + "/line-a").code(), "ParentResourceNotFound");
  const auto audit = newest_audit();
  EXPECT_EQ(audit["action"], "policy.create");
  EXPECT_EQ(audit["outcome"], "parent not found");
  EXPECT_EQ(audit["resource"], "namespaces/default/credentials/default/policies/line-a");
}

// Rows: R-5-05
TEST_F(ActsTest, validity_outside_the_rule_is_refused_and_the_new_key_destroyed) {
  furnish();
  for (const json& days : {json(6), json(91), json(0), json(-1), json(4294967326), json(9223372036854775807)}) {
    const json body = {
        {"properties", {{"certificate", {{"leafCertificateConfiguration", {{"validityPeriodInDays", days}}}}}}}};
    EXPECT_EQ(put(kPolicies + "/line-a", body).code(), "InvalidValidityPeriod") << days;
    EXPECT_EQ(patch(kPolicies + "/pol", body).code(), "InvalidValidityPeriod") << days;
    const auto done = events();
    ASSERT_EQ(done.size(), 2u);
    EXPECT_THAT(done[1], HasSubstr("destroy"));
  }
}

// Rows: R-5-06
TEST_F(ActsTest, policy_update_changes_the_validity_only) {
  furnish();
  const json leaf = {{"leafCertificateConfiguration", {{"validityPeriodInDays", 14}}}};
  const auto updated = patch(kPolicies + "/pol", {{"properties", {{"certificate", leaf}}}});
  EXPECT_EQ(updated.status, 200);
  EXPECT_EQ(updated.body["properties"]["certificate"]["leafCertificateConfiguration"]["validityPeriodInDays"], 14);
  const json authority = {{"certificateAuthorityConfiguration", {{"keyProfile", "ec-p384"}}}};
  const auto refused = patch(kPolicies + "/pol", {{"properties", {{"certificate", authority}}}});
  EXPECT_EQ(refused.code(), "ImmutableProperty");
  EXPECT_EQ(refused.target(), "properties.certificate.certificateAuthorityConfiguration.keyProfile");
  EXPECT_EQ(patch(kPolicies + "/pol", json::object()).code(), "BadRequest");
}

// Rows: R-5-09
TEST_F(ActsTest, policy_revoke_replaces_the_ca_waits_for_the_cut_and_keeps_the_old_key_for_its_list) {
  furnish();
  const auto before = get(kPolicies + "/pol").body["properties"]["certificate"]["certificateAuthorityConfiguration"];
  const auto revoked = post(kPolicies + "/pol/revokeIssuer");
  ASSERT_EQ(revoked.status, 200) << revoked.body;
  const auto& after = revoked.body["properties"]["certificate"]["certificateAuthorityConfiguration"];
  EXPECT_NE(after["subject"], before["subject"]);
  EXPECT_NE(after["thumbprint"], before["thumbprint"]);
  EXPECT_THAT(events(), ElementsAre("make key-3", "crl due", "cut"));
}

TEST_F(ActsTest, policy_revoke_of_a_missing_policy_is_refused_and_the_new_key_destroyed) {
  furnish();
  EXPECT_EQ(post(kPolicies + "/gone/revokeIssuer").status, 404);
  EXPECT_THAT(events(), ElementsAre("make key-3", "destroy key-3"));
  EXPECT_EQ(newest_audit()["outcome"], "not found");
}

// Rows: R-8-01, R-8-06
TEST_F(ActsTest, device_is_created_shown_and_deleted) {
  furnish();
  const auto created = put(kDevices + "/online");
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(created.body["properties"]["enabled"], true);
  EXPECT_EQ(created.body["properties"]["connected"], true);
  EXPECT_EQ(created.body["properties"]["credentialId"].get<std::string>().size(), 32u);
  EXPECT_EQ(get(kDevices + "/online").body, created.body);
  EXPECT_EQ(remove(kDevices + "/online").status, 204);
  EXPECT_THAT(events(), ElementsAre("applied", "crl due", "cut"));
  EXPECT_EQ(get(kDevices + "/online").status, 404);
}

TEST_F(ActsTest, device_connection_that_nobody_knows_of_is_null) {
  furnish();
  EXPECT_TRUE(put(kDevices + "/unsure").body["properties"]["connected"].is_null());
}

// Rows: R-7-13
TEST_F(ActsTest, disabling_waits_for_the_cut_and_enabling_for_the_grant) {
  furnish();
  put(kDevices + "/dev-1");
  events();
  EXPECT_EQ(patch(kDevices + "/dev-1", {{"properties", {{"enabled", false}}}}).body["properties"]["enabled"], false);
  EXPECT_EQ(patch(kDevices + "/dev-1", {{"properties", {{"enabled", true}}}}).body["properties"]["enabled"], true);
  EXPECT_THAT(events(), ElementsAre("cut", "applied"));
}

// Rows: R-7-17, R-7-18, R-8-06
TEST_F(ActsTest, device_revoke_rotates_the_credential_id_each_time_and_leaves_it_enabled) {
  furnish();
  const auto first = put(kDevices + "/dev-1").body["properties"]["credentialId"];
  events();
  const auto revoked = post(kDevices + "/dev-1/revoke");
  EXPECT_EQ(revoked.status, 200);
  EXPECT_EQ(revoked.body["result"], "Succeeded");
  const auto second = revoked.body["device"]["properties"]["credentialId"];
  EXPECT_NE(second, first);
  EXPECT_EQ(revoked.body["device"]["properties"]["enabled"], true);
  EXPECT_NE(post(kDevices + "/dev-1/revoke").body["device"]["properties"]["credentialId"], second);
  EXPECT_THAT(events(), ElementsAre("crl due", "cut", "crl due", "cut"));
}

// Rows: R-7-12, R-7-16
TEST_F(ActsTest, device_revoke_with_disable_disables_and_without_it_does_not_enable) {
  furnish();
  put(kDevices + "/dev-1");
  EXPECT_EQ(post(kDevices + "/dev-1/revoke", {{"disable", true}}).body["device"]["properties"]["enabled"], false);
  EXPECT_EQ(post(kDevices + "/dev-1/revoke", {{"disable", false}}).body["device"]["properties"]["enabled"], false);
}

// Rows: R-3-19, R-7-11
TEST_F(ActsTest, device_that_is_missing_is_refused_by_every_act) {
  furnish();
  EXPECT_EQ(post(kDevices + "/gone/revoke").code(), "ResourceNotFound");
  EXPECT_EQ(patch(kDevices + "/gone", {{"properties", {{"enabled", false}}}}).code(), "ResourceNotFound");
  EXPECT_EQ(remove(kDevices + "/gone").code(), "ResourceNotFound");
  EXPECT_EQ(get(kDevices + "/gone/certificates").code(), "ResourceNotFound");
  EXPECT_EQ(post(kDevices + "/gone/messages", {{"message", "hi"}}).code(), "ResourceNotFound");
  EXPECT_THAT(events(), IsEmpty());
}

// Rows: R-3-12, R-8-06
TEST_F(ActsTest, device_list_is_paged_to_its_end) {
  furnish();
  for (int i = 0; i < 5; ++i) put(kDevices + "/dev-" + std::to_string(i));
  std::vector<std::string> names;
  std::string next = kDevices + "?top=2";
  int pages = 0;
  while (!next.empty() && ++pages < 10) {
    const auto page = get(next);
    ASSERT_EQ(page.status, 200);
    for (const auto& device : page.body["value"]) names.push_back(device["name"]);
    next = page.body.value("nextLink", "");
  }
  EXPECT_THAT(names, ElementsAre("dev-0", "dev-1", "dev-2", "dev-3", "dev-4"));
}

TEST_F(ActsTest, what_is_committed_but_not_confirmed_is_told_as_504_and_stands) {
  furnish();
  put(kDevices + "/dev-1");
  const auto before = get(kDevices + "/dev-1").body["properties"]["credentialId"];
  events();
  played.enforcement_refusal = {Reason::kEnforcementTimeout, "the act is committed; a gate did not confirm it in time"};
  const auto revoked = post(kDevices + "/dev-1/revoke");
  EXPECT_EQ(revoked.status, 504);
  EXPECT_EQ(revoked.code(), "EnforcementTimeout");
  EXPECT_THAT(revoked.body["error"]["message"].get<std::string>(), HasSubstr("committed"));
  EXPECT_EQ(revoked.body["error"]["exitStatus"], 5);
  EXPECT_NE(get(kDevices + "/dev-1").body["properties"]["credentialId"], before);
  EXPECT_EQ(post(kPolicies + "/pol/revokeIssuer").status, 504);
  EXPECT_EQ(put(kPolicies + "/quick").status, 504);
  EXPECT_EQ(get(kPolicies + "/quick").status, 200);
  // Lists are due and keys are kept as if the gates had been quick.
  EXPECT_THAT(events(), ElementsAre("crl due", "cut", "make key-3", "crl due", "cut", "make key-4", "applied"));
}

// Rows: R-9-06
TEST_F(ActsTest, hub_certificate_is_shown_and_deleted_with_the_cut) {
  furnish();
  const auto list = get("/hubs/hub/certificates").body["value"];
  ASSERT_EQ(list.size(), 1u);
  EXPECT_THAT(list[0]["properties"]["policyResourceId"].get<std::string>(), testing::EndsWith(kPolicies + "/pol"));
  EXPECT_EQ(list[0]["properties"]["subject"], "CN=issuing 2");
  const std::string path = "/hubs/hub/certificates/" + list[0]["name"].get<std::string>();
  EXPECT_EQ(get(path).body, list[0]);
  EXPECT_EQ(remove(path).status, 204);
  EXPECT_THAT(events(), ElementsAre("cut"));
  EXPECT_EQ(remove(path).code(), "ResourceNotFound");
  EXPECT_EQ(get(path).code(), "ResourceNotFound");
  EXPECT_EQ(get("/hubs/other/certificates").status, 404);
}

TEST_F(ActsTest, certificate_of_a_deleted_policy_stays_on_the_hub_and_names_no_policy) {
  furnish();
  remove(kPolicies + "/pol");
  const auto list = get("/hubs/hub/certificates").body["value"];
  ASSERT_EQ(list.size(), 1u);
  EXPECT_TRUE(list[0]["properties"]["policyResourceId"].is_null());
}

TEST_F(ActsTest, certificate_authorities_show_past_ones_too) {
  furnish();
  post(kPolicies + "/pol/revokeIssuer");
  std::map<std::string, int> by_status;
  const auto list = get("/certificateAuthorities").body;
  for (const auto& ca : list["value"]) ++by_status[ca["status"]];
  EXPECT_EQ(by_status, (std::map<std::string, int>{{"active", 2}, {"revoked", 1}}));
  EXPECT_EQ(get("/certificateAuthorities/not-a-uuid").code(), "InvalidResourceName");
  EXPECT_EQ(get("/certificateAuthorities/00000000-0000-4000-8000-000000000000").status, 404);
}

TEST_F(ActsTest, message_goes_to_the_device_with_its_properties) {
  furnish();
  put(kDevices + "/dev-1");
  events();
  EXPECT_EQ(post(kDevices + "/dev-1/messages", {{"message", "hi"}, {"properties", {{"k", "v"}}}}).status, 204);
  EXPECT_EQ(played.sent.payload, (registry::Bytes{'h', 'i'}));
  EXPECT_EQ(played.sent.properties, (std::map<std::string, std::string>{{"k", "v"}}));
  EXPECT_EQ(post(kDevices + "/dev-1/messages", {{"messageBase64", "AAE="}}).status, 204);
  EXPECT_EQ(played.sent.payload, (registry::Bytes{0, 1}));
}

TEST_F(ActsTest, message_that_is_none_or_two_or_too_large_is_refused) {
  furnish();
  put(kDevices + "/dev-1");
  events();
  const auto path = kDevices + "/dev-1/messages";
  EXPECT_EQ(post(path).code(), "BadRequest");
  EXPECT_EQ(post(path, {{"message", "a"}, {"messageBase64", "AAE="}}).code(), "BadRequest");
  EXPECT_EQ(post(path, {{"messageBase64", "not base64"}}).code(), "BadRequest");
  EXPECT_EQ(post(path, {{"message", std::string(65537, 'x')}}).code(), "InvalidArgument");
  EXPECT_THAT(events(), IsEmpty());
  played.message_refusal = {Reason::kNotFound, "the device is not connected"};
  EXPECT_EQ(post(path, {{"message", "hi"}}).status, 404);
}

TEST_F(ActsTest, acts_are_audited_under_the_caller) {
  put("/namespaces/plant-2");
  EXPECT_EQ(newest_audit()["actor"], "uid:0 (root)");
  EXPECT_EQ(newest_audit()["outcome"], "ok");
  ask(Method::kPut, "/namespaces/plant-3", "{");
  EXPECT_EQ(newest_audit()["resource"], "/namespaces/plant-3");
  EXPECT_EQ(newest_audit()["outcome"], "malformed request");
  management->peer_refused(Caller::on_socket(Caller::Kind::kNobody, 65534, "nobody"));
  EXPECT_EQ(newest_audit()["actor"], "uid:65534 (nobody)");
  EXPECT_EQ(newest_audit()["outcome"], "unauthorized");
}

TEST_F(ActsTest, audit_is_paged_from_the_newest_back) {
  for (int i = 0; i < 5; ++i) put("/namespaces/plant-" + std::to_string(i));
  std::vector<std::uint64_t> numbers;
  std::string next = "/audit?top=2";
  for (int pages = 0; !next.empty() && pages < 10; ++pages) {
    const auto page = get(next).body;
    for (const auto& record : page["value"]) numbers.push_back(record["number"]);
    next = page.value("nextLink", "");
  }
  EXPECT_THAT(numbers, ElementsAre(5, 4, 3, 2, 1));
}

TEST_F(ActsTest, decisions_show_the_failed_check_and_hide_those_never_reached) {
  SeenDecision seen;
  seen.endpoint = "hub";
  seen.decision.reason = Reason::kIdentifierMismatch;
  seen.decision.client_id = "dev-\xFF";  // not UTF-8: a peer may send what it likes
  seen.decision.checks[static_cast<std::size_t>(wire::Check::kReady)] = wire::CheckOutcome::kPassed;
  seen.decision.checks[static_cast<std::size_t>(wire::Check::kCurrent)] = wire::CheckOutcome::kFailed;
  played.seen = {seen};
  const auto list = get("/decisions?device=dev%2D1&reason=identifier%20mismatch&top=5");
  ASSERT_EQ(list.status, 200);
  EXPECT_EQ(played.last_filter.device, "dev-1");
  EXPECT_EQ(played.last_filter.reason, Reason::kIdentifierMismatch);
  EXPECT_EQ(played.last_filter.limit, 5u);
  const auto& item = list.body["value"][0];
  EXPECT_EQ(item["failedCheck"], std::string(wire::to_string(wire::Check::kCurrent)));
  EXPECT_EQ(item["checks"].size(), 2u);
  EXPECT_EQ(item["accepted"], false);
}

TEST_F(ActsTest, decisions_of_an_unknown_reason_are_refused) {
  EXPECT_EQ(get("/decisions?reason=mood").code(), "InvalidArgument");
  EXPECT_EQ(get("/decisions?reason=accepted").status, 200);
  EXPECT_EQ(played.last_filter.reason, Reason::kNone);
}

TEST_F(ActsTest, decision_counts_name_the_reasons) {
  EXPECT_EQ(get("/decisions/counts").body["value"],
            json::parse(R"([{"reason":"accepted","count":0},{"reason":"identifier mismatch","count":7}])"));
}

TEST_F(ActsTest, status_tells_how_far_each_gate_is_behind) {
  played.state.newest = 12;
  played.state.gates = {{"hub", "127.0.0.1:8883", 42, true, 12, 10, 3, 4, 0, 1}};
  const auto status = get("/status").body;
  EXPECT_EQ(status["newestSequence"], 12);
  EXPECT_EQ(status["gates"][0]["behind"], 2);
  EXPECT_EQ(status["gates"][0]["connections"], 3);
}

TEST_F(ActsTest, of_many_credentials_at_once_one_is_made_and_the_keys_of_the_others_are_destroyed) {
  put("/namespaces/default");
  std::vector<std::thread> callers;
  std::atomic<int> made = 0;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([this, &made] { made += put(kCredential).status == 201 ? 1 : 0; });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(made, 1);
  const auto done = events();
  EXPECT_EQ(std::count_if(done.begin(), done.end(), [](const auto& event) { return event.starts_with("make"); }), 8);
  EXPECT_EQ(std::count_if(done.begin(), done.end(), [](const auto& event) { return event.starts_with("destroy"); }), 7);
}

TEST_F(ActsTest, registry_that_shuts_down_is_told_as_503) {
  registry->close();
  const auto seen = put("/namespaces/plant-2");
  EXPECT_EQ(seen.status, 503);
  EXPECT_EQ(seen.body["error"]["exitStatus"], 5);
}

}  // namespace
}  // namespace latchkey::hub::management
