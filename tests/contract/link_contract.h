// SPDX-License-Identifier: Apache-2.0
// What every ports::MqttLink has to do, run over all of them alike, against a real Mosquitto, and against a server of
// our own where a broker is too well-behaved. Needs tests/unit/platform/posix/test_servers.cpp.
//
// A suite is made per implementation:  INSTANTIATE_TYPED_TEST_SUITE_P(Paho, LinkContract, PahoMedium);
// The type has
//   Medium(const LinkWorld& world, ports::MqttLinkEvents& events);
//   ports::MqttLink& link();
//   void put(ports::Item item, const std::string& record);  // a slot's record, as the agent writes it
//   void turn();                        // delivers what has come, waits a moment if nothing has
//   static constexpr bool kOnboards;    // it can show an onboarding certificate
//   static constexpr std::size_t kLarge;  // a payload that it can send and take, larger than its buffers if it can
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "platform/crypto/key.h"
#include "platform/crypto/pem.h"
#include "platform/ports/mqtt_link.h"
#include "tests/unit/platform/posix/test_servers.h"
#include "tests/unit/platform/test_certificates.h"

namespace latchkey::test {

inline constexpr std::int64_t kFarAway = 4'000'000'000;
inline constexpr std::int64_t kLongAgo = 1'700'000'100;

// A CA, the server's certificates, and how records are made.
class LinkWorld {
 public:
  LinkWorld() : ca_key_(make_ec_key()), ca_(make_ca("test CA", ca_key_.get())) {
    require(crypto::init().has_value(), "crypto::init");
    folder_.write("ca.pem", to_pem(ca_.get()));
    write_server("server", "DNS:localhost,IP:127.0.0.1", kFarAway);
    onboarding_key_ = make_ec_key();
    folder_.write("onboarding.key", to_pem(onboarding_key_.get()));
    folder_.write("onboarding.pem",
                  to_pem(certify(onboarding_key_.get(), "pump-17", kFarAway, ca_.get(), ca_key_.get()).get()));
  }

  static X509Ptr make_ca(const char* name, EVP_PKEY* key) {
    CertificateSpec spec;
    spec.common_names = {name};
    spec.subject_key = key;
    spec.ca = true;
    return make_certificate(spec);
  }
  static X509Ptr certify(EVP_PKEY* key, const char* name, std::int64_t not_after, X509* issuer, EVP_PKEY* issuer_key) {
    CertificateSpec spec;
    spec.common_names = {name};
    spec.subject_key = key;
    spec.issuer = issuer;
    spec.issuer_key = issuer_key;
    spec.not_after = not_after;
    return make_certificate(spec);
  }
  void write_server(const std::string& name, const std::string& names, std::int64_t not_after) const {
    const Pkey key = make_ec_key();
    CertificateSpec spec;
    spec.common_names = {"server"};
    spec.subject_key = key.get();
    spec.issuer = ca_.get();
    spec.issuer_key = ca_key_.get();
    spec.subject_alternative_name = names;
    spec.not_after = not_after;
    folder_.write(name + ".pem", to_pem(make_certificate(spec).get()));
    folder_.write(name + ".key", to_pem(key.get()));
  }
  // A header, the key, the leaf, its issuer.
  std::string record(const char* name = "pump-17", std::int64_t not_after = kFarAway) const {
    return record_of(name, not_after, ca_.get(), ca_key_.get());
  }
  static std::string record_of_a_stranger() {
    const Pkey key = make_ec_key();
    const X509Ptr ca = make_ca("other CA", key.get());
    return record_of("pump-17", kFarAway, ca.get(), key.get());
  }

  std::string broker_settings(const std::string& more, const std::string& server = "server") const {
    return "cafile " + folder_.file("ca.pem") + "\ncertfile " + folder_.file(server + ".pem") + "\nkeyfile " +
           folder_.file(server + ".key") + "\n" + more;
  }
  TlsServer server_files() const {
    TlsServer server;
    server.certificate = folder_.file("server.pem");
    server.key = folder_.file("server.key");
    server.highest_version = TLS1_2_VERSION;  // the servers' verdicts come inside the handshake
    return server;
  }
  const tests::TemporaryFolder& folder() const { return folder_; }
  X509* ca() const { return ca_.get(); }

