// SPDX-License-Identifier: Apache-2.0
// The board's link on the host: against a real Mosquitto, and against a server of our own that says what a test
// dictates.
// What every link has to do is in link_contract_test.cpp.
#include "platform/tls/tls_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <chrono>
#include <functional>
#include <thread>

#include "platform/crypto/key.h"
#include "platform/crypto/pem.h"
#include "platform/sim/storage.h"
#include "tests/unit/platform/posix/test_servers.h"
#include "tests/unit/platform/test_certificates.h"
#include "tests/unit/platform/tls/tcp_stream.h"

namespace latchkey::tls {
namespace {

using namespace std::chrono_literals;
using ports::LinkFailure;
using ports::LinkIdentity;
using testing::ElementsAre;

constexpr auto kPatience = 60s;  // an upper bound for a broken link to fail the test; never waited out by a good one
constexpr std::int64_t kFarAway = 4'000'000'000;
constexpr std::int64_t kLongAgo = 1'700'000'100;

class HostClock final : public ports::Clock {
 public:
  UnixMs now() const override { return 0; }
  ports::MonotonicMs monotonic() const override {
    return static_cast<ports::MonotonicMs>(std::chrono::steady_clock::now().time_since_epoch() / 1ms);
  }
};

class Recorder final : public ports::MqttLinkEvents {
 public:
  struct End {
    LinkFailure why;
    int detail;
  };
  void on_connected(bool) override { ++connected; }
  void on_ended(LinkFailure why, int detail) override { ends.push_back({why, detail}); }
  void on_subscribed(bool granted) override { granted ? ++subscribed : ++refused; }
  void on_published() override { ++published; }
  void on_message(std::string_view topic, ByteView payload) override {
    messages.push_back(std::string(topic) + "=" + std::string(payload.text()));
  }
  int connected = 0, subscribed = 0, refused = 0, published = 0;
  std::vector<End> ends;
  std::vector<std::string> messages;
};

class TlsLinkTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(crypto::init());
    ca_key_ = test::make_ec_key();
    ca_ = make_ca("test CA", ca_key_.get());
    trust_ = test::to_der(ca_.get());
    folder_.write("ca.pem", test::to_pem(ca_.get()));
    write_server("server", "DNS:localhost,IP:127.0.0.1", kFarAway);
    write_slot(ports::Item::kSlotA, kFarAway, ca_.get(), ca_key_.get());
  }

