// SPDX-License-Identifier: Apache-2.0
// Against a real Mosquitto, and against a server of our own where a broker is too well-behaved. What is held here is
// what tests/unit/platform/posix/paho_link_test.cpp holds of the other link.
#include "boards/fleet/swarm/swarm_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/record.h"
#include "boards/fleet/swarm/key_pool.h"
#include "platform/crypto/pem.h"
#include "platform/posix/clock.h"
#include "platform/sim/storage.h"
#include "tests/unit/platform/posix/test_servers.h"
#include "tests/unit/platform/test_certificates.h"

namespace latchkey::boards::fleet::swarm {
namespace {

using ports::LinkFailure;
using ports::LinkIdentity;
using testing::ElementsAre;

constexpr auto kPatience =
    std::chrono::seconds(60);  // for a broken link to fail the test; never waited out by a good one

struct Recorder final : public ports::MqttLinkEvents {
  struct End {
    LinkFailure why;
    int detail;
  };
  void on_connected(bool) override {
    ++connected;
    if (inside_on_connected) inside_on_connected();
  }
  void on_ended(LinkFailure why, int detail) override {
    ends.push_back({why, detail});
    if (inside_on_ended) inside_on_ended();
  }
  void on_subscribed(bool yes) override { granted.push_back(yes); }
  void on_published() override { ++published; }
  void on_message(std::string_view topic, ByteView payload) override {
    messages.push_back(std::string(topic) + "=" + std::string(payload.text()));
    if (inside_on_message) inside_on_message();
  }
  int connected = 0;
  int published = 0;
  std::vector<End> ends;
  std::vector<bool> granted;
  std::vector<std::string> messages;
  std::function<void()> inside_on_connected;
  std::function<void()> inside_on_ended;
  std::function<void()> inside_on_message;
};

class SwarmLinkTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(crypto::init());
    ca_key_ = test::make_ec_key();
    test::CertificateSpec ca;
    ca.common_names = {"test CA"};
    ca.subject_key = ca_key_.get();
    ca.ca = true;
    ca_ = test::make_certificate(ca);
    folder_.write("ca.pem", test::to_pem(ca_.get()));
    write_server("server", "DNS:localhost,IP:127.0.0.1");
    write_slot(ports::Item::kSlotA, 4'000'000'000, ca_.get(), ca_key_.get());
    trust(folder_.file("ca.pem"));
  }

  void trust(const std::string& file) {
    auto loaded = TlsContexts::load(file);
    ASSERT_TRUE(loaded);
    tls_.emplace(std::move(*loaded));
  }

  void write_server(const std::string& name, const std::string& names, std::time_t not_after = 4'000'000'000) {
    const test::Pkey key = test::make_ec_key();
    test::CertificateSpec spec;
    spec.common_names = {"server"};
    spec.subject_key = key.get();
    spec.issuer = ca_.get();
    spec.issuer_key = ca_key_.get();
    spec.subject_alternative_name = names;
    spec.not_after = not_after;
    folder_.write(name + ".pem", test::to_pem(test::make_certificate(spec).get()));
    folder_.write(name + ".key", test::to_pem(key.get()));
  }

  // As the agent's core stores it.
  void write_slot(ports::Item item, std::time_t not_after, X509* issuer, EVP_PKEY* issuer_key,
                  EVP_PKEY* certified = nullptr) {
    KeyPool pool(1);
    agent::MadeKey made;
    ASSERT_TRUE(pool.make(crypto::Curve::kP256, "pump-17", made));
    const test::Pkey key = test::read_key(made.key.der());
    test::CertificateSpec spec;
    spec.common_names = {"pump-17"};
    spec.subject_key = certified != nullptr ? certified : key.get();
    spec.issuer = issuer;
    spec.issuer_key = issuer_key;
    spec.not_after = not_after;
    const auto leaf = test::to_der(test::make_certificate(spec).get());
    const auto above = test::to_der(issuer);
    const ByteView ders[] = {ByteView(leaf), ByteView(above)};
    agent::Record header;
    header.generation = 1;
    header.state = agent::RecordState::kStaged;
    header.hub = "localhost:8883";
    header.device_id = "pump-17";
    std::array<std::uint8_t, agent::kMaxRecord> record;
    const auto size = agent::write_record(header, made.key, crypto::kPemCertificate, ders, 2, record);
    ASSERT_TRUE(size);
    ASSERT_TRUE(storage_.write(item, ByteView(record.data(), *size)));
  }

