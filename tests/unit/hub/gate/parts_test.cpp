// SPDX-License-Identifier: Apache-2.0
// The gate's small parts: options, topics, subscriptions, ring, leaf and trust set.
#include <gtest/gtest.h>

#include <set>

#include "hub/gate/decision_ring.h"
#include "hub/gate/leaf.h"
#include "hub/gate/options.h"
#include "hub/gate/subscriptions.h"
#include "hub/gate/throttle.h"
#include "hub/gate/tls_hook.h"
#include "hub/gate/topics.h"
#include "hub/gate/trust.h"
#include "tests/unit/hub/gate/certificates.h"

namespace latchkey::hub::gate {
namespace {

using test::id_of;

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

TEST(Options, are_read) {
  const auto options = parse_options(
      Pairs{{"endpoint", "dps"}, {"socket", "/run/x"}, {"max_unverified", "7"}, {"unverified_timeout_ms", "250"}});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->endpoint, Endpoint::kDps);
  EXPECT_EQ(options->socket, "/run/x");
  EXPECT_EQ(options->max_unverified, 7u);
  EXPECT_EQ(options->unverified_timeout_ms, 250u);
  EXPECT_EQ(options->max_unverified_per_peer, 960u);
  EXPECT_EQ(options->max_arriving, 512u);
  EXPECT_FALSE(options->keep_sessions);
  const auto keeping = parse_options(Pairs{{"endpoint", "hub"}, {"socket", "/run/x"}, {"keep_sessions", "yes"}});
  ASSERT_TRUE(keeping);
  EXPECT_TRUE(keeping->keep_sessions);
}

TEST(Options, that_are_wrong_are_named) {
  const Pairs good = {{"endpoint", "hub"}, {"socket", "/run/x"}};
  ASSERT_TRUE(parse_options(good));
  for (const auto& [key, value] : Pairs{{"endpoint", "both"},
                                        {"socket", "relative"},
                                        {"socket", ""},
                                        {"ring_size", "0"},
                                        {"ring_size", "-1"},
                                        {"ring_size", "4k"},
                                        {"ring_size", ""},
                                        {"keep_sessions", "true"},
                                        {"colour", "red"}}) {
    Pairs pairs = good;
    pairs.emplace_back(key, value);
    const auto options = parse_options(pairs);
    ASSERT_FALSE(options) << key << " " << value;
    EXPECT_NE(options.error().find(key), std::string::npos) << options.error();
  }
  EXPECT_FALSE(parse_options(Pairs{{"socket", "/run/x"}}));
  EXPECT_FALSE(parse_options(Pairs{{"endpoint", "hub"}}));
}

TEST(Topics, a_device_publishes_its_own_telemetry_and_renewals) {
  const auto kind = [](std::string_view topic) { return classify_publish(Endpoint::kHub, "dev-1", topic).kind; };
  EXPECT_EQ(kind("devices/dev-1/messages/events/"), Publish::kTelemetry);
  EXPECT_EQ(kind("devices/dev-1/messages/events/a=b&c=d"), Publish::kTelemetry);
  EXPECT_EQ(kind("$iothub/credentials/POST/issueCertificate/?$rid=abcd"), Publish::kIssue);
  for (const char* topic :
       {"devices/dev-2/messages/events/", "devices/dev-1/messages/devicebound/", "devices/DEV-1/messages/events/",
        "devices/dev-1/x/messages/events/", "$iothub/credentials/POST/issueCertificate/", "$CONTROL/latchkey/v1/feed",
        "", "#", "latchkey/v1/request/0000000000000001/x", "$dps/registrations/PUT/iotdps-register/?$rid=1"}) {
    EXPECT_EQ(kind(topic), Publish::kDenied) << topic;
  }
}

TEST(Topics, at_dps_there_are_two_requests_and_all_else_ends_the_connection) {
  const auto kind = [](std::string_view topic) { return classify_publish(Endpoint::kDps, "dev-1", topic).kind; };
  EXPECT_EQ(kind("$dps/registrations/PUT/iotdps-register/?$rid=1"), Publish::kRegister);
  EXPECT_EQ(kind("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1&operationId=5.a"), Publish::kPoll);
  for (const char* topic : {"$dps/registrations/PUT/iotdps-register/", "$dps/registrations/res/200/?$rid=1", "", "x",
                            "devices/dev-1/messages/events/", "$dps/registrations/PUT/iotdps-register/?$rid="}) {
    EXPECT_EQ(kind(topic), Publish::kClose) << topic;
  }
}

TEST(Topics, a_device_reads_only_what_is_meant_for_it) {
  EXPECT_TRUE(may_read(Endpoint::kHub, "dev-1", "devices/dev-1/messages/devicebound/x"));
  EXPECT_TRUE(may_read(Endpoint::kHub, "dev-1", "$iothub/credentials/res/200/?$rid=abcd"));
  EXPECT_FALSE(may_read(Endpoint::kHub, "dev-1", "devices/dev-10/messages/devicebound/x"));
  EXPECT_FALSE(may_read(Endpoint::kHub, "dev-1", "devices/dev-1/messages/events/"));
  EXPECT_FALSE(may_read(Endpoint::kHub, "dev-1", "latchkey/v1/request/0/x"));
  EXPECT_TRUE(may_read(Endpoint::kDps, "dev-1", "$dps/registrations/res/200/?$rid=1"));
  EXPECT_FALSE(may_read(Endpoint::kDps, "dev-1", "devices/dev-1/messages/devicebound/x"));
}

TEST(Topics, filters_match_as_mqtt_says) {
  EXPECT_TRUE(matches("a/b", "a/b"));
  EXPECT_TRUE(matches("a/#", "a/b/c"));
  EXPECT_TRUE(matches("a/#", "a"));
  EXPECT_FALSE(matches("a/#", "ab"));
  EXPECT_FALSE(matches("a/b", "a/b/c"));
  EXPECT_FALSE(matches("a/#", ""));
}

TEST(Subscriptions, keep_the_last_quality_and_forget_what_was_unsubscribed) {
  Subscriptions subscriptions;
  EXPECT_TRUE(subscriptions.empty());
  subscriptions.add("a/#", 1);
  EXPECT_EQ(subscriptions.granted("a/b"), 1);
  EXPECT_EQ(subscriptions.granted("b"), std::nullopt);
  subscriptions.add("a/#", 0);
  EXPECT_EQ(subscriptions.granted("a/b"), 0);
  subscriptions.remove("b/#");
  EXPECT_FALSE(subscriptions.empty());
  subscriptions.remove("a/#");
  EXPECT_EQ(subscriptions.granted("a/b"), std::nullopt);
}

TEST(DecisionRing, numbers_counts_and_drops_the_oldest) {
  DecisionRing ring(3);
  for (int i = 0; i < 5; ++i) {
    wire::Decision decision;
    decision.reason = i == 0 ? registry::Reason::kNone : registry::Reason::kExpired;
    ring.add(decision);
  }
  const auto taken = ring.take();
  ASSERT_EQ(taken.decisions.size(), 3u);
  EXPECT_EQ(taken.decisions.front().number, 3u);
  EXPECT_EQ(taken.decisions.back().number, 5u);
  EXPECT_EQ(taken.dropped, 2u);
  EXPECT_EQ(taken.counts[0], 1u);
  EXPECT_EQ(taken.counts[static_cast<std::size_t>(registry::Reason::kExpired)], 4u);
  EXPECT_FALSE(ring.has_unsent());
  EXPECT_TRUE(ring.take().decisions.empty());
}

TEST(DecisionRing, gives_no_more_than_a_message_holds) {
  DecisionRing ring(1000);
  for (int i = 0; i < 300; ++i) ring.add({});
  EXPECT_EQ(ring.take().decisions.size(), DecisionRing::kMaxPerMessage);
  EXPECT_EQ(ring.take().decisions.size(), 300 - DecisionRing::kMaxPerMessage);
}

TEST(Throttle, answers_in_the_form_of_the_service) {
  const auto dps = too_many_requests({Publish::kRegister, "7"}, 0xab, 0);
  EXPECT_EQ(dps.topic, "$dps/registrations/res/429/?$rid=7&retry-after=5");
  EXPECT_EQ(dps.body,
            "{\"errorCode\":429001,\"trackingId\":\"00000000000000ab\",\"message\":\"Too many requests. Try again "
            "later.\",\"timestampUtc\":\"1970-01-01T00:00:00Z\"}");
  const auto renewal = too_many_requests({Publish::kIssue, "abcd"}, 0xab, 0);
  EXPECT_EQ(renewal.topic, "$iothub/credentials/res/429/?$rid=abcd");
  EXPECT_NE(renewal.body.find("\"errorCode\":429002"), std::string::npos);
  EXPECT_NE(renewal.body.find("\"retryAfter\":5"), std::string::npos);
}

TEST(Leaf, has_name_identifier_and_serial) {
  const DeviceIdentifier identifier{id_of<Uuid>(1), id_of<CredentialId>(2)};
  const auto encoded = identifier.encode();
  const X509Ptr certificate = test::make_certificate({"dev-1"}, {{encoded.begin(), encoded.end()}});
  const Leaf leaf = read_leaf(certificate.get());
  EXPECT_EQ(leaf.common_name, "dev-1");
  ASSERT_TRUE(leaf.identifier);
  EXPECT_EQ(*leaf.identifier, identifier);
  EXPECT_EQ(leaf.serial, ByteView(wire::Bytes{1, 2}));
  EXPECT_EQ(leaf.verdict, nullptr);
  EXPECT_NE(leaf.digest, Sha256{});
  EXPECT_EQ(read_leaf(certificate.get(), LeafDigest::kNone).digest, Sha256{});
}

TEST(Leaf, may_wrap_its_identifier_in_an_octet_string) {
  const auto encoded = DeviceIdentifier{id_of<Uuid>(1), id_of<CredentialId>(2)}.encode();
  std::vector<std::uint8_t> wrapped = {0x04, 0x20};
  wrapped.insert(wrapped.end(), encoded.begin(), encoded.end());
  EXPECT_TRUE(read_leaf(test::make_certificate({"dev-1"}, {wrapped}).get()).identifier);
  wrapped[1] = 0x1f;
  EXPECT_FALSE(read_leaf(test::make_certificate({"dev-1"}, {wrapped}).get()).identifier);
}

TEST(Leaf, without_exactly_one_name_or_identifier_has_none) {
  const std::vector<std::uint8_t> good(32, 7);
  EXPECT_FALSE(read_leaf(test::make_certificate({"dev-1"}).get()).identifier);
  EXPECT_FALSE(read_leaf(test::make_certificate({"dev-1"}, {good, good}).get()).identifier);
  EXPECT_FALSE(read_leaf(test::make_certificate({"dev-1"}, {{}}).get()).identifier);
  EXPECT_FALSE(read_leaf(test::make_certificate({"dev-1"}, {std::vector<std::uint8_t>(31, 7)}).get()).identifier);
  EXPECT_FALSE(read_leaf(test::make_certificate({"dev-1"}, {std::vector<std::uint8_t>(33, 7)}).get()).identifier);
  EXPECT_TRUE(read_leaf(test::make_certificate({"dev-1", "dev-2"}, {good}).get()).common_name.empty());
  EXPECT_TRUE(read_leaf(test::make_certificate({}, {good}).get()).common_name.empty());
  const std::string with_zero("dev-1\0x", 7);
  EXPECT_EQ(read_leaf(test::make_certificate({with_zero}, {good}).get()).common_name, with_zero);
}

TEST(TrustSet, knows_its_anchors_by_name_and_certificate) {
  const X509Ptr one = test::make_certificate({"one"});
  const X509Ptr two = test::make_certificate({"two"});
  TrustSet trust;
  ASSERT_TRUE(trust.add(id_of<Uuid>(1), test::der_of(one.get())));
  const AnchorRef found = trust.find(one.get());
  EXPECT_EQ(found.ca, id_of<Uuid>(1));
  EXPECT_TRUE(trust.contains(found));
  EXPECT_TRUE(trust.find(two.get()).none());
  ASSERT_TRUE(trust.add(id_of<Uuid>(1), test::der_of(two.get())));  // the name gets another certificate
  EXPECT_FALSE(trust.contains(found));
  EXPECT_TRUE(trust.contains(id_of<Uuid>(1)));
  EXPECT_TRUE(trust.remove(id_of<Uuid>(1)));
  EXPECT_FALSE(trust.remove(id_of<Uuid>(1)));
  EXPECT_EQ(trust.size(), 0u);
}

TEST(TrustSet, builds_another_store_after_each_change) {
  const X509Ptr one = test::make_certificate({"one"});
  TrustSet trust;
  X509_STORE* empty = trust.store();
  EXPECT_EQ(trust.store(), empty);
  X509_STORE_up_ref(empty);  // as a handshake does that has begun
  ASSERT_TRUE(trust.add(id_of<Uuid>(1), test::der_of(one.get())));
  EXPECT_NE(trust.store(), empty);
  EXPECT_EQ(sk_X509_OBJECT_num(X509_STORE_get0_objects(empty)), 0);
  EXPECT_EQ(sk_X509_OBJECT_num(X509_STORE_get0_objects(trust.store())), 1);
  X509_STORE_free(empty);
}

TEST(TrustSet, takes_nothing_that_is_not_one_certificate) {
  const X509Ptr one = test::make_certificate({"one"});
  TrustSet trust;
  wire::Bytes der = test::der_of(one.get());
  EXPECT_FALSE(trust.add(id_of<Uuid>(1), wire::Bytes{}));
  EXPECT_FALSE(trust.add(id_of<Uuid>(1), wire::Bytes{0x30, 0x00}));
  der.push_back(0);
  EXPECT_FALSE(trust.add(id_of<Uuid>(1), der));
  der.resize(der.size() / 2);
  EXPECT_FALSE(trust.add(id_of<Uuid>(1), der));
  EXPECT_EQ(trust.size(), 0u);
}

class Policy : public TlsPolicy {
 public:
  X509_STORE* store() override {
    if (broken) throw std::bad_alloc();
    return trust.store();
  }
  UnixMs verification_time() override { return 5'000; }
  AnchorRef anchor_of(X509* certificate) const override { return trust.find(certificate); }
  bool keeps_chain() const override { return false; }
  void connection_opened(SSL* connection) override { open.insert(connection); }
  void connection_heard(SSL*) override {}
  void connection_closed(SSL* connection) override { open.erase(connection); }
  std::set<SSL*> open;
  TrustSet trust;
  bool broken = false;
};

TEST(TlsHook, prepares_server_connections_and_no_others) {
  Policy policy;
  TlsHook hook;
  ASSERT_TRUE(hook.install(policy));
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> server(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> client(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  {
    const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(server.get()), SSL_free);
    EXPECT_EQ(SSL_get_verify_mode(ssl.get()), SSL_VERIFY_PEER);
    const std::unique_ptr<SSL, void (*)(SSL*)> other(SSL_new(client.get()), SSL_free);
    EXPECT_EQ(SSL_get_verify_mode(other.get()), SSL_VERIFY_NONE);
    EXPECT_EQ(policy.open, std::set<SSL*>{ssl.get()});
  }
  EXPECT_TRUE(policy.open.empty()) << "a freed connection was not told of";
  policy.broken = true;
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(server.get()), SSL_free);
  EXPECT_EQ(SSL_get_verify_mode(ssl.get()), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
}

TEST(TlsHook, is_gone_when_removed_and_there_is_only_one) {
  Policy policy;
  {
    TlsHook hook;
    ASSERT_TRUE(hook.install(policy));
    TlsHook second;
    EXPECT_FALSE(second.install(policy));
  }
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> server(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(server.get()), SSL_free);
  EXPECT_EQ(SSL_get_verify_mode(ssl.get()), SSL_VERIFY_NONE);
  TlsHook again;
  EXPECT_TRUE(again.install(policy));
}

TEST(TlsHook, that_cannot_get_a_store_is_not_installed) {
  Policy policy;
  policy.broken = true;
  TlsHook hook;
  EXPECT_FALSE(hook.install(policy));
}

}  // namespace
}  // namespace latchkey::hub::gate
