// SPDX-License-Identifier: Apache-2.0
// Who proves which registration id, by what.

#include "tests/unit/hub/provisioning/provisioning_fixture.h"

namespace latchkey::hub::provisioning {
namespace {

class AttestationTest : public ProvisioningTest {};

// --- good proofs

TEST_F(AttestationTest, group_member_registers_with_a_derived_key) {
  registry.enroll_group("other-line", kOtherKey);
  registry.enroll_group("line-1", test::bytes("an old group key, rotated out..."), kKey);
  const auto connection = open_token("Dev-7", test::hmac(kKey, "Dev-7"));
  Heard heard = enter_and_poll(connection);
  EXPECT_EQ(heard.body["registrationState"]["symmetricKey"]["enrollmentGroupId"], "line-1");
  EXPECT_EQ(heard.body["registrationState"]["deviceId"], "Dev-7");
}

TEST_F(AttestationTest, secondary_key_is_as_good) {
  registry.enroll("dev-1", kOtherKey, kKey);
  EXPECT_EQ(enter_and_poll(open_token("dev-1", kKey)).body["status"], "assigned");
}

TEST_F(AttestationTest, individual_certificate_registers) {
  registry.enroll_certificate("dev-1", false, test::bytes("dev-1|factory"));
  Heard heard = enter_and_poll(open_certificate("dev-1", "dev-1|factory"));
  EXPECT_EQ(heard.body["status"], "assigned");
  EXPECT_EQ(heard.body["registrationState"]["x509"], Json::object());
  EXPECT_FALSE(heard.body["registrationState"].contains("symmetricKey"));
}

TEST_F(AttestationTest, certificate_below_a_groups_ca_registers) {
  registry.enroll_certificate("line-1", true, test::bytes("factory-1"), test::bytes("factory-2"));
  EXPECT_EQ(enter_and_poll(open_certificate("dev-1", "dev-1|factory-2")).body["status"], "assigned");
  EXPECT_EQ(enter_and_poll(open_certificate("DEV-2", "dev-2|factory-1")).body["status"], "assigned");
}

// --- wrong proofs: the connection stays, every operation answers 401

TEST_F(AttestationTest, wrong_tokens_answer_401000) {
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

TEST_F(AttestationTest, nothing_shown_answers_401000) {
  registry.enroll("dev-1", kKey);
  auto opened = shown("dev-1");
  EXPECT_FALSE(provisioning->opened(opened));
  expect_error(enter(opened.connection), 401000);
}

TEST_F(AttestationTest, wrong_scope_or_username_answers_401) {
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

TEST_F(AttestationTest, unknown_id_and_wrong_proof_look_the_same) {
  registry.enroll("dev-1", kKey);
  Json known = enter(open_token("dev-1", kOtherKey, false)).body;
  Json unknown = enter(open_token("dev-9", kOtherKey, false)).body;
  for (Json* body : {&known, &unknown}) body->erase("trackingId");
  EXPECT_EQ(known, unknown);
}

TEST_F(AttestationTest, wrong_certificates_answer_401002) {
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

TEST_F(AttestationTest, leaf_below_an_individual_certificate_is_not_that_certificate) {
  registry.enroll_certificate("dev-1", false, test::bytes("dev-1|factory"));
  expect_error(enter(open_certificate("dev-1", "dev-1|dev-1|factory", false)), 401002);
}

TEST_F(AttestationTest, token_is_judged_even_where_a_good_certificate_comes_along) {
  registry.enroll_certificate("line-1", true, test::bytes("factory"));
  auto opened = shown("dev-1");
  opened.password = device_token(kKey, "dev-1");
  opened.chain = {test::bytes("dev-1|factory")};
  EXPECT_FALSE(provisioning->opened(opened));
  expect_error(enter(opened.connection), 401000);
}

TEST_F(AttestationTest, token_that_runs_out_while_connected_answers_401000) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  now += 3'600'000;
  Heard heard = enter(connection);
  expect_error(heard, 401000);
  EXPECT_EQ(heard.body["message"], "the token has expired");
}

TEST_F(AttestationTest, proof_is_judged_again_at_every_operation) {
  registry.enroll_group("line-1", kKey);
  const auto connection = open_token("dev-1", test::hmac(kKey, "dev-1"));
  const std::string operation = enter(connection).body["operationId"];
  registry.enroll("dev-1", kOtherKey);  // from now on this one speaks for the id
  expect_error(poll(connection, operation), 401000);
  expect_error(enter(connection), 401000);
}

TEST_F(AttestationTest, enrollment_deleted_meanwhile_answers_404201) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  registry.must(registry->delete_enrollment(registry.call(), "dev-1", false));
  expect_error(enter(connection), 404201);
  expect_error(enter(open_token("dev-1", kKey, false)), 401000);
}

// --- disabled

// Rows: R-10-13
TEST_F(AttestationTest, disabled_enrollment_answers_disabled_to_a_good_proof_only) {
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

TEST_F(AttestationTest, disabled_group_answers_disabled) {
  registry.enroll_group("line-1", kKey);
  registry.enroll_certificate("line-2", true, test::bytes("factory"));
  registry.set_enabled("line-1", true, false);
  registry.set_enabled("line-2", true, false);
  EXPECT_EQ(enter_and_poll(open_token("dev-1", test::hmac(kKey, "dev-1"))).body["status"], "disabled");
  EXPECT_EQ(enter_and_poll(open_certificate("dev-2", "dev-2|factory")).body["status"], "disabled");
}

TEST_F(AttestationTest, disabled_individual_enrollment_locks_a_member_out_of_its_group) {
  registry.enroll_group("line-1", kKey);
  registry.enroll("dev-1", kOtherKey);
  registry.set_enabled("dev-1", false, false);
  EXPECT_EQ(enter_and_poll(open_token("dev-1", test::hmac(kKey, "dev-1"))).body["status"], "disabled");
  EXPECT_EQ(enter_and_poll(open_token("dev-2", test::hmac(kKey, "dev-2"))).body["status"], "assigned");
}

TEST_F(AttestationTest, enrollment_disabled_between_register_and_poll_answers_disabled) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  const std::string operation = enter(connection).body["operationId"];
  registry.set_enabled("dev-1", false, false);
  Heard heard = poll(connection, operation);
  EXPECT_EQ(heard.body["status"], "disabled");
  EXPECT_FALSE(heard.body["registrationState"].contains("issuedCertificateChain"));
}

TEST_F(AttestationTest, disabled_device_answers_disabled_until_it_is_enabled) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  enter_and_poll(connection);
  registry.must(registry->update_device(registry.call(), "default", "dev-1", {false}));
  EXPECT_EQ(enter_and_poll(connection).body["status"], "disabled");
  registry.must(registry->update_device(registry.call(), "default", "dev-1", {true}));
  EXPECT_EQ(enter_and_poll(connection).body["status"], "assigned");
}

// --- attempts and restarts

TEST_F(AttestationTest, attempt_is_judged_and_not_kept) {
  registry.enroll("dev-1", kKey);
  auto opened = shown("dev-1");
  opened.attempt = true;
  opened.password = device_token(kKey, "dev-1");
  EXPECT_TRUE(provisioning->opened(opened));
  EXPECT_TRUE(ask(opened.connection, "$dps/registrations/PUT/iotdps-register/?$rid=1", "").empty());
  opened.password = device_token(kOtherKey, "dev-1");
  EXPECT_FALSE(provisioning->opened(opened));
}

TEST_F(AttestationTest, verified_connection_of_before_a_restart_goes_on) {
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

TEST_F(AttestationTest, verified_connection_that_cannot_be_placed_has_to_come_again) {
  registry.enroll_group("line-1", kKey);
  auto opened = shown("dev-1");
  opened.resent = opened.verified = true;
  EXPECT_FALSE(provisioning->opened(opened));
  expect_error(enter(opened.connection), 500001);
}

TEST_F(AttestationTest, gates_word_counts_only_for_connections_of_before_a_restart) {
  registry.enroll("dev-1", kKey);
  auto opened = shown("dev-1");
  opened.verified = true;
  EXPECT_FALSE(provisioning->opened(opened));
  opened.resent = true;
  opened.password = device_token(kOtherKey, "dev-1");
  EXPECT_FALSE(provisioning->opened(opened));
}

TEST_F(AttestationTest, connection_told_again_keeps_its_token) {
  registry.enroll_group("line-1", kKey);
  const auto connection = open_token("dev-1", test::hmac(kKey, "dev-1"));
  auto again = shown("dev-1");
  again.connection = connection;
  again.resent = true;
  EXPECT_TRUE(provisioning->opened(again));
  EXPECT_EQ(enter_and_poll(connection).body["status"], "assigned");
}

// --- what is remembered between the requests of a connection

TEST_F(AttestationTest, key_that_is_replaced_while_connected_proves_no_more) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  EXPECT_EQ(enter_and_poll(connection).body["status"], "assigned");
  registry::NewEnrollment other;
  other.id = "dev-1";
  other.namespace_name = "default";
  other.attestation = registry::AttestationKind::kSymmetricKey;
  other.primary = kOtherKey;
  other.policy_name = "standard";
  ASSERT_TRUE(registry->replace_enrollment(registry.call(), other));
  expect_error(enter(connection), 401000);
}

TEST_F(AttestationTest, individual_enrollment_that_comes_while_connected_overrules_the_group) {
  registry.enroll_group("line", kKey);
  const auto connection = open_token("dev-1", test::hmac(kKey, "dev-1"));
  EXPECT_EQ(enter_and_poll(connection).body["status"], "assigned");
  registry.enroll("dev-1", kOtherKey);
  expect_error(enter(connection), 401000);
}

TEST_F(AttestationTest, token_that_runs_out_is_refused_though_nothing_else_changed) {
  registry.enroll_group("line", kKey);
  const auto connection = open_token("dev-1", test::hmac(kKey, "dev-1"));
  EXPECT_EQ(enter_and_poll(connection).body["status"], "assigned");
  now = (kNow / 1000 + 3600) * 1000 - 1;
  EXPECT_EQ(enter(connection).status, 202);
  now = (kNow / 1000 + 3600) * 1000;
  expect_error(enter(connection), 401000);
  now = kNow;  // a clock that is set back
  EXPECT_EQ(enter(connection).status, 202);
}

TEST_F(AttestationTest, certificate_that_expires_while_connected_is_refused) {
  registry.enroll_certificate("dev-1", false, test::bytes("dev-1|ca"));
  const auto connection = open_certificate("dev-1", "dev-1|ca");
  EXPECT_EQ(enter_and_poll(connection).body["status"], "assigned");
  verifier.expired = true;
  EXPECT_EQ(enter(connection).status, 401);
}

}  // namespace
}  // namespace latchkey::hub::provisioning