  void write_slot_of_a_stranger(ports::Item item) {
    const test::Pkey key = test::make_ec_key();
    test::CertificateSpec other;
    other.common_names = {"other CA"};
    other.subject_key = key.get();
    other.ca = true;
    write_slot(item, 4'000'000'000, test::make_certificate(other).get(), key.get());
  }

  std::string tls_settings(const std::string& more, const std::string& server = "server") const {
    return "cafile " + folder_.file("ca.pem") + "\ncertfile " + folder_.file(server + ".pem") + "\nkeyfile " +
           folder_.file(server + ".key") + "\n" + more;
  }
  test::TlsServer server_files() const {
    test::TlsServer server;
    server.certificate = folder_.file("server.pem");
    server.key = folder_.file("server.key");
    return server;
  }
  static std::string open_door() { return "allow_anonymous true\n"; }
  static std::string certificates_only() { return "allow_anonymous true\nrequire_certificate true\n"; }

  static ports::LinkRequest request(std::uint16_t port, LinkIdentity identity = LinkIdentity::kNone,
                                    std::string_view host = "127.0.0.1") {
    ports::LinkRequest made;
    made.host = host;
    made.port = port;
    made.client_id = "pump-17";
    made.identity = identity;
    return made;
  }

  SwarmLink::Parts parts() { return {loop_, *tls_, turnstiles_, storage_}; }

  bool await(const std::function<bool()>& holds) {
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (!holds() && std::chrono::steady_clock::now() < give_up) loop_.turn(20);
    return holds();
  }

  void expect_end(const ports::LinkRequest& asked, LinkFailure why, std::optional<int> detail = std::nullopt) {
    Recorder events;
    SwarmLink link(parts(), events);
    ASSERT_TRUE(link.connect(asked));
    ASSERT_TRUE(await([&] { return !events.ends.empty(); }));
    EXPECT_EQ(events.ends[0].why, why);
    if (detail) {
      EXPECT_EQ(events.ends[0].detail, *detail);
    }
    EXPECT_EQ(events.connected, 0);
    EXPECT_EQ(events.ends.size(), 1u);
  }

  tests::TemporaryFolder folder_;
  test::Pkey ca_key_;
  test::X509Ptr ca_;
  posix::PosixClock clock_;
  EventLoop loop_{clock_};
  std::optional<TlsContexts> tls_;
  Turnstiles turnstiles_{loop_, 2};
  sim::SimStorage storage_;
};

TEST_F(SwarmLinkTest, connects_with_the_certificate_of_a_slot) {
  const test::MosquittoBroker broker(folder_, tls_settings(certificates_only()));
  for (const char* host : {"127.0.0.1", "localhost"}) {
    Recorder events;
    SwarmLink link(parts(), events);
    ASSERT_TRUE(link.connect(request(broker.port(), LinkIdentity::kSlotA, host)));
    EXPECT_TRUE(await([&] { return events.connected == 1; })) << host;
  }
}

TEST_F(SwarmLinkTest, slot_that_is_torn_later_is_shown_no_more) {
  const test::MosquittoBroker broker(folder_, tls_settings(certificates_only()));
  Recorder events;
  SwarmLink link(parts(), events);
  for (int round = 1; round <= 2; ++round) {
    ASSERT_TRUE(link.connect(request(broker.port(), LinkIdentity::kSlotA)));
    ASSERT_TRUE(await([&] { return events.connected == round; }));
    link.disconnect();
  }
  ASSERT_TRUE(storage_.write(ports::Item::kSlotA, ByteView(std::string("torn"))));
  events.ends.clear();
  ASSERT_TRUE(link.connect(request(broker.port(), LinkIdentity::kSlotA)));
  ASSERT_EQ(events.ends.size(), 1u);
  EXPECT_EQ(events.ends.back().why, LinkFailure::kLocal);
}

TEST_F(SwarmLinkTest, two_devices_on_one_loop_show_each_its_own_certificate) {
  const test::MosquittoBroker broker(
      folder_, tls_settings("allow_anonymous true\nrequire_certificate true\nuse_identity_as_username true\n"));
  Recorder with;
  Recorder without;
  SwarmLink first(parts(), with);
  SwarmLink second(parts(), without);
  ASSERT_TRUE(first.connect(request(broker.port(), LinkIdentity::kSlotA)));
  ASSERT_TRUE(second.connect(request(broker.port(), LinkIdentity::kNone)));
  EXPECT_TRUE(await([&] { return with.connected == 1 && without.ends.size() == 1; }));
  EXPECT_EQ(without.connected, 0);
}

TEST_F(SwarmLinkTest, server_for_another_host_is_not_trusted) {
  write_server("elsewhere", "DNS:elsewhere.example,IP:127.0.0.2");
  const test::MosquittoBroker broker(folder_, tls_settings(open_door(), "elsewhere"));
  expect_end(request(broker.port(), LinkIdentity::kNone, "127.0.0.1"), LinkFailure::kServerNotTrusted);
  expect_end(request(broker.port(), LinkIdentity::kNone, "localhost"), LinkFailure::kServerNotTrusted);
}

TEST_F(SwarmLinkTest, server_of_an_unknown_ca_is_not_trusted) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  const test::Pkey key = test::make_ec_key();
  test::CertificateSpec other;
  other.common_names = {"other CA"};
  other.subject_key = key.get();
  other.ca = true;
  trust(folder_.write("other-ca.pem", test::to_pem(test::make_certificate(other).get())));
  expect_end(request(broker.port()), LinkFailure::kServerNotTrusted);
}

TEST_F(SwarmLinkTest, server_with_an_expired_certificate_is_not_trusted) {
  write_server("expired", "DNS:localhost,IP:127.0.0.1", 1'700'000'100);
  const test::MosquittoBroker broker(folder_, tls_settings(open_door(), "expired"));
  expect_end(request(broker.port()), LinkFailure::kServerNotTrusted);
}

TEST_F(SwarmLinkTest, trust_store_without_certificates_is_refused) {
  EXPECT_FALSE(TlsContexts::load(folder_.file("missing.pem")));
  EXPECT_FALSE(TlsContexts::load(folder_.write("empty.pem", "nothing\n")));
}

TEST_F(SwarmLinkTest, connack_5_is_a_refusal_with_its_code) {
  const test::MosquittoBroker broker(folder_, tls_settings("allow_anonymous false\n"));
  expect_end(request(broker.port()), LinkFailure::kRefused, 5);
  auto wrong = request(broker.port());
  wrong.username = "somebody";
  wrong.password = "something";
  expect_end(wrong, LinkFailure::kRefused, 5);
}

// The server's verdict on our certificate: inside the handshake with TLS 1.2, after it with TLS 1.3.
class SwarmLinkAlertTest : public SwarmLinkTest, public testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    SwarmLinkTest::SetUp();
    test::TlsServer files = server_files();
    files.highest_version = GetParam();
    files.client_ca = folder_.file("ca.pem");
    server_.emplace([files](int socket) { test::serve_tls(socket, files, [](SSL*) {}); });
  }
  std::optional<test::LoopbackServer> server_;
};