 private:
  static std::string record_of(const char* name, std::int64_t not_after, X509* issuer, EVP_PKEY* issuer_key) {
    crypto::DeviceKey key;
    require(crypto::generate_key(crypto::Curve::kP256, key).has_value(), "generate_key");
    const Pkey openssl_key = read_key(key.der());
    std::array<std::uint8_t, 512> pem{};
    const auto size = crypto::pem_encode(crypto::kPemEcKey, key.der(), pem);
    require(size.has_value(), "pem_encode");
    return "latchkey-credential 1\nstate proven\n" +
           std::string(pem.begin(), pem.begin() + static_cast<std::ptrdiff_t>(*size)) +
           to_pem(certify(openssl_key.get(), name, not_after, issuer, issuer_key).get()) + to_pem(issuer);
  }

  tests::TemporaryFolder folder_;
  Pkey ca_key_;
  X509Ptr ca_;
  Pkey onboarding_key_;
};

// Writes down what a link says, on whatever thread.
class LinkRecorder final : public ports::MqttLinkEvents {
 public:
  struct Told {
    int connected = 0, published = 0;
    std::vector<bool> granted;
    std::vector<std::pair<ports::LinkFailure, int>> ends;
    std::vector<std::string> messages;
  };
  Told told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  void on_connected(bool) override {
    add([](Told& told) { ++told.connected; });
  }
  void on_ended(ports::LinkFailure why, int detail) override {
    add([&](Told& told) { told.ends.emplace_back(why, detail); });
  }
  void on_subscribed(bool granted) override {
    add([&](Told& told) { told.granted.push_back(granted); });
  }
  void on_published() override {
    add([](Told& told) { ++told.published; });
  }
  void on_message(std::string_view topic, ByteView payload) override {
    add([&](Told& told) { told.messages.push_back(std::string(topic) + "=" + std::string(payload.text())); });
  }

 private:
  template <class Change>
  void add(Change change) {
    const std::lock_guard lock(mutex_);
    change(told_);
  }
  mutable std::mutex mutex_;
  Told told_;
};

template <class Medium>
class LinkContract : public testing::Test {
 protected:
  void SetUp() override { restart(); }
  // Another link, for a test that wants a fresh one.
  void restart() {
    medium_.reset();
    events_ = std::make_unique<LinkRecorder>();
    medium_ = std::make_unique<Medium>(world_, *events_);
    medium_->put(ports::Item::kSlotA, world_.record());
  }
  ports::MqttLink& link() { return medium_->link(); }
  LinkRecorder::Told told() const { return events_->told(); }

  static ports::LinkRequest request(std::uint16_t port, ports::LinkIdentity identity = ports::LinkIdentity::kNone,
                                    std::string_view host = "127.0.0.1") {
    ports::LinkRequest made;
    made.host = host;
    made.port = port;
    made.client_id = "pump-17";
    made.identity = identity;
    return made;
  }
  // 60 s are an upper bound for a broken link to fail the test; a good one never waits them out.
  template <class Condition>
  bool await(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition(told())) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      medium_->turn();
    }
    return true;
  }
  bool await_connected(int count = 1) {
    return await([=](const LinkRecorder::Told& now) { return now.connected >= count; });
  }
  bool await_end(std::size_t count = 1) {
    return await([=](const LinkRecorder::Told& now) { return now.ends.size() >= count; });
  }
  // Told at once, or as an end. The number of a kLocal is the link's own.
  void expect_failure(const ports::LinkRequest& asked, ports::LinkFailure why, std::optional<int> detail = {}) {
    restart();
    ASSERT_TRUE(link().connect(asked));
    ASSERT_TRUE(await_end());
    EXPECT_EQ(told().ends[0].first, why) << "detail " << told().ends[0].second;
    if (detail) {
      EXPECT_EQ(told().ends[0].second, *detail);
    }
    EXPECT_EQ(told().connected, 0);
  }

  LinkWorld world_;
  std::unique_ptr<LinkRecorder> events_;
  std::unique_ptr<Medium> medium_;
};

