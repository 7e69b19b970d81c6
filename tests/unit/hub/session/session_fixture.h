// SPDX-License-Identifier: Apache-2.0
// Sessions over a real registry, and the shortest way to have a device connect, talk and renew.
#pragma once

#include <algorithm>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "hub/session/session.h"
#include "tests/unit/hub/provisioning/fixture.h"

namespace latchkey::hub::session {

using Json = nlohmann::json;
using registry::Reason;
using test::kNow;

inline constexpr const char* kVersion = "2025-08-01-preview";

struct Sent {
  wire::ConnectionId connection = 0;
  std::string topic;
  std::string payload;
  int qos = 0;
  std::uint64_t tag = 0;
};

class FakeOutbox : public Outbox {
 public:
  void deliver(wire::Deliver message) override {
    const std::lock_guard lock(mutex_);
    sent_.push_back({message.connection, message.topic, std::string(message.payload.begin(), message.payload.end()),
                     message.qos, message.tag});
  }
  std::vector<Sent> sent() {
    const std::lock_guard lock(mutex_);
    return sent_;
  }
  std::vector<Sent> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(sent_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<Sent> sent_;
};

struct Heard {
  wire::ConnectionId connection = 0;
  int status = 0;
  std::string rid;
  Json body;
};

class SessionTest : public testing::Test {
 protected:
  SessionTest() : issuer(*registry) {
    restart();
    registry.enroll_group("line-1", test::bytes("key"));
    add_device("dev-1");
    add_device("dev-2");
  }

  void restart() { sessions = std::make_unique<Sessions>(*registry, issuer, enforcement, outbox, options()); }
  Options options() {
    Options made;
    made.namespace_name = "default";
    made.now = [this] { return now.load(); };
    made.max_running = max_running;
    made.monotonic_ms = [] { return std::uint64_t{1'000'000}; };
    made.apart = apart;
    return made;
  }

  // Provisioned by the group, so that the policy is its own.
  void add_device(const std::string& id) {
    registry::RegistrationRequest request;
    request.registration_id = id;
    request.enrollment = registry->find_enrollment("line-1", true)->uuid;
    registry.must(registry->register_device(registry.call(), request));
  }
  wire::ConnectionId connect(const std::string& id, const std::string& version = kVersion) {
    wire::Opened opened;
    opened.connection = ++connections;
    opened.client_id = id;
    opened.username = "hub.example/" + id + "/?api-version=" + version + "&DeviceClientType=test";
    opened.peer = "127.0.0.1";
    if (const auto device = registry->find_device("default", id)) {
      opened.identifier = DeviceIdentifier{device->uuid, device->credential_id};
    }
    sessions->opened(opened);
    return opened.connection;
  }
  void telemetry(wire::ConnectionId connection, const std::string& id, const std::string& text = "{}") {
    sessions->request(connection, "devices/" + id + "/messages/events/", ByteView(text));
  }
  static std::string body(const std::string& id, const std::string& csr = "MIIB", const std::string& replace = "") {
    Json json{{"id", id}, {"csr", csr}};
    if (!replace.empty()) json["replace"] = replace;
    return json.dump();
  }
  void post(wire::ConnectionId connection, const std::string& rid, const std::string& text) {
    sessions->request(connection, "$iothub/credentials/POST/issueCertificate/?$rid=" + rid, ByteView(text));
  }

  std::vector<Heard> heard() {
    std::vector<Heard> all;
    for (const auto& sent : outbox.take()) {
      const std::string prefix = "$iothub/credentials/res/";
      EXPECT_EQ(sent.topic.substr(0, prefix.size()), prefix);
      EXPECT_EQ(std::count(sent.topic.begin(), sent.topic.end(), '/'), 4) << sent.topic;
      EXPECT_EQ(sent.qos, 1);
      const std::size_t rid = sent.topic.find("/?$rid=");
      EXPECT_NE(rid, std::string::npos);
      all.push_back({sent.connection, std::stoi(sent.topic.substr(prefix.size(), 3)), sent.topic.substr(rid + 7),
                     Json::parse(sent.payload)});
      EXPECT_EQ(sent.payload.find("null"), std::string::npos) << sent.payload;
    }
    return all;
  }
  std::vector<Heard> ask(wire::ConnectionId connection, const std::string& rid, const std::string& text) {
    post(connection, rid, text);
    return heard();
  }
  void expect_refused(wire::ConnectionId connection, const std::string& text, int code) {
    auto all = ask(connection, "rid-1", text);
    ASSERT_EQ(all.size(), 1U) << text;
    EXPECT_EQ(all[0].status, code / 1000) << text << all[0].body;
    EXPECT_EQ(all[0].body["errorCode"], code) << text << all[0].body;
    for (const char* member : {"message", "trackingId", "timestampUtc"}) EXPECT_TRUE(all[0].body.contains(member));
  }
  static std::vector<int> statuses(const std::vector<Heard>& all) {
    std::vector<int> out;
    for (const auto& one : all) out.push_back(one.status);
    return out;
  }

  // Holds the signing of one CSR back until release() is called.
  struct Held {
    std::promise<void> signing, release;
    std::thread worker;
  };
  std::unique_ptr<Held> hold(wire::ConnectionId connection, const std::string& rid, const std::string& text) {
    auto held = std::make_unique<Held>();
    issuer.during_issue = [&held = *held](std::string_view csr) {
      if (csr != "slow") return;
      held.signing.set_value();
      held.release.get_future().wait();
    };
    held->worker = std::thread([this, connection, rid, text] { post(connection, rid, text); });
    held->signing.get_future().wait();
    return held;
  }
  static void release(Held& held) {
    held.release.set_value();
    held.worker.join();
  }

  std::atomic<UnixMs> now{kNow};
  std::uint32_t max_running = 0;
  std::function<void(wire::ConnectionId, std::function<void()>)> apart;
  wire::ConnectionId connections = 500;
  test::TemporaryRegistry registry;
  test::FakeIssuer issuer;
  test::FakeEnforcement enforcement;
  FakeOutbox outbox;
  std::unique_ptr<Sessions> sessions;
};

}  // namespace latchkey::hub::session