TEST_P(SwarmLinkAlertTest, certificate_of_an_unknown_ca_is_a_tls_alert) {
  write_slot_of_a_stranger(ports::Item::kSlotB);
  expect_end(request(server_->port(), LinkIdentity::kSlotB), LinkFailure::kTlsAlert, 48);  // unknown_ca
}

TEST_P(SwarmLinkAlertTest, expired_certificate_is_a_tls_alert) {
  write_slot(ports::Item::kSlotB, 1'700'000'100, ca_.get(), ca_key_.get());
  expect_end(request(server_->port(), LinkIdentity::kSlotB), LinkFailure::kTlsAlert, 45);  // certificate_expired
}

TEST_P(SwarmLinkAlertTest, missing_certificate_is_a_tls_alert) {
  const int number = GetParam() == TLS1_3_VERSION ? 116 : 40;  // certificate_required, handshake_failure
  expect_end(request(server_->port()), LinkFailure::kTlsAlert, number);
}

TEST_P(SwarmLinkAlertTest, slot_that_was_written_anew_is_read_anew) {
  Recorder events;
  SwarmLink link(parts(), events);
  const auto alert_of_attempt = [&] {
    events.ends.clear();
    EXPECT_TRUE(link.connect(request(server_->port(), LinkIdentity::kSlotB)));
    EXPECT_TRUE(await([&] { return !events.ends.empty(); }));
    return events.ends.empty() ? -1 : events.ends.back().detail;
  };
  for (int i = 0; i < 2; ++i) {
    write_slot(ports::Item::kSlotB, 1'700'000'100, ca_.get(), ca_key_.get());
    EXPECT_EQ(alert_of_attempt(), 45);  // certificate_expired
    EXPECT_EQ(alert_of_attempt(), 45);  // what it showed before
    write_slot_of_a_stranger(ports::Item::kSlotB);
    EXPECT_EQ(alert_of_attempt(), 48);  // unknown_ca
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, SwarmLinkAlertTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return std::string(version.param == TLS1_2_VERSION ? "tls_1_2" : "tls_1_3");
                         });

TEST_F(SwarmLinkTest, nobody_listening_is_unreachable) {
  const test::ClosedPort nobody;
  expect_end(request(nobody.port()), LinkFailure::kUnreachable);
}

TEST_F(SwarmLinkTest, close_in_the_middle_of_the_handshake_counts_as_an_alert_of_unknown_number) {
  const test::LoopbackServer server([](int socket) {
    char hello[16];
    [[maybe_unused]] const ssize_t got = recv(socket, hello, sizeof hello, 0);
  });
  expect_end(request(server.port()), LinkFailure::kTlsAlert, 0);
}

// The library takes it for a socket that wants more time, and would wait for ever.
TEST_F(SwarmLinkTest, reset_in_the_middle_of_the_handshake_ends_the_attempt) {
  const test::LoopbackServer server([](int socket) {
    char hello[16];
    [[maybe_unused]] const ssize_t got = recv(socket, hello, sizeof hello, 0);
    const linger at_once{1, 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  });
  expect_end(request(server.port()), LinkFailure::kTlsAlert, 0);
}

TEST_F(SwarmLinkTest, close_after_connect_is_closed_without_connack) {
  const test::LoopbackServer server([this](int socket) {
    test::serve_tls(socket, server_files(), [](SSL* tls) {
      char connect[256];
      SSL_read(tls, connect, sizeof connect);
    });
  });
  expect_end(request(server.port()), LinkFailure::kClosedWithoutConnack);
}

TEST_F(SwarmLinkTest, server_that_says_nothing_meets_the_deadline) {
  const test::LoopbackServer server([](int socket) {
    char byte[512];
    while (recv(socket, byte, sizeof byte, 0) > 0) {
    }
  });
  Recorder events;
  SwarmLink link(parts(), events, 200);
  ASSERT_TRUE(link.connect(request(server.port())));
  ASSERT_TRUE(await([&] { return !events.ends.empty(); }));
  EXPECT_EQ(events.ends[0].why, LinkFailure::kUnreachable);
}

TEST_F(SwarmLinkTest, server_without_a_connack_meets_the_deadline_too) {
  const test::LoopbackServer server([this](int socket) {
    test::serve_tls(socket, server_files(), [](SSL* tls) {
      char packet[512];
      while (SSL_read(tls, packet, sizeof packet) > 0) {
      }
    });
  });
  Recorder events;
  SwarmLink link(parts(), events, 3'000);
  ASSERT_TRUE(link.connect(request(server.port())));
  ASSERT_TRUE(await([&] { return !events.ends.empty(); }));
  EXPECT_EQ(events.connected, 0);
}

TEST_F(SwarmLinkTest, identity_that_does_not_load_ends_locally) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  expect_end(request(broker.port(), LinkIdentity::kSlotB), LinkFailure::kLocal);  // nothing stored
  expect_end(request(broker.port(), LinkIdentity::kOnboarding), LinkFailure::kLocal);
  ASSERT_TRUE(storage_.write(ports::Item::kSlotB, ByteView(std::string("torn"))));
  expect_end(request(broker.port(), LinkIdentity::kSlotB), LinkFailure::kLocal);
  const test::Pkey other = test::make_ec_key();
  write_slot(ports::Item::kSlotB, 4'000'000'000, ca_.get(), ca_key_.get(), other.get());  // of another key
  expect_end(request(broker.port(), LinkIdentity::kSlotB), LinkFailure::kLocal);
}

TEST_F(SwarmLinkTest, empty_host_is_refused_at_once) {
  Recorder events;
  SwarmLink link(parts(), events);
  EXPECT_EQ(link.connect(request(8883, LinkIdentity::kNone, "")).error(), Status::kInvalidArgument);
}

TEST_F(SwarmLinkTest, second_connect_is_busy_and_requests_without_a_session_are_not_ready) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  Recorder events;
  SwarmLink link(parts(), events);
  EXPECT_EQ(link.subscribe("a", 1).error(), Status::kNotReady);
  EXPECT_EQ(link.publish("a", {}, 1).error(), Status::kNotReady);
  link.disconnect();
  EXPECT_TRUE(events.ends.empty());
  ASSERT_TRUE(link.connect(request(broker.port())));
  EXPECT_EQ(link.connect(request(broker.port())).error(), Status::kBusy);
  EXPECT_TRUE(await([&] { return events.connected == 1; }));
  EXPECT_EQ(link.connect(request(broker.port())).error(), Status::kBusy);
}

TEST_F(SwarmLinkTest, message_comes_back_and_is_acknowledged) {
  const test::MosquittoBroker broker(folder_, tls_settings(certificates_only()));
  Recorder events;
  SwarmLink link(parts(), events);
  ASSERT_TRUE(link.connect(request(broker.port(), LinkIdentity::kSlotA)));
  ASSERT_TRUE(await([&] { return events.connected == 1; }));
  ASSERT_TRUE(link.subscribe("devices/pump-17/#", 1));
  ASSERT_TRUE(await([&] { return events.granted.size() == 1; }));
  EXPECT_THAT(events.granted, ElementsAre(true));
  const std::string payload("a\0b", 3);
  const std::string large(100'000, 'z');
  ASSERT_TRUE(link.publish("devices/pump-17/x", ByteView(payload), 1));
  ASSERT_TRUE(link.publish("devices/pump-17/z", ByteView(large), 0));
  ASSERT_TRUE(link.publish("devices/pump-17/y", {}, 1));
  ASSERT_TRUE(await([&] { return events.published >= 2 && events.messages.size() >= 3; }));
  EXPECT_THAT(events.messages, testing::UnorderedElementsAre("devices/pump-17/x=" + payload,
                                                             "devices/pump-17/y=", "devices/pump-17/z=" + large));
  EXPECT_EQ(events.published, 2);
  EXPECT_TRUE(events.ends.empty());
}

TEST_F(SwarmLinkTest, requests_from_within_events_are_sent) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  Recorder events;
  SwarmLink link(parts(), events);
  events.inside_on_connected = [&] {
    EXPECT_TRUE(link.subscribe("a/#", 1));
    EXPECT_TRUE(link.publish("a/b", {}, 1));
  };
  ASSERT_TRUE(link.connect(request(broker.port())));
  EXPECT_TRUE(await([&] { return events.granted.size() == 1 && events.published == 1; }));
}

TEST_F(SwarmLinkTest, refused_subscription_is_reported) {
  const test::LoopbackServer server([this](int socket) {
    test::serve_tls(socket, server_files(), [](SSL* tls) {
      unsigned char packet[256];
      SSL_read(tls, packet, sizeof packet);
      SSL_write(tls, "\x20\x02\x00\x00", 4);  // CONNACK
      SSL_read(tls, packet, sizeof packet);
      const unsigned char suback[] = {0x90, 3, packet[2], packet[3], 0x80};
      SSL_write(tls, suback, sizeof suback);
      SSL_read(tls, packet, sizeof packet);  // the end
    });
  });
  Recorder events;
  SwarmLink link(parts(), events);
  ASSERT_TRUE(link.connect(request(server.port())));
  ASSERT_TRUE(await([&] { return events.connected == 1; }));
  ASSERT_TRUE(link.subscribe("forbidden", 1));
  EXPECT_TRUE(await([&] { return events.granted.size() == 1; }));
  EXPECT_THAT(events.granted, ElementsAre(false));
  link.disconnect();
}

TEST_F(SwarmLinkTest, death_of_the_server_is_a_lost_session) {
  test::MosquittoBroker broker(folder_, tls_settings(certificates_only()));
  Recorder events;
  SwarmLink link(parts(), events);
  ASSERT_TRUE(link.connect(request(broker.port(), LinkIdentity::kSlotA)));
  ASSERT_TRUE(await([&] { return events.connected == 1; }));
  broker.kill();
  ASSERT_TRUE(await([&] { return !events.ends.empty(); }));
  EXPECT_EQ(events.ends[0].why, LinkFailure::kLost);
}

TEST_F(SwarmLinkTest, disconnect_ends_the_session_and_the_link_connects_again) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  Recorder events;
  SwarmLink link(parts(), events);
  for (std::size_t round = 1; round <= 3; ++round) {
    ASSERT_TRUE(link.connect(request(broker.port())));
    ASSERT_TRUE(await([&] { return events.connected == static_cast<int>(round); }));
    link.disconnect();
    ASSERT_EQ(events.ends.size(), round);
    EXPECT_EQ(events.ends.back().why, LinkFailure::kLost);
  }
}

TEST_F(SwarmLinkTest, disconnect_from_within_an_event_ends_the_session_once) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  Recorder events;
  SwarmLink link(parts(), events);
  events.inside_on_connected = [&] { link.disconnect(); };
  ASSERT_TRUE(link.connect(request(broker.port())));
  ASSERT_TRUE(await([&] { return !events.ends.empty(); }));
  for (int i = 0; i < 5; ++i) loop_.turn(10);
  EXPECT_EQ(events.ends.size(), 1u);
  EXPECT_EQ(events.ends[0].why, LinkFailure::kLost);
}

TEST_F(SwarmLinkTest, attempt_that_is_given_up_ends_as_lost) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  Recorder events;
  SwarmLink link(parts(), events);
  ASSERT_TRUE(link.connect(request(broker.port())));
  link.disconnect();
  ASSERT_EQ(events.ends.size(), 1u);
  EXPECT_EQ(events.ends[0].why, LinkFailure::kLost);
  for (int i = 0; i < 5; ++i) loop_.turn(10);
  EXPECT_EQ(events.connected, 0);
}

