// SPDX-License-Identifier: Apache-2.0
// Certificate renewal over the live connection: requests, their answers, their refusals.
#include "tests/unit/hub/session/session_fixture.h"

namespace latchkey::hub::session {
namespace {

class RenewalsTest : public SessionTest {};

// --- the good way

// Rows: R-10-25
TEST_F(RenewalsTest, renewal_answers_202_and_then_200) {
  const auto connection = connect("dev-1");
  auto all = ask(connection, "rid-1", body("dev-1"));
  ASSERT_EQ(statuses(all), (std::vector{202, 200}));
  for (const auto& one : all) {
    EXPECT_EQ(one.connection, connection);
    EXPECT_EQ(one.rid, "rid-1");
    EXPECT_EQ(one.body.size(), 2U);
  }
  EXPECT_EQ(all[0].body["operationExpires"], "2026-01-18T22:00:00.1230000Z");
  EXPECT_EQ(all[0].body["correlationId"], all[1].body["correlationId"]);
  ASSERT_EQ(all[1].body["certificates"].size(), 3U);
  EXPECT_EQ(all[1].body["certificates"][0], test::base64(test::bytes("leaf dev-1 MIIB")));
  EXPECT_EQ(all[1].body["certificates"][2], test::base64(test::bytes("root")));
  EXPECT_EQ(sessions->totals().renewals, 1U);
  const auto record = registry->list_audit(0, 5)->front();
  EXPECT_EQ(record.actor, "agent:dev-1");
  EXPECT_EQ(record.source, "127.0.0.1");
}

TEST_F(RenewalsTest, two_hundred_waits_for_the_gates) {
  const auto connection = connect("dev-1");
  bool answered = true;
  enforcement.on_wait = [&] { answered = statuses(heard()) != std::vector{202}; };
  EXPECT_EQ(statuses(ask(connection, "rid-1", body("dev-1"))), std::vector{200});
  EXPECT_FALSE(answered);
}

TEST_F(RenewalsTest, same_request_again_is_the_same_operation) {
  const auto connection = connect("dev-1");
  auto first = ask(connection, "rid-1", body("dev-1"));
  auto second = ask(connection, "rid-1", body("dev-1"));
  ASSERT_EQ(statuses(second), (std::vector{202, 200}));
  EXPECT_EQ(first[1].body, second[1].body);
  telemetry(connection, "dev-1");  // settles it
  auto third = ask(connection, "rid-1", body("dev-1"));
  ASSERT_EQ(statuses(third), (std::vector{202, 200}));
  EXPECT_EQ(first[1].body, third[1].body);
  EXPECT_EQ(issuer.issued, 1U);
}

TEST_F(RenewalsTest, same_request_after_a_restart_is_the_same_operation) {
  auto first = ask(connect("dev-1"), "rid-1", body("dev-1"));
  restart();
  auto second = ask(connect("dev-1"), "rid-1", body("dev-1"));
  ASSERT_EQ(statuses(second), (std::vector{202, 200}));
  EXPECT_EQ(first[1].body, second[1].body);
  EXPECT_EQ(issuer.issued, 1U);
}

TEST_F(RenewalsTest, other_csr_or_other_rid_afterwards_is_a_fresh_operation) {
  const auto connection = connect("dev-1");
  auto first = ask(connection, "rid-1", body("dev-1"));
  auto other_csr = ask(connection, "rid-1", body("dev-1", "MIIC"));
  ASSERT_EQ(statuses(other_csr), (std::vector{202, 200}));
  EXPECT_NE(other_csr[0].body["correlationId"], first[0].body["correlationId"]);
  EXPECT_EQ(statuses(ask(connection, "rid-2", body("dev-1", "MIIC"))), (std::vector{202, 200}));
  EXPECT_EQ(issuer.issued, 3U);
}

TEST_F(RenewalsTest, expired_operation_is_forgotten) {
  const auto connection = connect("dev-1");
  ask(connection, "rid-1", body("dev-1"));
  now += 12 * 3'600'000;
  EXPECT_EQ(statuses(ask(connection, "rid-1", body("dev-1"))), (std::vector{202, 200}));
  EXPECT_EQ(issuer.issued, 2U);
}

// --- bad requests

TEST_F(RenewalsTest, bad_bodies_have_their_codes) {
  const auto connection = connect("dev-1");
  expect_refused(connection, "not json", 400006);
  expect_refused(connection, "", 400006);
  expect_refused(connection, "[]", 400004);
  expect_refused(connection, body("dev-2"), 400004);
  expect_refused(connection, body("dev-1", ""), 400004);
  expect_refused(connection, R"({"id":"dev-1"})", 400004);
  expect_refused(connection, body("dev-1", "MIIB", "no rid!"), 400004);
  expect_refused(connection, R"({"id":"dev-1","csr":"MIIB","extra":1})", 400004);
  expect_refused(connection, std::string(65 * 1024, ' '), 400001);
  EXPECT_EQ(issuer.serials, 0U);
}

TEST_F(RenewalsTest, bad_csr_is_400040_at_once_with_its_reason) {
  const auto connection = connect("dev-1");
  expect_refused(connection, body("dev-1", std::string(8193, 'A')), 400040);
  expect_refused(connection, body("dev-1", "wrong-cn"), 400040);
  auto all = ask(connection, "rid-1", body("dev-1", "junk"));
  ASSERT_EQ(statuses(all), std::vector{400});
  EXPECT_EQ(all[0].body["errorCode"], 400040);
  EXPECT_EQ(all[0].body["info"]["credentialError"], "FailedToDecodeCsr");
  EXPECT_EQ(issuer.serials, 0U);
}

TEST_F(RenewalsTest, refused_csr_is_audited) {
  ask(connect("dev-1"), "rid-1", body("dev-1", "wrong-cn"));
  const auto record = registry->list_audit(0, 1)->front();
  EXPECT_EQ(record.actor, "agent:dev-1");
  EXPECT_EQ(record.outcome, "CSR rejected");
}

TEST_F(RenewalsTest, older_api_versions_are_refused) {
  for (const std::string version : {"2021-04-12", "2025-07-01-preview", "latest"}) {
    expect_refused(connect("dev-1", version), body("dev-1"), 400001);
  }
  EXPECT_EQ(statuses(ask(connect("dev-1", "2026-11-02-preview"), "rid-1", body("dev-1"))), (std::vector{202, 200}));
}

TEST_F(RenewalsTest, request_ids_keep_their_rules) {
  const auto connection = connect("dev-1");
  for (const std::string rid : {"abc", "-abcd", "abcd-", "ab_cd", "ab.cd", "0123456789012345678901234567890123456"}) {
    auto all = ask(connection, rid, body("dev-1"));
    ASSERT_EQ(statuses(all), std::vector{400}) << rid;
    EXPECT_EQ(all[0].body["errorCode"], 400001);
    EXPECT_EQ(all[0].rid, rid);
  }
  for (const std::string rid : {"abcd", "012345678901234567890123456789012345"}) {
    EXPECT_EQ(statuses(ask(connection, rid, body("dev-1"))), (std::vector{202, 200})) << rid;
  }
}

TEST_F(RenewalsTest, without_a_usable_rid_there_is_no_answer) {
  const auto connection = connect("dev-1");
  for (const std::string tail : {"", "?", "?$rid=", "?rid=abcd", "?$rid=ab/cd", "?$rid=ab%2Fcd", "?$rid=a#"}) {
    sessions->request(connection, "$iothub/credentials/POST/issueCertificate/" + tail, ByteView(body("dev-1")));
    EXPECT_TRUE(heard().empty()) << tail;
  }
  EXPECT_EQ(issuer.serials, 0U);
}

// --- what the registry refuses

TEST_F(RenewalsTest, registry_refusals_come_without_a_202) {
  const auto ghost = connect("ghost");
  expect_refused(ghost, body("ghost"), 404001);
  registry.must(registry->create_device(registry.call(), "default", "manual"));
  expect_refused(connect("manual"), body("manual"), 412005);
  registry.set_enabled("line-1", true, false);
  expect_refused(connect("dev-1"), body("dev-1"), 403010);
  registry.set_enabled("line-1", true, true);
  registry.must(registry->update_device(registry.call(), "default", "dev-1", {false}));
  expect_refused(connect("dev-1"), body("dev-1"), 403010);
  registry.must(registry->delete_policy(registry.call(), "default", "standard"));
  expect_refused(connect("dev-2"), body("dev-2"), 403010);
  EXPECT_EQ(issuer.issued, 0U);
  EXPECT_EQ(sessions->totals().renewals, 0U);
}

TEST_F(RenewalsTest, deleted_enrollment_still_renews) {
  registry.must(registry->delete_enrollment(registry.call(), "line-1", true));
  EXPECT_EQ(statuses(ask(connect("dev-1"), "rid-1", body("dev-1"))), (std::vector{202, 200}));
}

TEST_F(RenewalsTest, session_of_before_a_revocation_does_not_renew) {
  const auto connection = connect("dev-1");
  registry.must(registry->revoke_device(registry.call(), "default", "dev-1", false));
  expect_refused(connection, body("dev-1"), 503102);
  EXPECT_EQ(issuer.issued, 0U);
}

TEST_F(RenewalsTest, revoked_device_gets_a_new_certificate_for_the_same_request) {
  ask(connect("dev-1"), "rid-1", body("dev-1"));
  registry.must(registry->revoke_device(registry.call(), "default", "dev-1", false));
  const auto fresh = connect("dev-1");
  EXPECT_TRUE(heard().empty());  // the old certificate is dead: nothing to offer
  EXPECT_EQ(statuses(ask(fresh, "rid-1", body("dev-1"))), (std::vector{202, 200}));
  EXPECT_EQ(issuer.issued, 2U);
}

TEST_F(RenewalsTest, refused_request_does_not_block_the_next) {
  const auto connection = connect("dev-1");
  registry.set_enabled("line-1", true, false);
  expect_refused(connection, body("dev-1"), 403010);
  registry.set_enabled("line-1", true, true);
  EXPECT_EQ(statuses(ask(connection, "rid-2", body("dev-1"))), (std::vector{202, 200}));
}

TEST_F(RenewalsTest, hub_that_stops_answers_503) {
  const auto connection = connect("dev-1");
  registry->close();
  auto all = ask(connection, "rid-1", body("dev-1"));
  ASSERT_EQ(statuses(all), std::vector{503});
  EXPECT_EQ(all[0].body["retryAfter"], 5);
}

// --- after the 202

TEST_F(RenewalsTest, failed_signing_is_told_after_the_202) {
  const auto connection = connect("dev-1");
  const std::vector<std::pair<Reason, int>> rows = {{Reason::kIssuanceFailed, 500001},
                                                    {Reason::kCsrRejected, 400040},
                                                    {Reason::kDeviceUnknown, 503102},
                                                    {Reason::kShuttingDown, 503001}};
  for (const auto& [reason, code] : rows) {
    issuer.fails_with = reason;
    auto all = ask(connection, "rid-1", body("dev-1"));
    ASSERT_EQ(statuses(all), (std::vector{202, code / 1000}));
    EXPECT_EQ(all[1].body["errorCode"], code);
    EXPECT_EQ(all[1].body["info"]["correlationId"], all[0].body["correlationId"]);
  }
  issuer.fails_with.reset();
  EXPECT_EQ(statuses(ask(connection, "rid-1", body("dev-1"))), (std::vector{202, 200}));
}

TEST_F(RenewalsTest, gates_that_do_not_confirm_are_503_and_the_same_request_resumes) {
  const auto connection = connect("dev-1");
  enforcement.fails_with = Reason::kEnforcementTimeout;
  auto all = ask(connection, "rid-1", body("dev-1"));
  ASSERT_EQ(statuses(all), (std::vector{202, 503}));
  EXPECT_EQ(all[1].body["errorCode"], 503001);
  telemetry(connection, "dev-1");
  EXPECT_TRUE(heard().empty());  // not offered before it counts
  enforcement.fails_with.reset();
  EXPECT_EQ(statuses(ask(connection, "rid-1", body("dev-1"))), (std::vector{202, 200}));
  EXPECT_EQ(issuer.issued, 1U);
}

TEST_F(RenewalsTest, other_request_while_one_runs_is_409_with_its_name) {
  const auto connection = connect("dev-1");
  const auto held = hold(connection, "rid-1", body("dev-1", "slow"));
  auto accepted = heard();
  for (const auto& [rid, csr] : {std::pair{"rid-2", "slow"}, {"rid-2", "MIIB"}, {"rid-1", "MIIB"}}) {
    auto all = ask(connection, rid, body("dev-1", csr));
    ASSERT_EQ(statuses(all), std::vector{409}) << rid << csr;
    EXPECT_EQ(all[0].body["errorCode"], 409005);
    EXPECT_EQ(all[0].body["info"]["requestId"], "rid-1");
    EXPECT_EQ(all[0].body["info"]["operationExpires"], accepted[0].body["operationExpires"]);
    EXPECT_EQ(all[0].body["info"]["correlationId"], accepted[0].body["correlationId"]);
  }
  release(*held);
  EXPECT_EQ(statuses(heard()), std::vector{200});
}

TEST_F(RenewalsTest, what_a_device_says_next_is_not_held_up_where_renewals_run_apart) {
  std::vector<std::function<void()>> waiting;
  apart = [&](wire::ConnectionId, std::function<void()> renewal) { waiting.push_back(std::move(renewal)); };
  restart();
  const auto connection = connect("dev-1");
  EXPECT_EQ(statuses(ask(connection, "rid-1", body("dev-1"))), std::vector{202});
  telemetry(connection, "dev-1");
  EXPECT_EQ(sessions->totals().telemetry_messages, 1U);
  EXPECT_EQ(statuses(ask(connection, "rid-2", body("dev-1"))), std::vector{409});
  ASSERT_EQ(waiting.size(), 1U);
  waiting.front()();
  EXPECT_EQ(statuses(heard()), std::vector{200});
}

TEST_F(RenewalsTest, devices_do_not_wait_for_each_other) {
  const auto held = hold(connect("dev-1"), "rid-1", body("dev-1", "slow"));
  heard();
  EXPECT_EQ(statuses(ask(connect("dev-2"), "rid-1", body("dev-2"))), (std::vector{202, 200}));
  release(*held);
}

TEST_F(RenewalsTest, same_request_while_it_runs_is_one_operation) {
  const auto connection = connect("dev-1");
  const auto held = hold(connection, "rid-1", body("dev-1", "slow"));
  auto first = heard();
  auto again = ask(connection, "rid-1", body("dev-1", "slow"));
  ASSERT_EQ(statuses(again), std::vector{202});
  EXPECT_EQ(again[0].body, first[0].body);
  release(*held);
  EXPECT_EQ(statuses(heard()), std::vector{200});
  EXPECT_EQ(issuer.issued, 1U);
}

TEST_F(RenewalsTest, replace_gives_the_earlier_up) {
  for (const std::string replace : {"*", "rid-1"}) {
    const auto connection = connect("dev-1");
    heard();
    const auto held = hold(connection, "rid-1", body("dev-1", "slow"));
    heard();
    auto second = ask(connection, "rid-2", body("dev-1", "MIIB", replace));
    ASSERT_EQ(statuses(second), (std::vector{202, 200}));
    EXPECT_EQ(second[1].rid, "rid-2");
    release(*held);
    EXPECT_TRUE(heard().empty());  // its 200 never comes
    telemetry(connection, "dev-1");
    EXPECT_TRUE(heard().empty());
  }
}

TEST_F(RenewalsTest, replace_that_names_nothing_pending_is_412001) {
  const auto connection = connect("dev-1");
  expect_refused(connection, body("dev-1", "MIIB", "rid-9"), 412001);
  const auto held = hold(connection, "rid-1", body("dev-1", "slow"));
  heard();
  auto all = ask(connection, "rid-2", body("dev-1", "MIIB", "rid-9"));
  ASSERT_EQ(statuses(all), std::vector{412});
  EXPECT_EQ(all[0].body["errorCode"], 412001);
  release(*held);
  EXPECT_EQ(statuses(heard()), std::vector{200});
  EXPECT_EQ(statuses(ask(connection, "rid-3", body("dev-1", "MIIB", "*"))), (std::vector{202, 200}));
}

TEST_F(RenewalsTest, too_many_renewals_at_once_are_429) {
  max_running = 1;
  restart();
  const auto held = hold(connect("dev-1"), "rid-1", body("dev-1", "slow"));
  heard();
  const auto other = connect("dev-2");
  auto all = ask(other, "rid-1", body("dev-2"));
  ASSERT_EQ(statuses(all), std::vector{429});
  EXPECT_EQ(all[0].body["errorCode"], 429002);
  EXPECT_EQ(all[0].body["retryAfter"], 1);
  release(*held);
  heard();
  EXPECT_EQ(statuses(ask(other, "rid-1", body("dev-2"))), (std::vector{202, 200}));
}

TEST_F(RenewalsTest, those_that_are_too_many_are_each_given_another_time_to_come_again) {
  max_running = 1;
  restart();
  const auto held = hold(connect("dev-1"), "rid-1", body("dev-1", "slow"));
  heard();
  const auto other = connect("dev-2");
  std::vector<int> told;
  for (int i = 0; i < 500; ++i) {
    auto all = ask(other, "rid-" + std::to_string(i), body("dev-2"));
    ASSERT_EQ(statuses(all), std::vector{429});
    told.push_back(all[0].body["retryAfter"]);
  }
  EXPECT_EQ(told.front(), 1);
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_GE(told.back(), 3) << "not all at one time";
  release(*held);
}

}  // namespace
}  // namespace latchkey::hub::session