inline constexpr const char* kOpenDoor = "allow_anonymous true\n";
inline constexpr const char* kCertificatesOnly = "allow_anonymous true\nrequire_certificate true\n";

TYPED_TEST_SUITE_P(LinkContract);

TYPED_TEST_P(LinkContract, connects_with_the_credential_of_a_slot_by_address_and_by_name) {
  const MosquittoBroker broker(this->world_.folder(), this->world_.broker_settings(kCertificatesOnly));
  for (const char* host : {"127.0.0.1", "localhost"}) {
    this->restart();
    ASSERT_TRUE(this->link().connect(this->request(broker.port(), ports::LinkIdentity::kSlotA, host)));
    EXPECT_TRUE(this->await_connected()) << host;
  }
}

TYPED_TEST_P(LinkContract, shows_its_onboarding_certificate_or_says_that_it_has_none) {
  const MosquittoBroker broker(this->world_.folder(), this->world_.broker_settings(kCertificatesOnly));
  const auto asked = this->link().connect(this->request(broker.port(), ports::LinkIdentity::kOnboarding));
  if (!TypeParam::kOnboards) {
    EXPECT_EQ(asked.error(), Status::kUnsupported);
    return;
  }
  ASSERT_TRUE(asked);
  EXPECT_TRUE(this->await_connected());
}

TYPED_TEST_P(LinkContract, messages_come_back_and_are_acknowledged) {
  const MosquittoBroker broker(this->world_.folder(), this->world_.broker_settings(kCertificatesOnly));
  ASSERT_TRUE(this->link().connect(this->request(broker.port(), ports::LinkIdentity::kSlotA)));
  ASSERT_TRUE(this->await_connected());
  ASSERT_TRUE(this->link().subscribe("devices/pump-17/#", 1));
  ASSERT_TRUE(this->await([](const LinkRecorder::Told& now) { return !now.granted.empty(); }));
  EXPECT_TRUE(this->told().granted[0]);
  const std::string binary("a\0b", 3);
  const std::string large(TypeParam::kLarge, 'z');
  std::size_t sent = 0;
  for (const std::string& payload : {binary, std::string(), large}) {
    ASSERT_TRUE(this->link().publish("devices/pump-17/x", ByteView(payload), 1));
    ++sent;
    ASSERT_TRUE(this->await([=](const LinkRecorder::Told& now) { return now.messages.size() == sent; }));
  }
  EXPECT_TRUE(this->await([](const LinkRecorder::Told& now) { return now.published == 3; }));
  EXPECT_THAT(this->told().messages,
              testing::ElementsAre("devices/pump-17/x=" + binary, "devices/pump-17/x=", "devices/pump-17/x=" + large));
  EXPECT_TRUE(this->told().ends.empty());
}

TYPED_TEST_P(LinkContract, server_for_another_host_is_not_trusted) {
  this->world_.write_server("elsewhere", "DNS:elsewhere.example,IP:127.0.0.2", kFarAway);
  const MosquittoBroker broker(this->world_.folder(), this->world_.broker_settings(kOpenDoor, "elsewhere"));
  for (const char* host : {"127.0.0.1", "localhost"}) {
    this->expect_failure(this->request(broker.port(), ports::LinkIdentity::kNone, host),
                         ports::LinkFailure::kServerNotTrusted);
  }
}

TYPED_TEST_P(LinkContract, server_of_an_unknown_ca_is_not_trusted) {
  const Pkey key = make_ec_key();
  const X509Ptr other = LinkWorld::make_ca("test CA", key.get());  // the right name, another key
  const MosquittoBroker broker(this->world_.folder(), this->world_.broker_settings(kOpenDoor));
  this->world_.folder().write("ca.pem", to_pem(other.get()));
  this->expect_failure(this->request(broker.port()), ports::LinkFailure::kServerNotTrusted);
}

