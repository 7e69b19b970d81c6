// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/provisioning.h"

#include <future>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "tests/unit/hub/provisioning/fixture.h"

namespace latchkey::hub::provisioning {
namespace {

using Json = nlohmann::json;
using registry::Reason;
using test::kNow;

constexpr const char* kScope = "0ne00ABCDEF";
constexpr const char* kVersion = "2025-07-01-preview";
const registry::Bytes kKey = test::bytes("0123456789abcdef0123456789abcdef");
const registry::Bytes kOtherKey = test::bytes("another key that is long enough.");

// Certificates as text: "cn|issuer" chains to an anchor "issuer", or to itself; "expired|..." has run out.
class FakeVerifier : public CertificateVerifier {
 public:
  registry::Outcome<VerifiedLeaf> verify(const std::vector<registry::Bytes>& chain,
                                         const std::vector<registry::Bytes>& anchors, UnixMs) override {
    const std::string leaf(chain.front().begin(), chain.front().end());
    const std::string name = leaf.substr(0, leaf.find('|'));
    const std::string issuer = leaf.substr(leaf.find('|') + 1);
    for (const auto& anchor : anchors) {
      if (anchor != chain.front() && anchor != test::bytes(issuer)) continue;
      if (name == "expired") return registry::refuse(Reason::kExpired, "expired");
      return VerifiedLeaf{name};
    }
    return registry::refuse(Reason::kIssuerNotTrusted, "no chain");
  }
};

struct Heard {
  int status = 0;
  std::string rest;  // of the topic, behind /?
  Json body;
};

class ProvisioningTest : public testing::Test {
 protected:
  ProvisioningTest() : issuer(*registry) { restart(); }

  // Another hub process on the same registry.
  void restart() { provisioning = std::make_unique<Provisioning>(*registry, issuer, verifier, enforcement, options()); }
  Options options() {
    Options made;
    made.id_scope = kScope;
    made.now = [this] { return now.load(); };
    made.retry_after_s = 3;
    made.registrations_per_minute = registrations_per_minute;
    made.operations_per_minute = operations_per_minute;
    return made;
  }

  static std::string username(const std::string& id, const std::string& version = kVersion,
                              const std::string& scope = kScope) {
    return scope + "/registrations/" + id + "/api-version=" + version + "&ClientVersion=test%2F1";
  }
  static std::string device_token(const registry::Bytes& key, const std::string& id) {
    return test::token(key, std::string(kScope) + "%2Fregistrations%2F" + id, kNow / 1000 + 3600);
  }
  wire::Opened shown(const std::string& id) {
    wire::Opened opened;
    opened.connection = ++connections;
    opened.client_id = id;
    opened.username = username(id);
    opened.peer = "127.0.0.1";
    return opened;
  }
  wire::ConnectionId open_token(const std::string& id, const registry::Bytes& key, bool proven = true) {
    auto opened = shown(id);
    opened.password = device_token(key, id);
    EXPECT_EQ(provisioning->opened(opened), proven);
    return opened.connection;
  }
  wire::ConnectionId open_certificate(const std::string& id, const std::string& leaf, bool proven = true) {
    auto opened = shown(id);
    opened.chain = {test::bytes(leaf)};
    EXPECT_EQ(provisioning->opened(opened), proven);
    return opened.connection;
  }

