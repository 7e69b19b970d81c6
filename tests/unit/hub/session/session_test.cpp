// SPDX-License-Identifier: Apache-2.0
#include "hub/session/session.h"

#include <algorithm>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/unit/hub/provisioning/fixture.h"

namespace latchkey::hub::session {
namespace {

using Json = nlohmann::json;
using registry::Reason;
using test::kNow;

constexpr const char* kVersion = "2025-08-01-preview";

struct Sent {
  wire::ConnectionId connection = 0;
  std::string topic;
  std::string payload;
  int qos = 0;
};

class FakeOutbox : public Outbox {
 public:
  void deliver(wire::Deliver message) override {
    const std::lock_guard lock(mutex_);
    sent_.push_back(
        {message.connection, message.topic, std::string(message.payload.begin(), message.payload.end()), message.qos});
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
  wire::ConnectionId connections = 500;
  test::TemporaryRegistry registry;
  test::FakeIssuer<CertificateIssuer, IssuedChain> issuer;
  test::FakeEnforcement<Enforcement> enforcement;
  FakeOutbox outbox;
  std::unique_ptr<Sessions> sessions;
};

// --- telemetry and who is there

TEST_F(SessionTest, telemetry_is_counted_per_device_and_in_all) {
  const auto first = connect("dev-1");
  const auto second = connect("dev-2");
  now += 10;
  telemetry(first, "dev-1", "12345");
  sessions->request(first, "devices/dev-1/messages/events/%24.ct=application%2Fjson&a=b", ByteView());
  now += 10;
  telemetry(second, "dev-2");
  const auto all = sessions->connected();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].device_id, "dev-1");
  EXPECT_EQ(all[0].telemetry, 2U);
  EXPECT_EQ(all[0].since, kNow);
  EXPECT_EQ(all[0].last_seen, kNow + 10);
  EXPECT_EQ(all[0].peer, "127.0.0.1");
  EXPECT_EQ(all[1].last_seen, kNow + 20);
  EXPECT_EQ(sessions->totals().telemetry_messages, 3U);
  EXPECT_EQ(sessions->totals().telemetry_bytes, 7U);
  EXPECT_EQ(sessions->totals().connected, 2U);
  EXPECT_TRUE(outbox.take().empty());
}

TEST_F(SessionTest, telemetry_in_anothers_name_is_refused) {
  const auto connection = connect("dev-1");
  connect("dev-2");
  telemetry(connection, "dev-2");
  telemetry(connection, "DEV-1");
  EXPECT_EQ(sessions->totals().telemetry_messages, 0U);
  EXPECT_EQ(sessions->totals().refused_messages, 2U);
  EXPECT_EQ(sessions->connected("dev-2")->telemetry, 0U);
}

TEST_F(SessionTest, unknown_topics_and_oversized_telemetry_are_refused) {
  const auto connection = connect("dev-1");
  for (const std::string topic :
       {"", "a", "devices/dev-1/messages/devicebound/", "devices/", "$iothub/twin/GET/?$rid=1",
        "$iothub/credential/POST/issueCertificate/?$rid=rid-1", "$SYS/x"}) {
    sessions->request(connection, topic, ByteView());
  }
  telemetry(connection, "dev-1", std::string(kMaxTelemetry, 'x'));
  telemetry(connection, "dev-1", std::string(kMaxTelemetry + 1, 'x'));
  EXPECT_EQ(sessions->totals().refused_messages, 8U);
  EXPECT_EQ(sessions->totals().telemetry_messages, 1U);
  EXPECT_TRUE(outbox.take().empty());
}

TEST_F(SessionTest, unknown_or_closed_connection_is_not_heard) {
  telemetry(7, "dev-1");
  const auto connection = connect("dev-1");
  sessions->closed(connection);
  telemetry(connection, "dev-1");
  EXPECT_TRUE(ask(connection, "rid-1", body("dev-1")).empty());
  EXPECT_EQ(sessions->totals().telemetry_messages, 0U);
  EXPECT_EQ(sessions->totals().connected, 0U);
  EXPECT_FALSE(sessions->connected("dev-1"));
  EXPECT_EQ(sessions->last_seen("dev-1"), kNow);
  EXPECT_FALSE(sessions->last_seen("dev-9"));
}

TEST_F(SessionTest, late_close_of_the_old_connection_leaves_the_new_one) {
  const auto old = connect("dev-1");
  const auto fresh = connect("dev-1");
  sessions->closed(old);
  ASSERT_TRUE(sessions->connected("dev-1"));
  EXPECT_EQ(sessions->connected("dev-1")->connection, fresh);
  EXPECT_EQ(sessions->totals().connected, 1U);
}

TEST_F(SessionTest, connection_told_again_is_the_same_session) {
  wire::Opened opened;
  opened.connection = connect("dev-1");
  opened.client_id = "dev-1";
  opened.resent = true;
  now += 1000;
  sessions->opened(opened);
  EXPECT_EQ(sessions->connected("dev-1")->since, kNow);
}

TEST_F(SessionTest, refused_attempt_is_not_a_session) {
  wire::Opened opened;
  opened.connection = 1;
  opened.attempt = true;
  opened.client_id = "dev-1";
  sessions->opened(opened);
  EXPECT_TRUE(sessions->connected().empty());
}

// --- cloud to device

TEST_F(SessionTest, message_goes_to_the_live_connection) {
  connect("dev-2");
  const auto connection = connect("dev-1");
  ASSERT_TRUE(
      sessions->send("dev-1", {{"$.ct", "text/plain"}, {"a b", "1&2=3/+#"}}, ByteView(std::string_view("hello"))));
  const auto sent = outbox.take();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].connection, connection);
  EXPECT_EQ(sent[0].topic, "devices/dev-1/messages/devicebound/%24.ct=text%2Fplain&a%20b=1%262%3D3%2F%2B%23");
  EXPECT_EQ(sent[0].payload, "hello");
  EXPECT_EQ(sent[0].qos, 1);
  EXPECT_EQ(sessions->totals().cloud_to_device, 1U);
}