TYPED_TEST_P(LinkContract, server_with_an_expired_certificate_is_not_trusted) {
  this->world_.write_server("expired", "DNS:localhost,IP:127.0.0.1", kLongAgo);
  const MosquittoBroker broker(this->world_.folder(), this->world_.broker_settings(kOpenDoor, "expired"));
  this->expect_failure(this->request(broker.port()), ports::LinkFailure::kServerNotTrusted);
}

TYPED_TEST_P(LinkContract, connack_5_is_a_refusal_with_its_code) {
  const MosquittoBroker broker(this->world_.folder(), this->world_.broker_settings("allow_anonymous false\n"));
  this->expect_failure(this->request(broker.port()), ports::LinkFailure::kRefused, 5);
  auto wrong = this->request(broker.port());
  wrong.username = "somebody";
  wrong.password = "something";
  this->expect_failure(wrong, ports::LinkFailure::kRefused, 5);
}

TYPED_TEST_P(LinkContract, servers_verdict_on_our_certificate_is_a_tls_alert) {
  TlsServer files = this->world_.server_files();
  files.client_ca = this->world_.folder().file("ca.pem");
  const LoopbackServer server([files](int socket) {
    serve_tls(socket, files, [](SSL*) {});
    char rest[512];  // a reset, for what was not read, would overtake the alert
    while (read(socket, rest, sizeof rest) > 0) {
    }
  });
  for (const std::string& record : {LinkWorld::record_of_a_stranger(), this->world_.record("pump-17", kLongAgo)}) {
    this->restart();
    this->medium_->put(ports::Item::kSlotB, record);
    ASSERT_TRUE(this->link().connect(this->request(server.port(), ports::LinkIdentity::kSlotB)));
    ASSERT_TRUE(this->await_end());
    EXPECT_EQ(this->told().ends[0].first, ports::LinkFailure::kTlsAlert);
  }
}

TYPED_TEST_P(LinkContract, nobody_listening_is_unreachable) {
  const ClosedPort nobody;
  this->expect_failure(this->request(nobody.port()), ports::LinkFailure::kUnreachable);
}

TYPED_TEST_P(LinkContract, server_that_closes_before_its_answer_is_told_from_one_that_refuses) {
  const LoopbackServer server([this](int socket) {
    serve_tls(socket, this->world_.server_files(), [](SSL* tls) {
      char connect[256];
      SSL_read(tls, connect, sizeof connect);
    });
  });
  this->expect_failure(this->request(server.port()), ports::LinkFailure::kClosedWithoutConnack);
}

TYPED_TEST_P(LinkContract, refused_subscription_is_reported) {
  const LoopbackServer server([this](int socket) {
    serve_tls(socket, this->world_.server_files(), [](SSL* tls) {
      unsigned char packet[256];
      SSL_read(tls, packet, sizeof packet);
      SSL_write(tls, "\x20\x02\x00\x00", 4);  // CONNACK
      SSL_read(tls, packet, sizeof packet);
      const unsigned char suback[] = {0x90, 3, packet[2], packet[3], 0x80};
      SSL_write(tls, suback, sizeof suback);
      SSL_read(tls, packet, sizeof packet);  // DISCONNECT
    });
  });
  ASSERT_TRUE(this->link().connect(this->request(server.port())));
  ASSERT_TRUE(this->await_connected());
  ASSERT_TRUE(this->link().subscribe("forbidden", 1));
  ASSERT_TRUE(this->await([](const LinkRecorder::Told& now) { return !now.granted.empty(); }));
  EXPECT_FALSE(this->told().granted[0]);
  this->link().disconnect();
  EXPECT_TRUE(this->await_end());
}

TYPED_TEST_P(LinkContract, death_of_the_server_is_a_lost_session) {
  MosquittoBroker broker(this->world_.folder(), this->world_.broker_settings(kOpenDoor));
  ASSERT_TRUE(this->link().connect(this->request(broker.port())));
  ASSERT_TRUE(this->await_connected());
  broker.kill();
  ASSERT_TRUE(this->await_end());
  EXPECT_EQ(this->told().ends[0].first, ports::LinkFailure::kLost);
  EXPECT_EQ(this->link().publish("t", {}, 1).error(), Status::kNotReady);
}