  std::vector<Heard> ask(wire::ConnectionId connection, const std::string& topic, const std::string& body) {
    std::vector<Heard> all;
    provisioning->request(connection, topic, ByteView(body), [&](std::string_view answer, std::string_view payload) {
      const std::string prefix = "$dps/registrations/res/";
      ASSERT_EQ(answer.substr(0, prefix.size()), prefix);
      Heard heard;
      heard.status = std::stoi(std::string(answer.substr(prefix.size(), 3)));
      EXPECT_EQ(answer.substr(prefix.size() + 3, 2), "/?");
      heard.rest = answer.substr(prefix.size() + 5);
      heard.body = Json::parse(payload);  // every answer has a JSON body
      all.push_back(heard);
    });
    return all;
  }
  Heard ask_one(wire::ConnectionId connection, const std::string& topic, const std::string& body) {
    const auto all = ask(connection, topic, body);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? Heard{} : all.front();
  }
  Heard enter(wire::ConnectionId connection, const std::string& body = R"({"csr":"MIIB"})") {
    return ask_one(connection, "$dps/registrations/PUT/iotdps-register/?$rid=r1", body);
  }
  Heard poll(wire::ConnectionId connection, const std::string& operation) {
    return ask_one(connection, "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=r2&operationId=" + operation,
                   " ");
  }
  Heard enter_and_poll(wire::ConnectionId connection, const std::string& body = R"({"csr":"MIIB"})") {
    Heard accepted = enter(connection, body);
    EXPECT_EQ(accepted.status, 202) << accepted.body;
    return poll(connection, accepted.body.value("operationId", ""));
  }
  static void expect_error(const Heard& heard, int code) {
    EXPECT_EQ(heard.status, code / 1000) << heard.body;
    EXPECT_EQ(heard.body.value("errorCode", 0), code) << heard.body;
    for (const char* member : {"trackingId", "message", "timestampUtc"}) EXPECT_TRUE(heard.body.contains(member));
  }

  std::atomic<UnixMs> now{kNow};
  std::uint32_t registrations_per_minute = 0;
  std::uint32_t operations_per_minute = 0;
  wire::ConnectionId connections = 100;
  test::TemporaryRegistry registry;
  test::FakeIssuer<CertificateIssuer, IssuedChain> issuer;
  FakeVerifier verifier;
  test::FakeEnforcement<Enforcement> enforcement;
  std::unique_ptr<Provisioning> provisioning;
};

// --- the good way

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

TEST_F(ProvisioningTest, group_member_registers_with_a_derived_key) {
  registry.enroll_group("other-line", kOtherKey);
  registry.enroll_group("line-1", test::bytes("an old group key, rotated out..."), kKey);
  const auto connection = open_token("Dev-7", test::hmac(kKey, "Dev-7"));
  Heard heard = enter_and_poll(connection);
  EXPECT_EQ(heard.body["registrationState"]["symmetricKey"]["enrollmentGroupId"], "line-1");
  EXPECT_EQ(heard.body["registrationState"]["deviceId"], "Dev-7");
}

TEST_F(ProvisioningTest, secondary_key_is_as_good) {
  registry.enroll("dev-1", kOtherKey, kKey);
  EXPECT_EQ(enter_and_poll(open_token("dev-1", kKey)).body["status"], "assigned");
}

TEST_F(ProvisioningTest, individual_certificate_registers) {
  registry.enroll_certificate("dev-1", false, test::bytes("dev-1|factory"));
  Heard heard = enter_and_poll(open_certificate("dev-1", "dev-1|factory"));
  EXPECT_EQ(heard.body["status"], "assigned");
  EXPECT_EQ(heard.body["registrationState"]["x509"], Json::object());
  EXPECT_FALSE(heard.body["registrationState"].contains("symmetricKey"));
}

TEST_F(ProvisioningTest, certificate_below_a_groups_ca_registers) {
  registry.enroll_certificate("line-1", true, test::bytes("factory-1"), test::bytes("factory-2"));
  EXPECT_EQ(enter_and_poll(open_certificate("dev-1", "dev-1|factory-2")).body["status"], "assigned");
  EXPECT_EQ(enter_and_poll(open_certificate("DEV-2", "dev-2|factory-1")).body["status"], "assigned");
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

TEST_F(ProvisioningTest, registration_is_audited_as_dps) {
  registry.enroll("dev-1", kKey);
  enter_and_poll(open_token("dev-1", kKey));
  const auto records = registry->list_audit(0, 10);
  ASSERT_TRUE(records);
  EXPECT_EQ(records->front().actor, "dps");
}

// --- order of grants

TEST_F(ProvisioningTest, assigned_waits_for_the_gates) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  Heard accepted = enter(connection);
  enforcement.fails_with = Reason::kEnforcementTimeout;
  Heard waiting = poll(connection, accepted.body["operationId"]);
  EXPECT_EQ(waiting.status, 202);
  EXPECT_EQ(waiting.body["status"], "assigning");
  EXPECT_EQ(waiting.rest, "$rid=r2&retry-after=3");
  EXPECT_FALSE(waiting.body.dump().find("issuedCertificateChain") != std::string::npos);
  enforcement.fails_with.reset();
  EXPECT_EQ(poll(connection, accepted.body["operationId"]).body["status"], "assigned");
  EXPECT_EQ(enforcement.asked_for, registry->newest_sequence());
}

TEST_F(ProvisioningTest, fault_of_the_gates_is_a_500_with_a_wait) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  Heard accepted = enter(connection);
  enforcement.fails_with = Reason::kShuttingDown;
  Heard heard = poll(connection, accepted.body["operationId"]);
  expect_error(heard, 500003);
  EXPECT_EQ(heard.rest, "$rid=r2&retry-after=5");
}

TEST_F(ProvisioningTest, poll_and_second_register_while_the_work_runs_say_assigning) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  std::promise<void> signing, go_on;
  issuer.during_issue = [&](std::string_view) {
    signing.set_value();
    go_on.get_future().wait();
  };
  Json first;
  std::thread worker([&] {
    provisioning->request(connection, "$dps/registrations/PUT/iotdps-register/?$rid=1",
                          ByteView(std::string_view(R"({"csr":"x"})")),
                          [&](std::string_view, std::string_view body) { first = Json::parse(body); });
  });
  signing.get_future().wait();
  now += 1'800'000;  // however long it takes
  EXPECT_EQ(poll(connection, first["operationId"]).status, 202);
  Heard again = enter(connection, R"({"csr":"y"})");
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.body["operationId"], first["operationId"]);
  go_on.set_value();
  worker.join();
  issuer.during_issue = nullptr;
  EXPECT_EQ(poll(connection, first["operationId"]).body["status"], "assigned");
  EXPECT_EQ(issuer.issued, 1U);
}

