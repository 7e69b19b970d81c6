// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "tests/unit/hub/provisioning/provisioning_fixture.h"

namespace latchkey::hub::provisioning {
namespace {

// --- the good way

// Rows: R-10-18
TEST_F(ProvisioningTest, registers_and_hands_out_the_chain) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  Heard accepted = enter(connection, R"({"registrationId":"dev-1","csr":"MIIB"})");
  EXPECT_EQ(accepted.status, 202);
  EXPECT_EQ(accepted.rest, "$rid=r1&retry-after=3");
  EXPECT_EQ(accepted.body.size(), 2U);
  EXPECT_EQ(accepted.body["status"], "assigning");

  Heard heard = poll(connection, accepted.body["operationId"]);
  EXPECT_EQ(heard.status, 200);
  EXPECT_EQ(heard.rest, "$rid=r2");
  EXPECT_EQ(heard.body["operationId"], accepted.body["operationId"]);
  EXPECT_EQ(heard.body["status"], "assigned");
  const Json& state = heard.body["registrationState"];
  EXPECT_EQ(state["registrationId"], "dev-1");
  EXPECT_EQ(state["deviceId"], "dev-1");
  EXPECT_EQ(state["assignedHub"], "hub.example:8883");
  EXPECT_EQ(state["status"], "assigned");
  EXPECT_EQ(state["substatus"], "initialAssignment");
  EXPECT_EQ(state["createdDateTimeUtc"], "2026-01-18T10:00:00.1230000Z");
  EXPECT_EQ(state["symmetricKey"], Json::object());
  ASSERT_EQ(state["issuedCertificateChain"].size(), 3U);
  EXPECT_EQ(state["issuedCertificateChain"][0], test::base64(test::bytes("leaf dev-1 MIIB")));
  EXPECT_EQ(state["issuedCertificateChain"][2], test::base64(test::bytes("root")));
  EXPECT_EQ(issuer.checked_name, "dev-1");
  EXPECT_EQ(issuer.checked, 1U);  // once, however many want it
  EXPECT_EQ(provisioning->counters().assigned, 1U);
}

TEST_F(ProvisioningTest, accepted_goes_out_before_the_work_is_done) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  bool answered = false;
  bool answered_before_signing = false;
  issuer.during_issue = [&](std::string_view) { answered_before_signing = answered; };
  provisioning->request(connection, "$dps/registrations/PUT/iotdps-register/?$rid=1",
                        ByteView(std::string_view(R"({"csr":"x"})")),
                        [&](std::string_view, std::string_view) { answered = true; });
  EXPECT_TRUE(answered_before_signing);
}

TEST_F(ProvisioningTest, without_csr_or_policy_no_chain_is_made) {
  registry.enroll("dev-1", kKey);
  registry.enroll("dev-2", kKey, {}, "");
  for (const auto& [id, body] : {std::pair{"dev-1", ""}, {"dev-1", " "}, {"dev-2", R"({"csr":"MIIB"})"}}) {
    Heard heard = enter_and_poll(open_token(id, kKey), body);
    EXPECT_EQ(heard.body["status"], "assigned");
    EXPECT_FALSE(heard.body["registrationState"].contains("issuedCertificateChain"));
  }
  EXPECT_EQ(issuer.issued, 0U);
}

// Rows: R-10-25
TEST_F(ProvisioningTest, registering_again_issues_again) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  EXPECT_EQ(enter_and_poll(connection).body["registrationState"]["substatus"], "initialAssignment");
  EXPECT_EQ(enter_and_poll(connection).body["registrationState"]["substatus"], "reprovisionedToInitialAssignment");
  EXPECT_EQ(issuer.issued, 2U);
}

TEST_F(ProvisioningTest, rid_comes_back_unchanged) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  for (const std::string rid : {"1", "0f1c2d3e-0000-4000-8000-1a2b3c4d5e6f", "a%20b", "A.b_c~d:e"}) {
    EXPECT_EQ(ask_one(connection, "$dps/registrations/PUT/iotdps-register/?$rid=" + rid, "").rest,
              "$rid=" + rid + "&retry-after=3");
  }
}

TEST_F(ProvisioningTest, older_versions_register_without_csr) {
  registry.enroll("dev-1", kKey);
  auto opened = shown("dev-1");
  opened.username = username("dev-1", "2019-03-31");
  opened.password = device_token(kKey, "dev-1");
  ASSERT_TRUE(provisioning->opened(opened));
  EXPECT_EQ(enter_and_poll(opened.connection, R"({"registrationId":"DEV-1"})").body["status"], "assigned");
  expect_error(enter(opened.connection), 400012);
}