TYPED_TEST_P(LinkContract, second_connect_is_busy_until_the_first_has_ended) {
  const MosquittoBroker broker(this->world_.folder(), this->world_.broker_settings(kOpenDoor));
  const auto asked = this->request(broker.port());
  ASSERT_TRUE(this->link().connect(asked));
  EXPECT_EQ(this->link().connect(asked).error(), Status::kBusy);
  ASSERT_TRUE(this->await_connected());
  EXPECT_EQ(this->link().connect(asked).error(), Status::kBusy);
  this->link().disconnect();
  ASSERT_TRUE(this->await_end());
  EXPECT_TRUE(this->link().connect(asked));
  EXPECT_TRUE(this->await_connected(2));
}

TYPED_TEST_P(LinkContract, nothing_can_be_sent_without_a_session) {
  EXPECT_EQ(this->link().publish("t", {}, 1).error(), Status::kNotReady);
  EXPECT_EQ(this->link().subscribe("t", 1).error(), Status::kNotReady);
  this->link().disconnect();
  this->medium_->turn();
  EXPECT_TRUE(this->told().ends.empty());
}

TYPED_TEST_P(LinkContract, same_link_ends_in_order_and_connects_again) {
  const MosquittoBroker broker(this->world_.folder(), this->world_.broker_settings(kOpenDoor));
  for (std::size_t round = 1; round <= 3; ++round) {
    const auto identity = round == 2 ? ports::LinkIdentity::kNone : ports::LinkIdentity::kSlotA;
    ASSERT_TRUE(this->link().connect(this->request(broker.port(), identity)));
    ASSERT_TRUE(this->await_connected(static_cast<int>(round)));
    this->link().disconnect();
    this->link().disconnect();
    ASSERT_TRUE(this->await_end(round));
    EXPECT_EQ(this->told().ends[round - 1].first, ports::LinkFailure::kLost);
  }
  EXPECT_EQ(this->told().ends.size(), 3u);
}

TYPED_TEST_P(LinkContract, credential_that_cannot_be_used_is_told_at_once_or_ends_locally) {
  const MosquittoBroker broker(this->world_.folder(), this->world_.broker_settings(kOpenDoor));
  for (const char* record : {"", "no record"}) {
    this->restart();
    if (*record != '\0') this->medium_->put(ports::Item::kSlotB, record);
    const auto asked = this->link().connect(this->request(broker.port(), ports::LinkIdentity::kSlotB));
    if (asked) {
      ASSERT_TRUE(this->await_end());
      EXPECT_EQ(this->told().ends[0].first, ports::LinkFailure::kLocal);
    }
    EXPECT_EQ(this->told().connected, 0);
    // and the link is as good as before
    ASSERT_TRUE(this->link().connect(this->request(broker.port(), ports::LinkIdentity::kSlotA)));
    EXPECT_TRUE(this->await_connected());
  }
}

