// SPDX-License-Identifier: Apache-2.0
// A renewal outlives the connection that asked for it: its 200 finds the device on the next one. In every test the
// first connection takes no answer because it never subscribed, so nothing hangs on how soon it closes.
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

constexpr int kLongMs = 30'000;
const std::string kAnswers = "$iothub/credentials/res/";
const std::string kRid = "lost-and-found";

class RenewalDelivery : public HubTest<RenewalDelivery> {
 protected:
  void SetUp() override {
    static int tests = 0;
    device_ = "delivery-" + std::to_string(++tests);
    old_ = hub().provision(device());
    fresh_.key = make_key();
    fresh_.hub = old_.hub;
    request_ = json{{"id", device()}, {"csr", make_csr(fresh_.key, device())}}.dump();
  }

  const std::string& device() const { return device_; }
  std::unique_ptr<DeviceClient> connect() { return open_session(hub(), device(), old_); }
  void ask(DeviceClient& client) {
    EXPECT_TRUE(client.publish("$iothub/credentials/POST/issueCertificate/?$rid=" + kRid, request_, 1, kLongMs));
  }
  // Asks on a connection that does not subscribe, and closes it.
  void ask_and_leave() {
    const auto client = connect();
    ask(*client);
    client->disconnect();
    EXPECT_EQ(client->waiting_messages(), 0u) << "nothing reaches who has not subscribed";
  }
  static std::optional<Message> wait_answer(DeviceClient& client, int status) {
    const std::string topic = kAnswers + std::to_string(status) + "/?$rid=" + kRid;
    return client.wait_message([&](const Message& message) { return message.topic == topic; }, kLongMs);
  }
  // What a 200 brings is for the key of the CSR and good at the hub.
  void expect_certificate(const Message& answer) {
    const auto body = json::parse(answer.payload);
    ASSERT_EQ(body.at("certificates").size(), 3u) << body;
    fresh_.chain.clear();
    for (const auto& one : body.at("certificates")) {
      fresh_.chain.push_back(certificate_from_base64(one.get<std::string>()));
    }
    EXPECT_EQ(subject_text(fresh_.chain[0]), "CN=" + device());
    EXPECT_NE(serial_hex(fresh_.chain[0]), serial_hex(old_.chain[0]));
    EXPECT_TRUE(accepted(hub(), device(), fresh_));
  }
  std::size_t certificates() { return rows(hub().json({"device", "certificates", "-n", device()})).size(); }

  std::string device_;  // one a test: what an earlier one left waiting is none of its business
  Identity old_;
  Identity fresh_;
  std::string request_;
};

TEST_F(RenewalDelivery, answer_comes_after_suback_on_the_next_connection) {
  ask_and_leave();
  const auto next = connect();
  EXPECT_EQ(next->waiting_messages(), 0u);
  ASSERT_EQ(next->subscribe(kAnswers + "#", 1, kLongMs), 1);
  const auto answer = next->wait_message([](const Message&) { return true; }, kLongMs);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->topic, kAnswers + "200/?$rid=" + kRid) << "the 202 was for the connection that asked";
  next->disconnect();
  expect_certificate(*answer);
  EXPECT_EQ(certificates(), 2u) << "the first, and exactly one more";
}

TEST_F(RenewalDelivery, answer_passes_over_connections_that_do_not_subscribe) {
  ask_and_leave();
  for (int i = 0; i < 2; ++i) {
    const auto silent = connect();
    ASSERT_EQ(silent->subscribe("devices/" + device() + "/messages/devicebound/#", 1, kLongMs), 1);
    EXPECT_EQ(silent->waiting_messages(), 0u);
    silent->disconnect();
  }
  const auto next = connect();
  ASSERT_EQ(next->subscribe(kAnswers + "#", 1, kLongMs), 1);
  const auto answer = wait_answer(*next, 200);
  ASSERT_TRUE(answer);
  next->disconnect();
  expect_certificate(*answer);
}

TEST_F(RenewalDelivery, answer_comes_to_the_asking_connection_when_it_subscribes_late) {
  const auto client = connect();
  ask(*client);
  ASSERT_EQ(client->subscribe(kAnswers + "#", 1, kLongMs), 1);
  const auto answer = wait_answer(*client, 200);
  ASSERT_TRUE(answer);
  client->disconnect();
  expect_certificate(*answer);
}

TEST_F(RenewalDelivery, same_request_on_the_next_connection_is_no_second_certificate) {
  ask_and_leave();
  const auto next = connect();
  ASSERT_EQ(next->subscribe(kAnswers + "#", 1, kLongMs), 1);
  const auto first = wait_answer(*next, 200);
  ASSERT_TRUE(first);
  ask(*next);
  const auto accepted_again = wait_answer(*next, 202);
  ASSERT_TRUE(accepted_again);
  const auto second = wait_answer(*next, 200);
  ASSERT_TRUE(second);
  EXPECT_EQ(json::parse(first->payload), json::parse(second->payload));
  EXPECT_EQ(json::parse(accepted_again->payload).at("correlationId"), json::parse(first->payload).at("correlationId"));
  EXPECT_EQ(certificates(), 2u);
}

TEST_F(RenewalDelivery, answer_of_before_a_revocation_stays_away) {
  ask_and_leave();
  ASSERT_TRUE(eventually([&] { return certificates() == 2; })) << "issued, and still with nobody";
  operate(hub(), {"device", "revoke", "-n", device(), "-y"});
  EXPECT_TRUE(refused(hub(), device(), old_, kIdentifierMismatch));
  const auto comeback = hub().provision(device());
  const auto next = open_session(hub(), device(), comeback);
  ASSERT_EQ(next->subscribe(kAnswers + "#", 1, kLongMs), 1);
  // The same request is a new operation now: its 202 is the first thing that comes, and its certificate another.
  ask(*next);
  const auto first = next->wait_message([](const Message&) { return true; }, kLongMs);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->topic, kAnswers + "202/?$rid=" + kRid);
  const auto answer = wait_answer(*next, 200);
  ASSERT_TRUE(answer);
  next->disconnect();
  expect_certificate(*answer);
  EXPECT_EQ(certificates(), 4u);
}

}  // namespace
}  // namespace latchkey::tests
