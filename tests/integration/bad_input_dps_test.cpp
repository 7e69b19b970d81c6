// SPDX-License-Identifier: Apache-2.0
// Bad input at the DPS endpoint: each gets the documented answer, and nothing is issued for it.
#include <gtest/gtest.h>

#include <ctime>

#include "tests/integration/bad_input_world.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

using Bytes = std::vector<std::uint8_t>;

constexpr int kLongMs = 20'000;
constexpr const char* kRegister = "$dps/registrations/PUT/iotdps-register/?$rid=r1";
constexpr const char* kId = "candidate-1";
constexpr const char* kNotUtf8 = "{\"registrationId\":\"\xff\xfe\"}";

struct Answered {
  int status = 0;
  json body;
};

int status_in(const std::string& topic, const std::string& prefix) { return std::stoi(topic.substr(prefix.size())); }

class BadProvisioning : public BadInput {
 protected:
  std::unique_ptr<DeviceClient> open(const DeviceClient::Options& options) {
    auto client = std::make_unique<DeviceClient>(options);
    EXPECT_EQ(client->connect(kLongMs).text(), "accepted");
    EXPECT_EQ(client->subscribe("$dps/registrations/res/#", 1, kLongMs), 1);
    return client;
  }
  DeviceClient::Options options(const std::string& id = kId) {
    return world().hub.dps_options(id, world().hub.token(id));
  }
  Answered ask(DeviceClient& client, const std::string& topic, const std::string& body) {
    EXPECT_TRUE(client.publish(topic, body, 1, kLongMs));
    const auto answer = client.wait_message([](const Message&) { return true; }, kLongMs);
    if (!answer) return {};
    return {status_in(answer->topic, "$dps/registrations/res/"), json::parse(answer->payload, nullptr, false)};
  }
  Answered ask(const std::string& topic, const std::string& body) { return ask(*open(options()), topic, body); }
  void expect_error(const Answered& answered, int code) {
    ASSERT_EQ(answered.status, code / 1000) << answered.body;
    EXPECT_EQ(answered.body.at("errorCode"), code) << answered.body;
    expect_error_form(answered.body);
  }
  // Register, then poll until the result is there.
  json outcome(const std::string& body) {
    const auto client = open(options());
    auto answered = ask(*client, kRegister, body);
    EXPECT_EQ(answered.status, 202) << answered.body;
    while (answered.status == 202) {
      answered = ask(*client,
                     "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=r2&operationId=" +
                         answered.body.at("operationId").get<std::string>(),
                     " ");
    }
    EXPECT_EQ(answered.status, 200) << answered.body;
    return answered.body;
  }
  void expect_failed(const json& body, int code) {
    EXPECT_EQ(body.value("status", ""), "failed") << body;
    EXPECT_EQ(body.at("registrationState").value("status", ""), "failed") << body;
    EXPECT_EQ(body.at("registrationState").at("errorCode"), code) << body;
    EXPECT_FALSE(body.at("registrationState").contains("issuedCertificateChain")) << body;
  }
  static std::string with_csr(const std::string& csr) { return json{{"registrationId", kId}, {"csr", csr}}.dump(); }
  void expect_csr_audit(const std::string& outcome) { expect_audit(outcome + " device.register registrations/" + kId); }
};

