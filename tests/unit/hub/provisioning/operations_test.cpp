// SPDX-License-Identifier: Apache-2.0
// What a device hears that polls, while its registration runs and afterwards.
#include <future>
#include <thread>

#include "tests/unit/hub/provisioning/provisioning_fixture.h"

namespace latchkey::hub::provisioning {
namespace {

class OperationsTest : public ProvisioningTest {};

// --- order of grants

TEST_F(OperationsTest, assigned_waits_for_the_gates) {
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

TEST_F(OperationsTest, fault_of_the_gates_is_a_500_with_a_wait) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  Heard accepted = enter(connection);
  enforcement.fails_with = Reason::kShuttingDown;
  Heard heard = poll(connection, accepted.body["operationId"]);
  expect_error(heard, 500003);
  EXPECT_EQ(heard.rest, "$rid=r2&retry-after=5");
}

TEST_F(OperationsTest, poll_and_second_register_while_the_work_runs_say_assigning) {
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

TEST_F(OperationsTest, work_is_finished_for_a_device_that_left) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  issuer.during_issue = [&](std::string_view) { provisioning->closed(connection); };
  const std::string operation = enter(connection).body["operationId"];
  EXPECT_EQ(poll(open_token("dev-1", kKey), operation).body["status"], "assigned");
}

TEST_F(OperationsTest, another_process_answers_the_poll) {
  registry.enroll("dev-1", kKey);
  const std::string operation = enter(open_token("dev-1", kKey)).body["operationId"];
  restart();
  EXPECT_EQ(poll(open_token("dev-1", kKey), operation).body["status"], "assigned");
}

TEST_F(OperationsTest, operation_of_a_process_that_died_fails_after_a_while) {
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

// --- unknown

TEST_F(OperationsTest, unknown_operations_answer_404202) {
  registry.enroll("dev-1", kKey);
  registry.enroll("dev-2", kKey);
  const auto connection = open_token("dev-1", kKey);
  expect_error(poll(connection, "5.nothing"), 404202);
  const std::string of_another = enter(open_token("dev-2", kKey)).body["operationId"];
  expect_error(poll(connection, of_another), 404202);
}

TEST_F(OperationsTest, expired_operation_answers_404202) {
  registry.enroll("dev-1", kKey);
  const std::string operation = enter(open_token("dev-1", kKey)).body["operationId"];
  now += 86'400'000;
  auto opened = shown("dev-1");
  opened.password = test::token(kKey, std::string(kScope) + "/registrations/dev-1", now / 1000 + 60);
  ASSERT_TRUE(provisioning->opened(opened));
  expect_error(poll(opened.connection, operation), 404202);
}

TEST_F(OperationsTest, poll_without_operation_answers_400012) {
  registry.enroll("dev-1", kKey);
  const auto connection = open_token("dev-1", kKey);
  expect_error(ask_one(connection, "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1", ""), 400012);
}

}  // namespace
}  // namespace latchkey::hub::provisioning