TEST_F(SessionTest, message_without_properties_has_an_empty_bag) {
  connect("dev-1");
  ASSERT_TRUE(sessions->send("dev-1", {}, ByteView()));
  EXPECT_EQ(outbox.take().at(0).topic, "devices/dev-1/messages/devicebound/");
}

TEST_F(SessionTest, message_to_an_absent_device_is_refused) {
  EXPECT_EQ(sessions->send("dev-1", {}, ByteView()).error().reason, Reason::kPreconditionFailed);
  sessions->closed(connect("dev-1"));
  EXPECT_EQ(sessions->send("dev-1", {}, ByteView()).error().reason, Reason::kPreconditionFailed);
}

TEST_F(SessionTest, message_over_64_kb_is_refused) {
  connect("dev-1");
  const std::string most(kMaxCloudToDevice, 'x');
  EXPECT_TRUE(sessions->send("dev-1", {}, ByteView(most)));
  EXPECT_EQ(sessions->send("dev-1", {}, ByteView(most + "x")).error().reason, Reason::kInvalidArgument);
  EXPECT_EQ(sessions->send("dev-1", {{"a", std::string(9000, 'x')}}, ByteView()).error().reason,
            Reason::kInvalidArgument);
}

// --- renewal: the good way

TEST_F(SessionTest, renewal_answers_202_and_then_200) {
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
  EXPECT_EQ(registry->list_audit(0, 5)->front().actor, "agent:dev-1");
}

TEST_F(SessionTest, two_hundred_waits_for_the_gates) {
  const auto connection = connect("dev-1");
  bool answered = true;
  enforcement.on_wait = [&] { answered = statuses(heard()) != std::vector{202}; };
  EXPECT_EQ(statuses(ask(connection, "rid-1", body("dev-1"))), std::vector{200});
  EXPECT_FALSE(answered);
}