TEST_F(ProvisioningTest, work_is_finished_for_a_device_that_left) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  issuer.during_issue = [&](std::string_view) { provisioning->closed(connection); };
  const std::string operation = enter(connection).body["operationId"];
  EXPECT_EQ(poll(open_token("dev-1", kKey), operation).body["status"], "assigned");
}

TEST_F(ProvisioningTest, another_process_answers_the_poll) {
  registry.enroll("dev-1", kKey);
  const std::string operation = enter(open_token("dev-1", kKey)).body["operationId"];
  restart();
  EXPECT_EQ(poll(open_token("dev-1", kKey), operation).body["status"], "assigned");
}

TEST_F(ProvisioningTest, operation_of_a_process_that_died_fails_after_a_while) {
  registry.enroll("dev-1", kKey);
  const auto before = open_token("dev-1", kKey);
  std::string operation;
  // The process "dies" at signing: its result is never stored.
  auto other = std::make_unique<Provisioning>(*registry, issuer, verifier, enforcement, options());
  issuer.during_issue = [&](std::string_view) {
    auto opened = shown("dev-1");
    opened.password = device_token(kKey, "dev-1");
    std::swap(other, provisioning);
    provisioning->opened(opened);
    EXPECT_EQ(poll(opened.connection, operation).status, 202);
    now += 10'001;
    Heard heard = poll(opened.connection, operation);
    EXPECT_EQ(heard.status, 200);
    EXPECT_EQ(heard.body["status"], "failed");
    EXPECT_EQ(heard.body["registrationState"]["errorCode"], 500001);
    std::swap(other, provisioning);
  };
  provisioning->request(before, "$dps/registrations/PUT/iotdps-register/?$rid=1",
                        ByteView(std::string_view(R"({"csr":"x"})")),
                        [&](std::string_view, std::string_view body) { operation = Json::parse(body)["operationId"]; });
}

// --- wrong proofs: the connection stays, every operation answers 401