TEST_F(SwarmLinkTest, link_may_connect_again_from_within_its_end) {
  const test::ClosedPort nobody;
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  Recorder events;
  SwarmLink link(parts(), events);
  events.inside_on_ended = [&] {
    if (events.ends.size() > 1) return;
    EXPECT_TRUE(link.connect(request(broker.port())));
  };
  ASSERT_TRUE(link.connect(request(nobody.port())));
  EXPECT_TRUE(await([&] { return events.connected == 1; }));
}

TEST_F(SwarmLinkTest, attempts_beyond_the_limit_wait_for_their_turn) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  Turnstiles narrow(loop_, 1);
  std::array<Recorder, 4> events;
  std::vector<std::unique_ptr<SwarmLink>> links;
  for (auto& one : events) {
    links.push_back(std::make_unique<SwarmLink>(SwarmLink::Parts{loop_, *tls_, narrow, storage_}, one));
    auto asked = request(broker.port());
    const std::string name = "pump-" + std::to_string(links.size());
    asked.client_id = name;
    ASSERT_TRUE(links.back()->connect(asked));
  }
  Turnstile& turnstile = narrow.of("127.0.0.1:" + std::to_string(broker.port()));
  EXPECT_EQ(turnstile.inside(), 1u);
  EXPECT_EQ(turnstile.waiting(), 3u);
  links[1]->disconnect();  // it gives up while it waits
  EXPECT_EQ(events[1].ends.size(), 1u);
  EXPECT_TRUE(await([&] { return events[0].connected + events[2].connected + events[3].connected == 3; }));
  EXPECT_EQ(events[1].connected, 0);
  EXPECT_EQ(turnstile.inside() + turnstile.waiting(), 0u);
}