// A renewed credential lies in a slot that was shown before; the next session shows what lies there now.
TYPED_TEST_P(LinkContract, each_connect_shows_what_storage_holds_then) {
  std::mutex mutex;
  std::vector<std::string> shown;
  TlsServer files = this->world_.server_files();
  files.client_ca = this->world_.folder().file("ca.pem");
  const LoopbackServer server([&](int socket) {
    serve_tls(socket, files, [&](SSL* tls) {
      unsigned char packet[512];
      SSL_read(tls, packet, sizeof packet);
      const X509Ptr peer(SSL_get1_peer_certificate(tls));
      char name[64] = "";
      if (peer) X509_NAME_get_text_by_NID(X509_get_subject_name(peer.get()), NID_commonName, name, sizeof name);
      {
        const std::lock_guard lock(mutex);
        shown.emplace_back(name);
      }
      SSL_write(tls, "\x20\x02\x00\x00", 4);  // CONNACK
      SSL_read(tls, packet, sizeof packet);   // DISCONNECT
    });
  });
  const std::pair<ports::Item, const char*> steps[] = {{ports::Item::kSlotA, "first"},
                                                       {ports::Item::kSlotB, "second"},
                                                       {ports::Item::kSlotA, "third"},
                                                       {ports::Item::kSlotA, "fourth"}};
  std::size_t round = 0;
  for (const auto& [item, name] : steps) {
    this->medium_->put(item, this->world_.record(name));
    const auto identity = item == ports::Item::kSlotA ? ports::LinkIdentity::kSlotA : ports::LinkIdentity::kSlotB;
    ASSERT_TRUE(this->link().connect(this->request(server.port(), identity)));
    ASSERT_TRUE(this->await_connected(static_cast<int>(++round)));
    this->link().disconnect();
    ASSERT_TRUE(this->await_end(round));
  }
  const std::lock_guard lock(mutex);
  EXPECT_THAT(shown, testing::ElementsAre("first", "second", "third", "fourth"));
}

// The token for one server is nothing for the next.
TYPED_TEST_P(LinkContract, second_connect_says_nothing_of_the_first) {
  std::mutex mutex;
  std::vector<std::string> said;
  const LoopbackServer server([&](int socket) {
    serve_tls(socket, this->world_.server_files(), [&](SSL* tls) {
      char packet[512];
      const int size = SSL_read(tls, packet, sizeof packet);
      {
        const std::lock_guard lock(mutex);
        said.emplace_back(packet, static_cast<std::size_t>(std::max(size, 0)));
      }
      SSL_write(tls, "\x20\x02\x00\x00", 4);  // CONNACK
      SSL_read(tls, packet, sizeof packet);   // DISCONNECT
    });
  });
  auto first = this->request(server.port());
  first.username = "a user";
  first.password = "a token";
  auto second = this->request(server.port());
  second.client_id = "another";
  std::size_t round = 0;
  for (const auto& asked : {first, second}) {
    ASSERT_TRUE(this->link().connect(asked));
    ASSERT_TRUE(this->await_connected(static_cast<int>(++round)));
    this->link().disconnect();
    ASSERT_TRUE(this->await_end(round));
  }
  const std::lock_guard lock(mutex);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_NE(said[0].find("a token"), std::string::npos);
  EXPECT_NE(said[0].find("pump-17"), std::string::npos);
  EXPECT_NE(said[1].find("another"), std::string::npos);
  for (const char* old : {"a user", "a token", "pump-17"}) EXPECT_EQ(said[1].find(old), std::string::npos) << old;
  constexpr std::size_t kConnectFlags = 9;  // MQTT 3.1.1 section 3.1.2.3, behind a length of one byte
  constexpr unsigned kUserAndPassword = 0xC0;
  ASSERT_GT(said[1].size(), kConnectFlags);
  EXPECT_EQ(static_cast<unsigned char>(said[1][kConnectFlags]) & kUserAndPassword, 0u);
}

REGISTER_TYPED_TEST_SUITE_P(LinkContract, connects_with_the_credential_of_a_slot_by_address_and_by_name,
                            shows_its_onboarding_certificate_or_says_that_it_has_none,
                            messages_come_back_and_are_acknowledged, server_for_another_host_is_not_trusted,
                            server_of_an_unknown_ca_is_not_trusted, server_with_an_expired_certificate_is_not_trusted,
                            connack_5_is_a_refusal_with_its_code, servers_verdict_on_our_certificate_is_a_tls_alert,
                            nobody_listening_is_unreachable,
                            server_that_closes_before_its_answer_is_told_from_one_that_refuses,
                            refused_subscription_is_reported, death_of_the_server_is_a_lost_session,
                            second_connect_is_busy_until_the_first_has_ended, nothing_can_be_sent_without_a_session,
                            same_link_ends_in_order_and_connects_again,
                            credential_that_cannot_be_used_is_told_at_once_or_ends_locally,
                            each_connect_shows_what_storage_holds_then, second_connect_says_nothing_of_the_first);

}  // namespace latchkey::test