TEST_F(ProvisioningTest, wrong_tokens_answer_401000) {
  registry.enroll("dev-1", kKey);
  registry.enroll_group("line-1", kOtherKey);
  const std::string good = device_token(kKey, "dev-1");
  const std::vector<std::string> passwords = {
      device_token(kOtherKey, "dev-1"),                           // another key
      device_token(test::hmac(kOtherKey, "dev-1"), "dev-1"),      // the group's, but there is an individual one
      device_token(kKey, "dev-2"),                                // for another device
      test::token(kKey, "0ne00OTHER/registrations/dev-1", kNow),  // for another scope
      test::token(kKey, std::string(kScope) + "/registrations/dev-1", kNow / 1000 - 1),  // expired
      good.substr(0, good.size() - 1),
      good + "1",
      "SharedAccessSignature sr=x&sig=y&se=1",
      "secret"};
  for (const auto& password : passwords) {
    auto opened = shown("dev-1");
    opened.password = password;
    EXPECT_FALSE(provisioning->opened(opened)) << password;
    expect_error(enter(opened.connection), 401000);
    expect_error(poll(opened.connection, "5.x"), 401000);
  }
  EXPECT_EQ(provisioning->counters().unauthorized, 2 * passwords.size());
  EXPECT_EQ(issuer.serials, 0U);
}

TEST_F(ProvisioningTest, nothing_shown_answers_401000) {
  registry.enroll("dev-1", kKey);
  auto opened = shown("dev-1");
  EXPECT_FALSE(provisioning->opened(opened));
  expect_error(enter(opened.connection), 401000);
}

TEST_F(ProvisioningTest, wrong_scope_or_username_answers_401) {
  registry.enroll("dev-1", kKey);
  for (const std::string& name : {username("dev-1", kVersion, "0ne00OTHER"), std::string("dev-1"), std::string()}) {
    auto opened = shown("dev-1");
    opened.username = name;
    opened.password = device_token(kKey, "dev-1");
    EXPECT_FALSE(provisioning->opened(opened));
    expect_error(enter(opened.connection), 401000);
  }
  auto opened = shown("dev-1");
  opened.username = username("dev-2");
  opened.password = device_token(kKey, "dev-1");
  EXPECT_FALSE(provisioning->opened(opened));
  EXPECT_EQ(enter(opened.connection).status, 401);
}

TEST_F(ProvisioningTest, unknown_id_and_wrong_proof_look_the_same) {
  registry.enroll("dev-1", kKey);
  Json known = enter(open_token("dev-1", kOtherKey, false)).body;
  Json unknown = enter(open_token("dev-9", kOtherKey, false)).body;
  for (Json* body : {&known, &unknown}) body->erase("trackingId");
  EXPECT_EQ(known, unknown);
}

TEST_F(ProvisioningTest, wrong_certificates_answer_401002) {
  registry.enroll_certificate("dev-1", false, test::bytes("dev-1|factory"));
  registry.enroll_certificate("line-1", true, test::bytes("factory"));
  registry.enroll("dev-3", kKey);
  open_certificate("dev-2", "dev-2|factory");
  expect_error(enter(open_certificate("dev-1", "dev-1|elsewhere", false)), 401002);
  expect_error(enter(open_certificate("dev-1", "dev-1|factory ", false)), 401002);  // same CA, not the enrolled one
  expect_error(enter(open_certificate("dev-2", "dev-2|elsewhere", false)), 401002);
  expect_error(enter(open_certificate("dev-2", "dev-1|factory", false)), 401002);  // another's certificate
  expect_error(enter(open_certificate("dev-2", "expired|factory", false)), 401002);
  expect_error(enter(open_certificate("dev-3", "dev-3|factory", false)), 401002);  // enrolled with a key
}

TEST_F(ProvisioningTest, leaf_below_an_individual_certificate_is_not_that_certificate) {
  registry.enroll_certificate("dev-1", false, test::bytes("dev-1|factory"));
  expect_error(enter(open_certificate("dev-1", "dev-1|dev-1|factory", false)), 401002);
}