TEST_F(ProvisioningTest, later_versions_may_send_csr) {
  registry.enroll("dev-1", kKey);
  auto opened = shown("dev-1");
  opened.username = username("dev-1", "2026-11-02-preview");
  opened.password = device_token(kKey, "dev-1");
  ASSERT_TRUE(provisioning->opened(opened));
  EXPECT_EQ(enter_and_poll(opened.connection).body["registrationState"]["issuedCertificateChain"].size(), 3U);
}

TEST_F(ProvisioningTest, registration_is_audited_as_dps_with_the_devices_address) {
  registry.enroll("dev-1", kKey);
  enter_and_poll(open_token("dev-1", kKey));
  const auto records = registry->list_audit(0, 10);
  ASSERT_TRUE(records);
  EXPECT_EQ(records->front().actor, "dps");
  EXPECT_EQ(records->front().source, "127.0.0.1");
}

// --- failed

// Rows: R-10-29
TEST_F(ProvisioningTest, missing_policy_fails_with_404204_only_if_a_certificate_is_asked_for) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  registry.must(registry->delete_policy(registry.call(), "default", "standard"));
  Heard heard = enter_and_poll(connection);
  EXPECT_EQ(heard.status, 200);
  EXPECT_EQ(heard.body["status"], "failed");
  EXPECT_EQ(heard.body["registrationState"]["errorCode"], 404204);
  EXPECT_FALSE(heard.body["registrationState"]["errorMessage"].get<std::string>().empty());
  EXPECT_EQ(enter_and_poll(connection, "").body["status"], "assigned");
  EXPECT_EQ(provisioning->counters().failed, 1U);
}

TEST_F(ProvisioningTest, refused_csr_fails_with_400040) {
  registry.enroll("dev-1", kKey);
  Heard heard = enter_and_poll(open_token("dev-1", kKey), R"({"csr":"wrong-cn"})");
  EXPECT_EQ(heard.status, 200);
  EXPECT_EQ(heard.body["status"], "failed");
  EXPECT_EQ(heard.body["registrationState"]["errorCode"], 400040);
  EXPECT_EQ(issuer.serials, 0U);
}

TEST_F(ProvisioningTest, refused_csr_of_a_disabled_enrollment_is_disabled) {
  registry.enroll("dev-1", kKey);
  registry.set_enabled("dev-1", false, false);
  EXPECT_EQ(enter_and_poll(open_token("dev-1", kKey), R"({"csr":"wrong-cn"})").body["status"], "disabled");
}

TEST_F(ProvisioningTest, failed_signing_fails_with_500001) {
  registry.enroll("dev-1", kKey);
  issuer.fails_with = Reason::kIssuanceFailed;
  Heard heard = enter_and_poll(open_token("dev-1", kKey));
  EXPECT_EQ(heard.body["status"], "failed");
  EXPECT_EQ(heard.body["registrationState"]["errorCode"], 500001);
}

// Rows: R-10-02
TEST_F(ProvisioningTest, namespace_without_hub_fails_with_400208) {
  registry.must(registry->create_namespace(registry.call(), "empty"));
  registry::NewEnrollment made;
  made.id = "dev-1";
  made.namespace_name = "empty";
  made.primary = kKey;
  registry.must(registry->create_enrollment(registry.call(), made));
  Heard heard = enter_and_poll(open_token("dev-1", kKey), "");
  EXPECT_EQ(heard.body["registrationState"]["errorCode"], 400208);
}

// --- bad requests

TEST_F(ProvisioningTest, unreadable_bodies_answer_400012_at_once) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  const std::string long_csr(8193, 'A');
  for (const std::string& body :
       {std::string("not json"), std::string("[]"), std::string("null"), std::string(R"({"csr":1})"),
        std::string(R"({"csr":""})"), std::string(R"({"csr":"junk"})"), "{\"csr\":\"" + long_csr + "\"}",
        std::string(R"({"registrationId":"dev-2"})"), std::string(R"({"registrationId":1})"), std::string("{\"a\":"),
        std::string(97 * 1024, 'x')}) {
    Heard heard = enter(connection, body);
    expect_error(heard, 400012);
    EXPECT_EQ(heard.rest, "$rid=r1");
  }
  EXPECT_EQ(issuer.serials, 0U);
}