TEST_F(SwarmLinkTest, endpoint_that_does_not_answer_keeps_nobody_from_another) {
  const test::LoopbackServer deaf([](int socket) {
    char byte[512];
    while (recv(socket, byte, sizeof byte, 0) > 0) {
    }
  });
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  Turnstiles narrow(loop_, 1);
  Recorder waits;
  Recorder connects;
  SwarmLink first({loop_, *tls_, narrow, storage_}, waits);
  SwarmLink second({loop_, *tls_, narrow, storage_}, connects);
  ASSERT_TRUE(first.connect(request(deaf.port())));
  ASSERT_TRUE(second.connect(request(broker.port())));
  EXPECT_TRUE(await([&] { return connects.connected == 1; }));
  EXPECT_TRUE(waits.ends.empty());
}

TEST_F(SwarmLinkTest, cut_network_ends_the_session_and_lets_nothing_through) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  Recorder events;
  SwarmLink link(parts(), events);
  ASSERT_TRUE(link.connect(request(broker.port())));
  ASSERT_TRUE(await([&] { return events.connected == 1; }));
  link.cut(true);
  ASSERT_EQ(events.ends.size(), 1u);
  EXPECT_EQ(events.ends[0].why, LinkFailure::kLost);
  ASSERT_TRUE(link.connect(request(broker.port())));
  ASSERT_EQ(events.ends.size(), 2u);
  EXPECT_EQ(events.ends[1].why, LinkFailure::kUnreachable);
  link.cut(false);
  ASSERT_TRUE(link.connect(request(broker.port())));
  EXPECT_TRUE(await([&] { return events.connected == 2; }));
}

}  // namespace
}  // namespace latchkey::boards::fleet::swarm
