// SPDX-License-Identifier: Apache-2.0
// Bad input in renewals over a live session: each gets the documented answer, nothing is issued for it, and the session
// goes on.
#include <gtest/gtest.h>

#include "tests/integration/bad_input_world.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

constexpr int kLongMs = 20'000;

class BadRenewal : public BadInput {
 protected:
  static std::string body_with(const std::string& csr) { return json{{"id", World::kVictim}, {"csr", csr}}.dump(); }
  void SetUp() override {
    BadInput::SetUp();
    client_ = session("2025-08-01-preview");
  }
  void TearDown() override {
    EXPECT_TRUE(client_->connected());
    client_.reset();
    BadInput::TearDown();
  }
  std::unique_ptr<DeviceClient> session(const std::string& version) {
    auto options = world().hub.hub_options(World::kVictim, world().victim);
    options.username = world().hub.hub_host() + "/" + World::kVictim + "/?api-version=" + version;
    auto client = std::make_unique<DeviceClient>(options);
    EXPECT_EQ(client->connect(kLongMs).text(), "accepted");
    EXPECT_EQ(client->subscribe("$iothub/credentials/res/#", 1, kLongMs), 1);
    return client;
  }
  void expect_error(const std::string& body, int code, const std::string& rid = "0001") {
    SCOPED_TRACE(body.substr(0, 60));
    const std::string prefix = "$iothub/credentials/res/";
    EXPECT_TRUE(client_->publish("$iothub/credentials/POST/issueCertificate/?$rid=" + rid, body, 1, kLongMs));
    const auto answer = client_->wait_message([](const Message&) { return true; }, kLongMs);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->topic, prefix + std::to_string(code / 1000) + "/?$rid=" + rid);
    const auto parsed = json::parse(answer->payload);
    EXPECT_EQ(parsed.at("errorCode"), code) << parsed;
    expect_error_form(parsed);
  }
  void expect_csr_audit(const std::string& outcome) {
    expect_audit(outcome + " certificate.renew namespaces/default/devices/" + World::kVictim);
  }
  std::unique_ptr<DeviceClient> client_;
};

TEST_F(BadRenewal, body_that_is_not_json_is_400006) {
  for (const std::string body : {"", "{", "not json", "{\"id\":}", "{'id':'victim-1'}", "{\"id\":\"victim-1\""}) {
    expect_error(body, 400006);
  }
}

TEST_F(BadRenewal, wrong_members_are_400004) {
  const std::string csr = make_csr(make_key(), World::kVictim);
  for (const json& body :
       {json::array(), json(1), json("text"), json::object(), json{{"id", World::kVictim}}, json{{"csr", csr}},
        json{{"id", World::kOther}, {"csr", csr}}, json{{"id", 1}, {"csr", csr}},
        json{{"id", World::kVictim}, {"csr", ""}}, json{{"id", World::kVictim}, {"csr", 1}},
        json{{"id", World::kVictim}, {"csr", nullptr}}, json{{"id", World::kVictim}, {"csr", json::array({csr})}},
        json{{"id", World::kVictim}, {"csr", csr}, {"more", 1}},
        json{{"id", World::kVictim}, {"csr", csr}, {"replace", true}},
        json{{"id", World::kVictim}, {"csr", csr}, {"replace", "?"}}}) {
    expect_error(body.dump(), 400004);
  }
}

TEST_F(BadRenewal, unreadable_csr_is_400040) {
  const Key key = make_key();
  for (const std::string& csr :
       {pem_csr(key, World::kVictim), std::string("junk"), std::string("AAAA"), std::string(8'193, 'A')}) {
    expect_error(body_with(csr), 400040);
    expect_csr_audit("CSR unreadable");
  }
}

TEST_F(BadRenewal, csr_that_is_not_this_devices_or_not_allowed_is_400040) {
  for (const std::string& csr :
       {make_csr(make_key(), World::kOther), make_csr(make_key(), ""),
        csr_with_wrong_signature(make_key(), World::kVictim), make_csr(make_rsa_key(2048), World::kVictim),
        make_csr(make_key("P-521"), World::kVictim)}) {
    expect_error(body_with(csr), 400040);
    expect_csr_audit("CSR rejected");
  }
}

TEST_F(BadRenewal, body_over_the_limit_is_400001) { expect_error(std::string(65 * 1024, ' '), 400001); }

TEST_F(BadRenewal, replacing_what_is_not_pending_is_412001) {
  expect_error(
      json{{"id", World::kVictim}, {"csr", make_csr(make_key(), World::kVictim)}, {"replace", "none-1"}}.dump(),
      412001);
}

TEST_F(BadRenewal, api_version_unknown_or_too_old_is_400001) {
  for (const std::string version : {"banana", "2020-09-30", "2025-07-01-preview"}) {
    client_ = session(version);
    expect_error(body_with(make_csr(make_key(), World::kVictim)), 400001);
  }
}

TEST_F(BadRenewal, topic_without_a_request_id_gets_no_answer) {
  for (const std::string topic :
       {"$iothub/credentials/POST/issueCertificate/", "$iothub/credentials/POST/other/?$rid=1",
        "$iothub/credential/POST/issueCertificate/?$rid=0001", "$iothub/credentials/POST/issueCertificate/?$rid="}) {
    EXPECT_TRUE(client_->publish(topic, body_with(make_csr(make_key(), World::kVictim)), 1, kLongMs)) << topic;
  }
  expect_error("{", 400006);  // the first answer is to this one
}

}  // namespace
}  // namespace latchkey::tests