TEST_F(ProvisioningTest, token_is_judged_even_where_a_good_certificate_comes_along) {
  registry.enroll_certificate("line-1", true, test::bytes("factory"));
  auto opened = shown("dev-1");
  opened.password = device_token(kKey, "dev-1");
  opened.chain = {test::bytes("dev-1|factory")};
  EXPECT_FALSE(provisioning->opened(opened));
  expect_error(enter(opened.connection), 401000);
}

TEST_F(ProvisioningTest, token_that_runs_out_while_connected_answers_401000) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  now += 3'600'000;
  Heard heard = enter(connection);
  expect_error(heard, 401000);
  EXPECT_EQ(heard.body["message"], "the token has expired");
}

TEST_F(ProvisioningTest, proof_is_judged_again_at_every_operation) {
  registry.enroll_group("line-1", kKey);
  const auto connection = open_token("dev-1", test::hmac(kKey, "dev-1"));
  const std::string operation = enter(connection).body["operationId"];
  registry.enroll("dev-1", kOtherKey);  // from now on this one speaks for the id
  expect_error(poll(connection, operation), 401000);
  expect_error(enter(connection), 401000);
}

TEST_F(ProvisioningTest, enrollment_deleted_meanwhile_answers_404201) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  registry.must(registry->delete_enrollment(registry.call(), "dev-1", false));
  expect_error(enter(connection), 404201);
  expect_error(enter(open_token("dev-1", kKey, false)), 401000);
}

// --- disabled

TEST_F(ProvisioningTest, disabled_enrollment_answers_disabled_to_a_good_proof_only) {
  registry.enroll("dev-1", kKey);
  registry.set_enabled("dev-1", false, false);
  Heard heard = enter_and_poll(open_token("dev-1", kKey));
  EXPECT_EQ(heard.status, 200);
  EXPECT_EQ(heard.body["status"], "disabled");
  EXPECT_EQ(heard.body["registrationState"]["status"], "disabled");
  EXPECT_FALSE(heard.body["registrationState"].contains("errorCode"));
  expect_error(enter(open_token("dev-1", kOtherKey, false)), 401000);
  EXPECT_EQ(issuer.issued, 0U);
}

TEST_F(ProvisioningTest, disabled_group_answers_disabled) {
  registry.enroll_group("line-1", kKey);
  registry.enroll_certificate("line-2", true, test::bytes("factory"));
  registry.set_enabled("line-1", true, false);
  registry.set_enabled("line-2", true, false);
  EXPECT_EQ(enter_and_poll(open_token("dev-1", test::hmac(kKey, "dev-1"))).body["status"], "disabled");
  EXPECT_EQ(enter_and_poll(open_certificate("dev-2", "dev-2|factory")).body["status"], "disabled");
}

TEST_F(ProvisioningTest, disabled_individual_enrollment_locks_a_member_out_of_its_group) {
  registry.enroll_group("line-1", kKey);
  registry.enroll("dev-1", kOtherKey);
  registry.set_enabled("dev-1", false, false);
  EXPECT_EQ(enter_and_poll(open_token("dev-1", test::hmac(kKey, "dev-1"))).body["status"], "disabled");
  EXPECT_EQ(enter_and_poll(open_token("dev-2", test::hmac(kKey, "dev-2"))).body["status"], "assigned");
}

TEST_F(ProvisioningTest, enrollment_disabled_between_register_and_poll_answers_disabled) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  const std::string operation = enter(connection).body["operationId"];
  registry.set_enabled("dev-1", false, false);
  Heard heard = poll(connection, operation);
  EXPECT_EQ(heard.body["status"], "disabled");
  EXPECT_FALSE(heard.body["registrationState"].contains("issuedCertificateChain"));
}

TEST_F(ProvisioningTest, disabled_device_answers_disabled_until_it_is_enabled) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  enter_and_poll(connection);
  registry.must(registry->update_device(registry.call(), "default", "dev-1", {false}));
  EXPECT_EQ(enter_and_poll(connection).body["status"], "disabled");
  registry.must(registry->update_device(registry.call(), "default", "dev-1", {true}));
  EXPECT_EQ(enter_and_poll(connection).body["status"], "assigned");
}

