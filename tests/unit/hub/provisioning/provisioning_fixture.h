// SPDX-License-Identifier: Apache-2.0
// Provisioning over a real registry, and the shortest way to have a device connect, register and poll.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hub/provisioning/provisioning.h"
#include "tests/unit/hub/provisioning/fixture.h"

namespace latchkey::hub::provisioning {

using Json = nlohmann::json;
using registry::Reason;
using test::kNow;

inline constexpr const char* kScope = "0ne00ABCDEF";
inline constexpr const char* kVersion = "2025-07-01-preview";
inline const registry::Bytes kKey = test::bytes("0123456789abcdef0123456789abcdef");
inline const registry::Bytes kOtherKey = test::bytes("another key that is long enough.");

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
      if (name == "expired" || expired) return registry::refuse(Reason::kExpired, "expired");
      return VerifiedLeaf{name};
    }
    return registry::refuse(Reason::kIssuerNotTrusted, "no chain");
  }
  bool expired = false;  // all of them
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
    made.monotonic_ms = [this] { return monotonic.load(); };
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
  std::atomic<std::uint64_t> monotonic{1'000'000};
  std::uint32_t registrations_per_minute = 0;
  std::uint32_t operations_per_minute = 0;
  wire::ConnectionId connections = 100;
  test::TemporaryRegistry registry;
  test::FakeIssuer issuer;
  FakeVerifier verifier;
  test::FakeEnforcement enforcement;
  std::unique_ptr<Provisioning> provisioning;
};

}  // namespace latchkey::hub::provisioning