  static test::X509Ptr make_ca(const char* name, EVP_PKEY* key) {
    test::CertificateSpec spec;
    spec.common_names = {name};
    spec.subject_key = key;
    spec.ca = true;
    return test::make_certificate(spec);
  }
  void write_server(const std::string& name, const std::string& names, std::int64_t not_after) {
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
  // As the agent stores it: a header, the key, the leaf, its issuer.
  void write_slot(ports::Item item, std::int64_t not_after, X509* issuer, EVP_PKEY* issuer_key) {
    crypto::DeviceKey key;
    ASSERT_TRUE(crypto::generate_key(crypto::Curve::kP256, key));
    const test::Pkey openssl_key = test::read_key(key.der());
    test::CertificateSpec spec;
    spec.common_names = {"pump-17"};
    spec.subject_key = openssl_key.get();
    spec.issuer = issuer;
    spec.issuer_key = issuer_key;
    spec.not_after = not_after;
    std::array<std::uint8_t, 512> pem;
    const auto size = crypto::pem_encode(crypto::kPemEcKey, key.der(), pem);
    ASSERT_TRUE(size);
    const std::string record = "latchkey-credential 1\nstate proven\n" +
                               std::string(pem.begin(), pem.begin() + static_cast<std::ptrdiff_t>(*size)) +
                               test::to_pem(test::make_certificate(spec).get()) + test::to_pem(issuer);
    ASSERT_TRUE(storage_.write(item, ByteView(record)));
  }
  std::string tls_settings(const std::string& more, const std::string& server = "server") const {
    return "cafile " + folder_.file("ca.pem") + "\ncertfile " + folder_.file(server + ".pem") + "\nkeyfile " +
           folder_.file(server + ".key") + "\n" + more;
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
  bool poll_until(TlsLink& link, const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      if (!link.poll()) std::this_thread::sleep_for(1ms);
    }
    return true;
  }
  void expect_end(const ports::LinkRequest& asked, LinkFailure why) {
    Recorder events;
    TlsLink link(options(), stream_, storage_, clock_, events);
    ASSERT_TRUE(link.connect(asked));
    ASSERT_TRUE(poll_until(link, [&] { return !events.ends.empty(); }));
    EXPECT_EQ(events.ends[0].why, why) << "detail " << events.ends[0].detail;
    EXPECT_EQ(events.connected, 0);
    detail_ = events.ends[0].detail;
  }
  TlsLink::Options options() { return {ByteView(trust_), in_, out_, nullptr}; }

  tests::TemporaryFolder folder_;
  test::Pkey ca_key_;
  test::X509Ptr ca_;
  test::Der trust_;
  sim::SimStorage storage_;
  test::TcpStream stream_;
  HostClock clock_;
  std::array<std::uint8_t, 8192> in_{};
  std::array<std::uint8_t, 3072> out_{};
  int detail_ = 0;
};

TEST_F(TlsLinkTest, talks_with_a_broker_by_the_certificate_of_a_slot) {
  const test::MosquittoBroker broker(folder_, tls_settings(certificates_only()));
  for (const std::size_t piece : {std::size_t{1} << 16, std::size_t{1}, std::size_t{7}}) {
    stream_.piece = piece;
    Recorder events;
    TlsLink link(options(), stream_, storage_, clock_, events);
    ASSERT_TRUE(link.connect(request(broker.port(), LinkIdentity::kSlotA)));
    EXPECT_EQ(link.connect(request(broker.port())).error(), Status::kBusy);
    ASSERT_TRUE(poll_until(link, [&] { return events.connected == 1; }));
    ASSERT_TRUE(link.subscribe("t/#", 1));
    ASSERT_TRUE(poll_until(link, [&] { return events.subscribed == 1; }));
    const std::string large(2'500, 'x');
    for (const std::string& text : {std::string(), std::string("hello"), large}) {
      const auto before = events.messages.size();
      ASSERT_TRUE(link.publish("t/1", ByteView(text), 1));
      ASSERT_TRUE(poll_until(link, [&] { return events.messages.size() > before; })) << text.size();
    }
    ASSERT_TRUE(poll_until(link, [&] { return events.published == 3; }));
    EXPECT_THAT(events.messages, ElementsAre("t/1=", "t/1=hello", "t/1=" + large));
    link.disconnect();
    ASSERT_TRUE(poll_until(link, [&] { return !events.ends.empty(); }));
    EXPECT_EQ(events.ends[0].why, LinkFailure::kLost);
    EXPECT_FALSE(link.poll());
  }
}

// mbedTLS holds what the network did not take, and wants it offered again as it was.
TEST_F(TlsLinkTest, what_is_published_while_the_network_is_full_is_not_lost) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  Recorder events;
  TlsLink link(options(), stream_, storage_, clock_, events);
  ASSERT_TRUE(link.connect(request(broker.port())));
  ASSERT_TRUE(poll_until(link, [&] { return events.connected == 1; }));
  ASSERT_TRUE(link.subscribe("t/#", 1));
  ASSERT_TRUE(poll_until(link, [&] { return events.subscribed == 1; }));
  stream_.full = true;
  for (const char* text : {"one", "two", "three"}) {
    ASSERT_TRUE(link.publish("t/1", ByteView(std::string_view(text)), 1));
    link.poll();
  }
  stream_.full = false;
  ASSERT_TRUE(poll_until(link, [&] { return events.published == 3 && events.messages.size() == 3; }));
  EXPECT_THAT(events.messages, ElementsAre("t/1=one", "t/1=two", "t/1=three"));
}

TEST_F(TlsLinkTest, server_for_another_host_is_not_trusted) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  for (const char* host : {"127.0.0.2", "128.0.0.1", "example.com", "ocalhost", "127.0.0.1.example.com"}) {
    expect_end(request(broker.port(), LinkIdentity::kNone, host), LinkFailure::kServerNotTrusted);
  }
}

// An address is looked for among addresses, a name among names.
TEST_F(TlsLinkTest, address_in_a_dns_name_is_not_trusted) {
  write_server("sly", "DNS:127.0.0.1", kFarAway);
  const test::MosquittoBroker broker(folder_, tls_settings(open_door(), "sly"));
  expect_end(request(broker.port()), LinkFailure::kServerNotTrusted);
}

TEST_F(TlsLinkTest, server_of_an_unknown_ca_is_not_trusted) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  const test::Pkey key = test::make_ec_key();
  trust_ = test::to_der(make_ca("other CA", key.get()).get());
  expect_end(request(broker.port()), LinkFailure::kServerNotTrusted);
  trust_ = test::to_der(make_ca("test CA", key.get()).get());  // the right name, another key
  expect_end(request(broker.port()), LinkFailure::kServerNotTrusted);
}