// --- failed

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

TEST_F(ProvisioningTest, unknown_operations_answer_404202) {
  registry.enroll("dev-1", kKey);
  registry.enroll("dev-2", kKey);
  const auto connection = open_token("dev-1", kKey);
  expect_error(poll(connection, "5.nothing"), 404202);
  const std::string of_another = enter(open_token("dev-2", kKey)).body["operationId"];
  expect_error(poll(connection, of_another), 404202);
}

TEST_F(ProvisioningTest, expired_operation_answers_404202) {
  registry.enroll("dev-1", kKey);
  const std::string operation = enter(open_token("dev-1", kKey)).body["operationId"];
  now += 86'400'000;
  auto opened = shown("dev-1");
  opened.password = test::token(kKey, std::string(kScope) + "/registrations/dev-1", now / 1000 + 60);
  ASSERT_TRUE(provisioning->opened(opened));
  expect_error(poll(opened.connection, operation), 404202);
}

TEST_F(ProvisioningTest, poll_without_operation_answers_400012) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  expect_error(ask_one(connection, "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1", ""), 400012);
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
  EXPECT_EQ(enter(connection).status, 202);
  EXPECT_EQ(provisioning->counters().throttled, 2U);
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

// --- attempts and restarts

TEST_F(ProvisioningTest, attempt_is_judged_and_not_kept) {
  registry.enroll("dev-1", kKey);
  auto opened = shown("dev-1");
  opened.attempt = true;
  opened.password = device_token(kKey, "dev-1");
  EXPECT_TRUE(provisioning->opened(opened));
  EXPECT_TRUE(ask(opened.connection, "$dps/registrations/PUT/iotdps-register/?$rid=1", "").empty());
  opened.password = device_token(kOtherKey, "dev-1");
  EXPECT_FALSE(provisioning->opened(opened));
}

TEST_F(ProvisioningTest, verified_connection_of_before_a_restart_goes_on) {
  registry.enroll_group("line-1", kKey);
  const std::string operation = enter(open_token("dev-1", test::hmac(kKey, "dev-1"))).body["operationId"];
  restart();
  auto opened = shown("dev-1");
  opened.resent = opened.verified = true;
  EXPECT_TRUE(provisioning->opened(opened));
  EXPECT_EQ(poll(opened.connection, operation).body["status"], "assigned");
  registry.set_enabled("line-1", true, false);
  EXPECT_EQ(poll(opened.connection, operation).body["status"], "disabled");
  registry.must(registry->delete_enrollment(registry.call(), "line-1", true));
  expect_error(poll(opened.connection, operation), 404201);
}

TEST_F(ProvisioningTest, verified_connection_that_cannot_be_placed_has_to_come_again) {
  registry.enroll_group("line-1", kKey);
  auto opened = shown("dev-1");
  opened.resent = opened.verified = true;
  EXPECT_FALSE(provisioning->opened(opened));
  expect_error(enter(opened.connection), 500001);
}

TEST_F(ProvisioningTest, gates_word_counts_only_for_connections_of_before_a_restart) {
  registry.enroll("dev-1", kKey);
  auto opened = shown("dev-1");
  opened.verified = true;
  EXPECT_FALSE(provisioning->opened(opened));
  opened.resent = true;
  opened.password = device_token(kOtherKey, "dev-1");
  EXPECT_FALSE(provisioning->opened(opened));
}

TEST_F(ProvisioningTest, connection_told_again_keeps_its_token) {
  registry.enroll_group("line-1", kKey);
  const auto connection = open_token("dev-1", test::hmac(kKey, "dev-1"));
  auto again = shown("dev-1");
  again.connection = connection;
  again.resent = true;
  EXPECT_TRUE(provisioning->opened(again));
  EXPECT_EQ(enter_and_poll(connection).body["status"], "assigned");
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