TEST_F(ProvisioningTest, unreadable_api_version_answers_400012) {
  registry.enroll("dev-1", kKey);
  for (const std::string version : {"latest", "2025", "2025-07-01-beta"}) {
    auto opened = shown("dev-1");
    opened.username = username("dev-1", version);
    opened.password = device_token(kKey, "dev-1");
    EXPECT_TRUE(provisioning->opened(opened));
    expect_error(enter(opened.connection, ""), 400012);
  }
}

TEST_F(ProvisioningTest, without_rid_or_connection_or_on_other_topics_nothing_is_said) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  for (const std::string topic :
       {"$dps/registrations/PUT/iotdps-register/", "$dps/registrations/PUT/iotdps-register/?",
        "$dps/registrations/PUT/iotdps-register/?$rid=", "$dps/registrations/PUT/iotdps-register/?rid=1",
        "$dps/registrations/res/200/?$rid=1", "$dps/registrations/POST/x/?$rid=1", "devices/dev-1/messages/events/", "",
        "$SYS/x", "$dps/registrations/PUT/iotdps-register/?$rid=a#b",
        "$dps/registrations/PUT/iotdps-register/?$rid=a/b"}) {
    EXPECT_TRUE(ask(connection, topic, "").empty()) << topic;
  }
  EXPECT_TRUE(ask(99, "$dps/registrations/PUT/iotdps-register/?$rid=1", "").empty());
  provisioning->closed(connection);
  EXPECT_TRUE(ask(connection, "$dps/registrations/PUT/iotdps-register/?$rid=1", "").empty());
}

TEST_F(ProvisioningTest, throttled_answers_429001_with_a_wait) {
  registrations_per_minute = 2;
  operations_per_minute = 2;
  restart();
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  enter_and_poll(connection);
  enter_and_poll(connection);
  Heard entered = enter(connection);
  expect_error(entered, 429001);
  EXPECT_EQ(entered.rest, "$rid=r1&retry-after=10");
  expect_error(poll(connection, "5.x"), 429001);
  now += 30'000;
  expect_error(enter(connection), 429001);  // a rehearsal's clock that jumps lets nobody through
  monotonic += 30'000;
  EXPECT_EQ(enter(connection).status, 202);
  EXPECT_EQ(provisioning->counters().throttled, 3U);
}

// --- under load: what admission is told, and tells

TEST_F(ProvisioningTest, only_register_is_the_start_of_a_registration) {
  EXPECT_TRUE(Provisioning::registers("$dps/registrations/PUT/iotdps-register/?$rid=1"));
  for (const char* other : {"$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=5.x",
                            "$dps/registrations/PUT/iotdps-register/", "devices/dev-1/messages/events/", ""}) {
    EXPECT_FALSE(Provisioning::registers(other)) << other;
  }
}

TEST_F(ProvisioningTest, group_of_a_connection_is_the_policy_that_it_proved_itself_to) {
  registry.must(registry->create_policy(registry.call(), "default", {"other", 30, registry.ca("CN=other", 3)}));
  registry.enroll("dev-1", kKey);
  registry.enroll("dev-2", kKey);
  registry.enroll("dev-3", kKey, {}, "other");
  registry.enroll("dev-4", kKey, {}, "");
  const auto group = [&](const char* id) { return provisioning->group_of(open_token(id, kKey)); };
  EXPECT_EQ(group("dev-1"), group("dev-2"));
  EXPECT_NE(group("dev-1"), group("dev-3"));
  EXPECT_NE(group("dev-1"), group("dev-4"));
  EXPECT_NE(group("dev-4"), "");
  EXPECT_EQ(provisioning->group_of(open_token("dev-1", kOtherKey, false)), "") << "it proved nothing";
  EXPECT_EQ(provisioning->group_of(4711), "");
}

TEST_F(ProvisioningTest, turned_away_hears_429_at_once_and_leaves_no_trace) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  Heard heard;
  provisioning->turn_away(connection, "$dps/registrations/PUT/iotdps-register/?$rid=r7", 42,
                          [&](std::string_view topic, std::string_view payload) {
                            EXPECT_EQ(topic, "$dps/registrations/res/429/?$rid=r7&retry-after=42");
                            heard = {429, {}, Json::parse(payload)};
                          });
  expect_error(heard, 429001);
  EXPECT_EQ(provisioning->counters().throttled, 1U);
  EXPECT_EQ(provisioning->refusals().at(0).reason, Reason::kThrottled);
  EXPECT_EQ(issuer.serials, 0U);
  EXPECT_EQ(issuer.checked_name, "") << "its CSR was not looked at";
  EXPECT_EQ(enter(connection).status, 202) << "and it may come again";
}