TEST_F(BadProvisioning, body_that_is_no_request_is_400012) {
  const std::vector<std::string> bodies = {"{",
                                           "}",
                                           "not json",
                                           "[]",
                                           "null",
                                           "true",
                                           "12",
                                           "\"text\"",
                                           "{}{}",
                                           "{\"registrationId\":}",
                                           "{\"registrationId\":1}",
                                           "{\"registrationId\":[]}",
                                           "{\"registrationId\":{}}",
                                           "{\"registrationId\":true}",
                                           "{\"csr\":1}",
                                           "{\"csr\":[\"AA==\"]}",
                                           "{\"csr\":{}}",
                                           "{'csr':'x'}",
                                           "{\"csr\":\"x\",}",
                                           kNotUtf8,
                                           "{\"registrationId\":\"other-1\"}",
                                           "{\"registrationId\":\"\"}",
                                           std::string("{\"registrationId\":\"candidate-1\0\"}", 33),
                                           std::string(5'000, '[')};
  const auto client = open(options());
  for (const auto& body : bodies) {
    SCOPED_TRACE(body.substr(0, 60));
    expect_error(ask(*client, kRegister, body), 400012);
  }
}

TEST_F(BadProvisioning, empty_csr_is_400012) {
  expect_error(ask(kRegister, with_csr("")), 400012);
  expect_csr_audit("CSR unreadable");
}

TEST_F(BadProvisioning, csr_as_pem_is_400012) {
  const Key key = make_key();
  expect_error(ask(kRegister, with_csr(pem_csr(key, kId))), 400012);
  expect_csr_audit("CSR unreadable");
}

TEST_F(BadProvisioning, csr_of_junk_is_400012) {
  const Key key = make_key();
  const auto good = base64_bytes(make_csr(key, kId));
  auto longer = good;
  longer.push_back(0);
  auto shorter = good;
  shorter.pop_back();
  for (const std::string& csr : {std::string("AAAA"), std::string("not base64!"), make_csr(key, kId) + "\n",
                                 base64_text(longer), base64_text(shorter)}) {
    SCOPED_TRACE(csr.substr(0, 40));
    expect_error(ask(kRegister, with_csr(csr)), 400012);
    expect_csr_audit("CSR unreadable");
  }
}

TEST_F(BadProvisioning, csr_over_8_kb_is_400012) {
  for (const std::size_t size : {8'193U, 90'000U}) {
    expect_error(ask(kRegister, with_csr(std::string(size, 'A'))), 400012);
    expect_csr_audit("CSR unreadable");
  }
}

TEST_F(BadProvisioning, message_over_96_kb_is_400012_and_the_session_goes_on) {
  const auto client = open(options());
  expect_error(ask(*client, kRegister, with_csr(std::string(97 * 1024, 'A'))), 400012);
  expect_error(ask(*client, kRegister, "{"), 400012);
}

TEST_F(BadProvisioning, csr_of_another_name_fails_with_400040) {
  for (const std::string name : {"other-1", "", "CANDIDATE-1", "candidate-1 "}) {
    expect_failed(outcome(with_csr(make_csr(make_key(), name))), 400040);
    expect_csr_audit("CSR rejected");
  }
}

TEST_F(BadProvisioning, csr_with_a_wrong_signature_fails_with_400040) {
  expect_failed(outcome(with_csr(csr_with_wrong_signature(make_key(), kId))), 400040);
  expect_csr_audit("CSR rejected");
}

// Rows: R-10-21
TEST_F(BadProvisioning, csr_of_a_key_that_is_not_allowed_fails_with_400040) {
  expect_failed(outcome(with_csr(make_csr(make_rsa_key(2048), kId))), 400040);
  expect_csr_audit("CSR rejected");
  expect_failed(outcome(with_csr(make_csr(make_key("P-521"), kId))), 400040);
  expect_csr_audit("CSR rejected");
  expect_failed(outcome(with_csr(make_csr(make_key("secp256k1"), kId))), 400040);
  expect_csr_audit("CSR rejected");
}

TEST_F(BadProvisioning, api_version_that_is_none_is_400012) {
  for (const std::string version : {"banana", "2025", "2025-7-1", "2025-07-01-beta", "-"}) {
    SCOPED_TRACE(version);
    auto asking = options();
    asking.username = world().hub.dps_username(kId, version);
    expect_error(ask(*open(asking), kRegister, "{}"), 400012);
  }
}

TEST_F(BadProvisioning, csr_under_an_api_version_before_it_is_400012) {
  for (const std::string version : {"2019-03-31", "2021-06-01"}) {
    SCOPED_TRACE(version);
    auto asking = options();
    asking.username = world().hub.dps_username(kId, version);
    expect_error(ask(*open(asking), kRegister, with_csr(make_csr(make_key(), kId))), 400012);
  }
}

TEST_F(BadProvisioning, unreadable_username_is_refused_with_connack_5) {
  const std::string scope = world().hub.id_scope();
  for (const std::string& username :
       {std::string("junk"), scope + "/registrations/candidate-1", scope + "/registrations/candidate-1/api-version=",
        scope + "/registrations/other-1/api-version=2025-07-01-preview",
        std::string("/registrations/candidate-1/api-version=1"), scope + "/candidate-1/api-version=2025-07-01-preview",
        std::string(3'000, 'x')}) {
    ConnectFields connect;
    connect.client_id = kId;
    connect.username = username;
    connect.password = world().hub.token(kId);
    EXPECT_EQ(judged_raw(options(), connect_packet(connect), "dps"), "refused: CONNACK 5, client id mismatch, names")
        << username.substr(0, 60);
  }
}

TEST_F(BadProvisioning, neither_token_nor_certificate_is_refused_with_connack_5) {
  ConnectFields connect;
  connect.client_id = kId;
  connect.username = world().hub.dps_username(kId);
  EXPECT_EQ(judged_raw(options(), connect_packet(connect), "dps"), "refused: CONNACK 5, no credential, credential");
}

// The connection opens, as the real service's does, and register answers.
TEST_F(BadProvisioning, wrong_proof_is_401) {
  auto& hub = world().hub;
  const auto now = static_cast<long>(std::time(nullptr));
  const std::string resource = hub.id_scope() + "/registrations/" + kId;
  const std::string device_key = derive_device_key(hub.group_key(), kId);
  const std::string good = hub.token(kId);
  const std::vector<std::pair<std::string, std::string>> tokens = {
      {"expired", sas_token(resource, device_key, now - 3'600)},
      {"long expired", sas_token(resource, device_key, 1)},
      {"under a random key", sas_token(resource, derive_device_key(base64_text(Bytes(64, 7)), kId), now + 3'600)},
      {"under the group key itself", sas_token(resource, hub.group_key(), now + 3'600)},
      {"of another id", hub.token("other-1")},
      {"of another id, resource exchanged",
       sas_token(resource, derive_device_key(hub.group_key(), "other-1"), now + 3'600)},
      {"of another scope", sas_token("0ne00000000/registrations/" + std::string(kId), device_key, now + 3'600)},
      {"without a signature", "SharedAccessSignature sr=x&skn=registration&se=99999999999"},
      {"with more life than was signed", good + "9"},
      {"cut", good.substr(0, 60)},
      {"junk", "password"},
      {"long", std::string(20'000, 'x')}};
  for (const auto& [name, token] : tokens) {
    SCOPED_TRACE(name);
    const auto client = open(hub.dps_options(kId, token));
    expect_error(ask(*client, kRegister, "{}"), 401000);
    expect_error(ask(*client, "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=r2&operationId=x", " "), 401000);
  }
}

TEST_F(BadProvisioning, certificate_that_nobody_enrolled_is_401002) {
  const auto stranger = make_test_ca("stranger");
  const Key key = make_key();
  LeafOptions leaf;
  leaf.common_name = kId;
  auto shown = world().hub.dps_options(kId, "");
  shown.identity = Identity{key, {make_leaf(stranger, key, leaf), stranger.certificate, stranger.certificate}, ""};
  expect_error(ask(*open(shown), kRegister, "{}"), 401002);
  // The certificate for the hub is none for provisioning.
  auto own = world().hub.dps_options(World::kVictim, "");
  own.identity = world().victim;
  expect_error(ask(*open(own), kRegister, "{}"), 401002);
}

TEST_F(BadProvisioning, operation_of_another_device_or_of_nobody_is_404) {
  const std::string poll = "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=r2&operationId=";
  for (const std::string operation : {"5.0.00000000-0000-4000-8000-000000000000", "x", "renewal", "'--"}) {
    SCOPED_TRACE(operation);
    expect_error(ask(poll + operation, " "), 404202);
  }
}

// Such a topic names no operation: like any other unknown topic it costs the session.
TEST_F(BadProvisioning, request_topic_that_names_nothing_closes_the_session) {
  for (const std::string& topic :
       {std::string("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=r2"),
        std::string("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=r2&operationId="),
        "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=r2&operationId=" + std::string(500, 'o'),
        std::string("$dps/registrations/PUT/iotdps-register/"),
        std::string("$dps/registrations/PUT/iotdps-register/?rid=1")}) {
    const auto client = open(options());
    client->publish(topic, "{}", 1, kLongMs);
    EXPECT_TRUE(client->wait_closed(kLongMs).has_value()) << topic.substr(0, 80);
  }
}

}  // namespace
}  // namespace latchkey::tests