TEST_F(SessionTest, same_request_again_is_the_same_operation) {
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

TEST_F(SessionTest, same_request_after_a_restart_is_the_same_operation) {
  auto first = ask(connect("dev-1"), "rid-1", body("dev-1"));
  restart();
  auto second = ask(connect("dev-1"), "rid-1", body("dev-1"));
  ASSERT_EQ(statuses(second), (std::vector{202, 200}));
  EXPECT_EQ(first[1].body, second[1].body);
  EXPECT_EQ(issuer.issued, 1U);
}

TEST_F(SessionTest, other_csr_or_other_rid_afterwards_is_a_fresh_operation) {
  const auto connection = connect("dev-1");
  auto first = ask(connection, "rid-1", body("dev-1"));
  auto other_csr = ask(connection, "rid-1", body("dev-1", "MIIC"));
  ASSERT_EQ(statuses(other_csr), (std::vector{202, 200}));
  EXPECT_NE(other_csr[0].body["correlationId"], first[0].body["correlationId"]);
  EXPECT_EQ(statuses(ask(connection, "rid-2", body("dev-1", "MIIC"))), (std::vector{202, 200}));
  EXPECT_EQ(issuer.issued, 3U);
}

TEST_F(SessionTest, expired_operation_is_forgotten) {
  const auto connection = connect("dev-1");
  ask(connection, "rid-1", body("dev-1"));
  now += 12 * 3'600'000;
  EXPECT_EQ(statuses(ask(connection, "rid-1", body("dev-1"))), (std::vector{202, 200}));
  EXPECT_EQ(issuer.issued, 2U);
}

// --- renewal: bad requests

TEST_F(SessionTest, bad_bodies_have_their_codes) {
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

TEST_F(SessionTest, bad_csr_is_400040_at_once_with_its_reason) {
  const auto connection = connect("dev-1");
  expect_refused(connection, body("dev-1", std::string(8193, 'A')), 400040);
  expect_refused(connection, body("dev-1", "wrong-cn"), 400040);
  auto all = ask(connection, "rid-1", body("dev-1", "junk"));
  ASSERT_EQ(statuses(all), std::vector{400});
  EXPECT_EQ(all[0].body["errorCode"], 400040);
  EXPECT_EQ(all[0].body["info"]["credentialError"], "FailedToDecodeCsr");
  EXPECT_EQ(issuer.serials, 0U);
}

TEST_F(SessionTest, refused_csr_is_audited) {
  ask(connect("dev-1"), "rid-1", body("dev-1", "wrong-cn"));
  const auto record = registry->list_audit(0, 1)->front();
  EXPECT_EQ(record.actor, "agent:dev-1");
  EXPECT_EQ(record.outcome, "CSR rejected");
}

TEST_F(SessionTest, older_api_versions_are_refused) {
  for (const std::string version : {"2021-04-12", "2025-07-01-preview", "latest"}) {
    expect_refused(connect("dev-1", version), body("dev-1"), 400001);
  }
  EXPECT_EQ(statuses(ask(connect("dev-1", "2026-11-02-preview"), "rid-1", body("dev-1"))), (std::vector{202, 200}));
}

TEST_F(SessionTest, request_ids_keep_their_rules) {
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

TEST_F(SessionTest, without_a_usable_rid_there_is_no_answer) {
  const auto connection = connect("dev-1");
  for (const std::string tail : {"", "?", "?$rid=", "?rid=abcd", "?$rid=ab/cd", "?$rid=ab%2Fcd", "?$rid=a#"}) {
    sessions->request(connection, "$iothub/credentials/POST/issueCertificate/" + tail, ByteView(body("dev-1")));
    EXPECT_TRUE(heard().empty()) << tail;
  }
  EXPECT_EQ(issuer.serials, 0U);
}

// --- renewal: what the registry refuses

TEST_F(SessionTest, registry_refusals_come_without_a_202) {
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

TEST_F(SessionTest, deleted_enrollment_still_renews) {
  registry.must(registry->delete_enrollment(registry.call(), "line-1", true));
  EXPECT_EQ(statuses(ask(connect("dev-1"), "rid-1", body("dev-1"))), (std::vector{202, 200}));
}

TEST_F(SessionTest, session_of_before_a_revocation_does_not_renew) {
  const auto connection = connect("dev-1");
  registry.must(registry->revoke_device(registry.call(), "default", "dev-1", false));
  expect_refused(connection, body("dev-1"), 503102);
  EXPECT_EQ(issuer.issued, 0U);
}

TEST_F(SessionTest, revoked_device_gets_a_new_certificate_for_the_same_request) {
  ask(connect("dev-1"), "rid-1", body("dev-1"));
  registry.must(registry->revoke_device(registry.call(), "default", "dev-1", false));
  const auto fresh = connect("dev-1");
  EXPECT_TRUE(heard().empty());  // the old certificate is dead: nothing to offer
  EXPECT_EQ(statuses(ask(fresh, "rid-1", body("dev-1"))), (std::vector{202, 200}));
  EXPECT_EQ(issuer.issued, 2U);
}

TEST_F(SessionTest, refused_request_does_not_block_the_next) {
  const auto connection = connect("dev-1");
  registry.set_enabled("line-1", true, false);
  expect_refused(connection, body("dev-1"), 403010);
  registry.set_enabled("line-1", true, true);
  EXPECT_EQ(statuses(ask(connection, "rid-2", body("dev-1"))), (std::vector{202, 200}));
}

TEST_F(SessionTest, hub_that_stops_answers_503) {
  const auto connection = connect("dev-1");
  registry->close();
  auto all = ask(connection, "rid-1", body("dev-1"));
  ASSERT_EQ(statuses(all), std::vector{503});
  EXPECT_EQ(all[0].body["retryAfter"], 5);
}

// --- renewal: after the 202

TEST_F(SessionTest, failed_signing_is_told_after_the_202) {
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

TEST_F(SessionTest, gates_that_do_not_confirm_are_503_and_the_same_request_resumes) {
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

TEST_F(SessionTest, other_request_while_one_runs_is_409_with_its_name) {
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

TEST_F(SessionTest, devices_do_not_wait_for_each_other) {
  const auto held = hold(connect("dev-1"), "rid-1", body("dev-1", "slow"));
  heard();
  EXPECT_EQ(statuses(ask(connect("dev-2"), "rid-1", body("dev-2"))), (std::vector{202, 200}));
  release(*held);
}

TEST_F(SessionTest, same_request_while_it_runs_is_one_operation) {
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

TEST_F(SessionTest, replace_gives_the_earlier_up) {
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

TEST_F(SessionTest, replace_that_names_nothing_pending_is_412001) {
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

TEST_F(SessionTest, too_many_renewals_at_once_are_429) {
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

// --- renewal: the answer finds the device

TEST_F(SessionTest, answer_goes_to_the_next_connection_once_it_speaks) {
  const auto old = connect("dev-1");
  const auto held = hold(old, "rid-1", body("dev-1", "slow"));
  sessions->closed(old);
  heard();
  release(*held);
  EXPECT_TRUE(heard().empty());  // nobody is there
  const auto fresh = connect("dev-1");
  auto at_open = heard();  // reaches it only if its session was kept
  telemetry(fresh, "dev-1");
  auto all = heard();
  ASSERT_EQ(statuses(all), std::vector{200});
  EXPECT_EQ(all[0].connection, fresh);
  EXPECT_EQ(all[0].rid, "rid-1");
  EXPECT_EQ(statuses(at_open), std::vector{200});
  telemetry(fresh, "dev-1");
  telemetry(fresh, "dev-1");
  EXPECT_TRUE(heard().empty());
}

TEST_F(SessionTest, answer_goes_out_when_the_device_subscribes_again) {
  const auto connection = connect("dev-1");
  ask(connection, "rid-1", body("dev-1"));
  sessions->subscribed(connection, "devices/dev-1/messages/devicebound/#");
  EXPECT_TRUE(heard().empty());
  sessions->subscribed(connection, "$iothub/credentials/res/#");
  EXPECT_EQ(statuses(heard()), std::vector{200});
  telemetry(connection, "dev-1");
  sessions->subscribed(connection, "$iothub/credentials/res/#");
  EXPECT_TRUE(heard().empty());
}

TEST_F(SessionTest, answer_that_finds_a_newer_connection_is_offered_until_that_one_can_have_it) {
  const auto old = connect("dev-1");
  const auto held = hold(old, "rid-1", body("dev-1", "slow"));
  heard();
  const auto fresh = connect("dev-1");
  release(*held);
  auto all = heard();
  ASSERT_EQ(statuses(all), std::vector{200});
  EXPECT_EQ(all[0].connection, fresh);  // perhaps before it subscribed
  telemetry(fresh, "dev-1");
  EXPECT_EQ(statuses(heard()), std::vector{200});
  telemetry(fresh, "dev-1");
  EXPECT_TRUE(heard().empty());
}

TEST_F(SessionTest, answer_goes_to_its_own_device_only) {
  const auto old = connect("dev-1");
  const auto held = hold(old, "rid-1", body("dev-1", "slow"));
  sessions->closed(old);
  heard();
  release(*held);
  telemetry(connect("dev-2"), "dev-2");
  EXPECT_TRUE(heard().empty());
}

TEST_F(SessionTest, expired_answer_is_not_delivered) {
  const auto old = connect("dev-1");
  const auto held = hold(old, "rid-1", body("dev-1", "slow"));
  sessions->closed(old);
  heard();
  release(*held);
  now += 12 * 3'600'000;
  telemetry(connect("dev-1"), "dev-1");
  EXPECT_TRUE(heard().empty());
}

TEST_F(SessionTest, certificate_of_before_a_revocation_is_not_handed_out) {
  const auto old = connect("dev-1");
  const auto held = hold(old, "rid-1", body("dev-1", "slow"));
  heard();
  registry.must(registry->revoke_device(registry.call(), "default", "dev-1", false));
  sessions->closed(old);
  const auto fresh = connect("dev-1");
  release(*held);
  telemetry(fresh, "dev-1");
  EXPECT_TRUE(heard().empty());
}

TEST_F(SessionTest, many_devices_renew_and_talk_at_once) {
  constexpr int kThreads = 8;
  std::vector<wire::ConnectionId> open;
  for (int i = 0; i < kThreads; ++i) {
    add_device("many-" + std::to_string(i));
    open.push_back(connect("many-" + std::to_string(i)));
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const std::string id = "many-" + std::to_string(i);
      for (int n = 0; n < 5; ++n) {
        telemetry(open[i], id);
        post(open[i], "rid-" + std::to_string(n), body(id));
        sessions->connected();
      }
      sessions->closed(open[i]);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(issuer.issued, 5U * kThreads);
  EXPECT_EQ(sessions->totals().telemetry_messages, 5U * kThreads);
  EXPECT_EQ(heard().size(), 2U * 5U * kThreads);
}

}  // namespace
}  // namespace latchkey::hub::session