TEST_F(ProvisioningTest, turned_away_says_nothing_to_a_connection_that_is_gone) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  provisioning->closed(connection);
  bool said = false;
  provisioning->turn_away(connection, "$dps/registrations/PUT/iotdps-register/?$rid=1", 1,
                          [&](std::string_view, std::string_view) { said = true; });
  EXPECT_FALSE(said);
}

TEST_F(ProvisioningTest, accepted_asks_for_more_only_while_the_work_takes_longer) {
  std::uint32_t running = 0;
  auto loaded = options();
  loaded.running_wait_s = [&running] { return running; };
  provisioning = std::make_unique<Provisioning>(*registry, issuer, verifier, enforcement, loaded);
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  for (const auto& [wait, told] : {std::pair{0U, "3"}, {2U, "3"}, {3U, "3"}, {17U, "17"}}) {
    running = wait;
    EXPECT_EQ(enter(connection).rest, std::string("$rid=r1&retry-after=") + told);
  }
}

TEST_F(ProvisioningTest, wrong_proofs_do_not_use_up_the_throttle) {
  registrations_per_minute = 1;
  restart();
  registry.enroll("dev-1", kKey);
  const auto hostile = open_token("dev-1", kOtherKey, false);
  for (int i = 0; i < 10; ++i) expect_error(enter(hostile), 401000);
  EXPECT_EQ(enter(open_token("dev-1", kKey)).status, 202);
}

TEST_F(ProvisioningTest, register_during_shutdown_answers_500) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  registry->close();
  Heard heard = enter(connection);
  EXPECT_EQ(heard.status, 500) << heard.body;
  EXPECT_EQ(heard.rest, "$rid=r1&retry-after=5");
}

// --- on record

TEST_F(ProvisioningTest, refusals_are_kept_with_their_true_reason) {
  registry.enroll("dev-1", kKey);
  enter(open_token("dev-1", kOtherKey, false));
  enter(open_token("dev-1", kKey), "not json");
  const auto refusals = provisioning->refusals();
  ASSERT_EQ(refusals.size(), 2U);
  EXPECT_EQ(refusals[0].reason, Reason::kMalformedRequest);
  EXPECT_EQ(refusals[1].reason, Reason::kTokenInvalid);
  EXPECT_EQ(refusals[1].registration_id, "dev-1");
  EXPECT_EQ(refusals[1].peer, "127.0.0.1");
}

TEST_F(ProvisioningTest, hostile_flood_of_refusals_is_bounded) {
  const auto connection = open_token("dev-1", kKey, false);
  for (int i = 0; i < 1000; ++i) enter(connection);
  EXPECT_EQ(provisioning->refusals().size(), 256U);
}

TEST_F(ProvisioningTest, refused_csr_is_audited) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  for (const auto& [csr, outcome] : {std::pair{"junk", "CSR unreadable"}, {"wrong-cn", "CSR rejected"}}) {
    enter(connection, std::string("{\"csr\":\"") + csr + "\"}");
    const auto record = registry->list_audit(0, 1)->front();
    EXPECT_EQ(record.outcome, outcome);
    EXPECT_EQ(record.resource, "registrations/dev-1");
    EXPECT_EQ(record.source, "127.0.0.1");
  }
}

// --- many at once

TEST_F(ProvisioningTest, many_devices_register_at_once) {
  registry.enroll_group("line-1", kKey);
  constexpr int kThreads = 8;
  constexpr int kEach = 5;
  std::vector<wire::ConnectionId> open;
  for (int i = 0; i < kThreads * kEach; ++i) {
    const std::string id = "dev-" + std::to_string(i);
    open.push_back(open_token(id, test::hmac(kKey, id)));
  }
  std::vector<std::thread> threads;
  std::atomic<int> assigned{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        if (enter_and_poll(open[t * kEach + i]).body["status"] == "assigned") ++assigned;
        provisioning->closed(open[t * kEach + i]);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(assigned, kThreads * kEach);
  EXPECT_EQ(issuer.issued, static_cast<unsigned>(kThreads * kEach));
}

}  // namespace
}  // namespace latchkey::hub::provisioning