TEST_F(TlsLinkTest, servers_verdict_on_our_certificate_is_a_tls_alert) {
  test::TlsServer server;
  server.certificate = folder_.file("server.pem");
  server.key = folder_.file("server.key");
  server.highest_version = TLS1_2_VERSION;
  server.client_ca = folder_.file("ca.pem");
  const test::LoopbackServer listening([&](int socket) {
    test::serve_tls(socket, server, [](SSL*) {});
    // a reset, for what it did not read, would overtake its alert
    char rest[512];
    while (read(socket, rest, sizeof rest) > 0) {
    }
  });
  write_slot(ports::Item::kSlotB, kLongAgo, ca_.get(), ca_key_.get());
  expect_end(request(listening.port(), LinkIdentity::kSlotB), LinkFailure::kTlsAlert);
  EXPECT_EQ(detail_, 45);  // certificate_expired
  const test::Pkey key = test::make_ec_key();
  const auto other = make_ca("other CA", key.get());
  write_slot(ports::Item::kSlotB, kFarAway, other.get(), key.get());
  expect_end(request(listening.port(), LinkIdentity::kSlotB), LinkFailure::kTlsAlert);
  EXPECT_EQ(detail_, 48);  // unknown_ca
}

TEST_F(TlsLinkTest, what_is_no_tls_ends_the_attempt) {
  const test::LoopbackServer listening([](int socket) {
    const std::string page = "HTTP/1.1 400 Bad Request\r\n\r\n";
    (void)!write(socket, page.data(), page.size());
    char rest[512];
    while (read(socket, rest, sizeof rest) > 0) {
    }
  });
  expect_end(request(listening.port()), LinkFailure::kServerNotTrusted);
}

// A board whose network is down must not take its credential for a bad one.
TEST_F(TlsLinkTest, network_that_is_not_there_is_unreachable) {
  class NoNetwork final : public ByteStream {
    bool open(std::string_view, std::uint16_t) override { return false; }
    Condition condition() const override { return Condition::kClosed; }
    std::size_t send(ByteView) override { return 0; }
    std::size_t receive(MutableBytes) override { return 0; }
    void close() override {}
  } nothing;
  Recorder events;
  TlsLink link(options(), nothing, storage_, clock_, events);
  ASSERT_TRUE(link.connect(request(1, LinkIdentity::kSlotA)));
  EXPECT_TRUE(events.ends.empty());  // never from within connect()
  EXPECT_TRUE(link.poll());
  ASSERT_EQ(events.ends.size(), 1u);
  EXPECT_EQ(events.ends[0].why, LinkFailure::kUnreachable);
}

TEST_F(TlsLinkTest, credential_that_cannot_be_used_is_told_at_once_and_nothing_is_sent) {
  Recorder events;
  TlsLink link(options(), stream_, storage_, clock_, events);
  const test::ClosedPort nobody;
  EXPECT_EQ(link.connect(request(nobody.port(), LinkIdentity::kSlotB)).error(), Status::kNotFound);
  ASSERT_TRUE(storage_.write(ports::Item::kSlotB, ByteView(std::string("no record"))));
  EXPECT_FALSE(link.connect(request(nobody.port(), LinkIdentity::kSlotB)));
  EXPECT_EQ(link.connect(request(nobody.port(), LinkIdentity::kOnboarding)).error(), Status::kUnsupported);
  EXPECT_FALSE(link.poll());
  EXPECT_TRUE(events.ends.empty());
}

TEST_F(TlsLinkTest, key_and_password_do_not_stay_in_its_buffers) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  Recorder events;
  TlsLink link(options(), stream_, storage_, clock_, events);
  auto asked = request(broker.port(), LinkIdentity::kSlotA);
  asked.username = "u";
  asked.password = "a token that nobody may read";
  ASSERT_TRUE(link.connect(asked));
  const auto holds = [](const auto& buffer, std::string_view text) {
    return std::string_view(reinterpret_cast<const char*>(buffer.data()), buffer.size()).find(text) !=
           std::string_view::npos;
  };
  EXPECT_FALSE(holds(in_, "PRIVATE KEY"));
  EXPECT_TRUE(holds(out_, asked.password));
  ASSERT_TRUE(poll_until(link, [&] { return events.connected == 1; }));
  EXPECT_FALSE(holds(out_, asked.password));
}

}  // namespace
}  // namespace latchkey::tls
