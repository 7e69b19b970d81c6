// SPDX-License-Identifier: Apache-2.0
// Against a real Mosquitto, and against a server of our own where a broker is too well-behaved.
// What every link has to do is in link_contract_test.cpp.
#include "platform/posix/paho_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/platform/posix/test_servers.h"
#include "tests/unit/platform/test_certificates.h"

namespace latchkey::posix {
namespace {

using namespace std::chrono_literals;
using ports::LinkFailure;
using ports::LinkIdentity;
using testing::ElementsAre;

constexpr auto kPatience = 60s;  // an upper bound for a broken link to fail the test; never waited out by a good one

// Writes down what a link says, and lets a test wait for it.
class Recorder final : public ports::MqttLinkEvents {
 public:
  struct End {
    LinkFailure why;
    int detail;
  };

  void on_connected(bool) override {
    add([this] { ++connected_; });
  }
  void on_ended(LinkFailure why, int detail) override {
    add([&] { ends_.push_back({why, detail}); });
    if (inside_on_ended) inside_on_ended();
  }
  void on_subscribed(bool granted) override {
    add([&] { granted_.push_back(granted); });
  }
  void on_published() override {
    add([this] { ++published_; });
  }
  void on_message(std::string_view topic, ByteView payload) override {
    add([&] { messages_.push_back(std::string(topic) + "=" + std::string(payload.text())); });
  }

  bool await_connected(int count = 1) {
    return await([&] { return connected_ >= count; });
  }
  bool await_published(int count) {
    return await([&] { return published_ >= count; });
  }
  std::optional<End> await_end(std::size_t count = 1) {
    if (!await([&] { return ends_.size() >= count; })) return std::nullopt;
    const std::lock_guard lock(mutex_);
    return ends_[count - 1];
  }
  std::vector<bool> await_granted(std::size_t count) {
    await([&] { return granted_.size() >= count; });
    const std::lock_guard lock(mutex_);
    return granted_;
  }
  std::vector<std::string> await_messages(std::size_t count) {
    await([&] { return messages_.size() >= count; });
    const std::lock_guard lock(mutex_);
    return messages_;
  }
  std::size_t ends() {
    const std::lock_guard lock(mutex_);
    return ends_.size();
  }
  int connected() {
    const std::lock_guard lock(mutex_);
    return connected_;
  }

  std::function<void()> inside_on_ended;  // set before connecting

 private:
  template <class Change>
  void add(Change change) {
    {
      const std::lock_guard lock(mutex_);
      change();
    }
    changed_.notify_all();
  }
  template <class Condition>
  bool await(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, condition);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int connected_ = 0;
  int published_ = 0;
  std::vector<End> ends_;
  std::vector<bool> granted_;
  std::vector<std::string> messages_;
};

class PahoLinkTest : public testing::Test {
 protected:
  void SetUp() override {
    ca_key_ = test::make_ec_key();
    test::CertificateSpec ca;
    ca.common_names = {"test CA"};
    ca.subject_key = ca_key_.get();
    ca.ca = true;
    ca_ = test::make_certificate(ca);
    folder_.write("ca.pem", test::to_pem(ca_.get()));
    write_server("server", "DNS:localhost,IP:127.0.0.1", 4'000'000'000);

    options_.connect_timeout_s = 30;  // a starved machine is not what is tested here
    options_.trust_store = folder_.file("ca.pem");
    options_.slot_a = folder_.file("slot-a.pem");
    options_.slot_b = folder_.file("slot-b.pem");
    options_.onboarding_certificate = folder_.file("onboarding.pem");
    options_.onboarding_key = folder_.file("onboarding.key");
    write_slot("slot-a.pem", 4'000'000'000, ca_.get(), ca_key_.get());
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

  // As storage keeps a slot: a header, the key, the leaf, its issuer.
  void write_slot(const std::string& file, std::int64_t not_after, X509* issuer, EVP_PKEY* issuer_key) {
    const test::Pkey key = test::make_ec_key();
    test::CertificateSpec spec;
    spec.common_names = {"pump-17"};
    spec.subject_key = key.get();
    spec.issuer = issuer;
    spec.issuer_key = issuer_key;
    spec.not_after = not_after;
    const std::string leaf = test::to_pem(test::make_certificate(spec).get());
    folder_.write(file,
                  "Record: latchkey 1\nGeneration: 7\n\n" + test::to_pem(key.get()) + leaf + test::to_pem(issuer));
  }

  void write_slot_of_a_stranger(const std::string& file) {
    const test::Pkey key = test::make_ec_key();
    test::CertificateSpec other;
    other.common_names = {"other CA"};
    other.subject_key = key.get();
    other.ca = true;
    write_slot(file, 4'000'000'000, test::make_certificate(other).get(), key.get());
  }

  void write_onboarding() {
    const test::Pkey key = test::make_ec_key();
    test::CertificateSpec spec;
    spec.common_names = {"pump-17"};
    spec.subject_key = key.get();
    spec.issuer = ca_.get();
    spec.issuer_key = ca_key_.get();
    folder_.write("onboarding.pem", test::to_pem(test::make_certificate(spec).get()));
    folder_.write("onboarding.key", test::to_pem(key.get()));
  }

  std::string tls_settings(const std::string& more = "", const std::string& server = "server") const {
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

  void expect_end(const ports::LinkRequest& asked, LinkFailure why, std::optional<int> detail = std::nullopt) {
    Recorder events;
    PahoLink link(options_, events);
    ASSERT_TRUE(link.connect(asked));
    const auto end = events.await_end();
    ASSERT_TRUE(end.has_value());
    EXPECT_EQ(end->why, why);
    if (detail) {
      EXPECT_EQ(end->detail, *detail);
    }
    EXPECT_EQ(events.connected(), 0);
  }

  tests::TemporaryFolder folder_;
  test::Pkey ca_key_;
  test::X509Ptr ca_;
  PahoLinkOptions options_;
};

// The server's verdict on our certificate: inside the handshake with TLS 1.2, after it with TLS 1.3.
class PahoLinkAlertTest : public PahoLinkTest, public testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    PahoLinkTest::SetUp();
    test::TlsServer files = server_files();
    files.highest_version = GetParam();
    files.client_ca = folder_.file("ca.pem");
    server_.emplace([files](int socket) { test::serve_tls(socket, files, [](SSL*) {}); });
  }
  std::optional<test::LoopbackServer> server_;
};

TEST_P(PahoLinkAlertTest, certificate_of_an_unknown_ca_is_a_tls_alert) {
  write_slot_of_a_stranger("slot-b.pem");
  expect_end(request(server_->port(), LinkIdentity::kSlotB), LinkFailure::kTlsAlert, 48);  // unknown_ca
}

TEST_P(PahoLinkAlertTest, expired_certificate_is_a_tls_alert) {
  write_slot("slot-b.pem", 1'700'000'100, ca_.get(), ca_key_.get());
  expect_end(request(server_->port(), LinkIdentity::kSlotB), LinkFailure::kTlsAlert, 45);  // certificate_expired
}

TEST_P(PahoLinkAlertTest, missing_certificate_is_a_tls_alert) {
  const int number = GetParam() == TLS1_3_VERSION ? 116 : 40;  // certificate_required, handshake_failure
  expect_end(request(server_->port()), LinkFailure::kTlsAlert, number);
}

INSTANTIATE_TEST_SUITE_P(Versions, PahoLinkAlertTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return std::string(version.param == TLS1_2_VERSION ? "tls_1_2" : "tls_1_3");
                         });

// Mosquitto closes as soon as its alert is out, so whether the alert can still be read is chance (tls_trace.h).
TEST_F(PahoLinkTest, certificate_that_the_broker_does_not_accept_ends_the_attempt) {
  write_slot_of_a_stranger("slot-b.pem");
  const test::MosquittoBroker broker(folder_, tls_settings(certificates_only()));
  Recorder events;
  PahoLink link(options_, events);
  ASSERT_TRUE(link.connect(request(broker.port(), LinkIdentity::kSlotB)));
  const auto end = events.await_end();
  ASSERT_TRUE(end.has_value());
  EXPECT_THAT(end->why, testing::AnyOf(LinkFailure::kTlsAlert, LinkFailure::kClosedWithoutConnack));
  EXPECT_EQ(events.connected(), 0);
}

TEST_F(PahoLinkTest, name_that_does_not_resolve_is_unreachable) {
  setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);  // resolv.conf(5): where no name server answers, not to wait for it
  expect_end(request(8883, LinkIdentity::kNone, "no-such-host.invalid"), LinkFailure::kUnreachable);
}

TEST_F(PahoLinkTest, close_in_the_middle_of_the_handshake_counts_as_an_alert_of_unknown_number) {
  const test::LoopbackServer server([](int socket) {
    char hello[16];
    [[maybe_unused]] const ssize_t got = recv(socket, hello, sizeof hello, 0);
  });
  expect_end(request(server.port()), LinkFailure::kTlsAlert, 0);
}

TEST_F(PahoLinkTest, identity_that_does_not_load_ends_locally) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  expect_end(request(broker.port(), LinkIdentity::kSlotB), LinkFailure::kLocal);       // no file
  expect_end(request(broker.port(), LinkIdentity::kOnboarding), LinkFailure::kLocal);  // no file
  folder_.write("slot-b.pem", "Record: torn");
  expect_end(request(broker.port(), LinkIdentity::kSlotB), LinkFailure::kLocal);

  write_onboarding();
  folder_.write("onboarding.key", test::to_pem(test::make_ec_key().get()));  // of another certificate
  expect_end(request(broker.port(), LinkIdentity::kOnboarding), LinkFailure::kLocal);

  options_.onboarding_certificate.clear();
  options_.onboarding_key.clear();
  expect_end(request(broker.port(), LinkIdentity::kOnboarding), LinkFailure::kLocal);
  options_.trust_store = folder_.file("missing.pem");
  expect_end(request(broker.port()), LinkFailure::kLocal);
}

TEST_F(PahoLinkTest, empty_host_is_refused_at_once) {
  Recorder events;
  PahoLink link(options_, events);
  EXPECT_EQ(link.connect(request(8883, LinkIdentity::kNone, "")).error(), Status::kInvalidArgument);
}

TEST_F(PahoLinkTest, message_comes_back_and_is_acknowledged) {
  const test::MosquittoBroker broker(folder_, tls_settings(certificates_only()));
  Recorder events;
  PahoLink link(options_, events);
  ASSERT_TRUE(link.connect(request(broker.port(), LinkIdentity::kSlotA)));
  ASSERT_TRUE(events.await_connected());
  ASSERT_TRUE(link.subscribe("devices/pump-17/#", 1));
  EXPECT_THAT(events.await_granted(1), ElementsAre(true));
  const std::string payload("a\0b", 3);
  ASSERT_TRUE(link.publish("devices/pump-17/x", ByteView(payload), 1));
  ASSERT_TRUE(link.publish("devices/pump-17/y", {}, 1));
  ASSERT_TRUE(link.publish("devices/pump-17/z", ByteView(std::string(100'000, 'z')), 0));
  EXPECT_TRUE(events.await_published(2));
  EXPECT_THAT(events.await_messages(3), ElementsAre("devices/pump-17/x=" + payload, "devices/pump-17/y=",
                                                    "devices/pump-17/z=" + std::string(100'000, 'z')));
  EXPECT_EQ(events.ends(), 0u);
}

// A server that takes the connection and never says anything.
TEST_F(PahoLinkTest, attempt_can_be_given_up) {
  const test::LoopbackServer server([](int socket) {
    char hello[1024];
    while (recv(socket, hello, sizeof hello, 0) > 0) {
    }
  });
  Recorder events;
  PahoLink link(options_, events);
  ASSERT_TRUE(link.connect(request(server.port())));
  link.disconnect();
  const auto end = events.await_end();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->why, LinkFailure::kLost);
  ASSERT_TRUE(link.connect(request(server.port())));  // destroyed while it waits
}

TEST_F(PahoLinkTest, connect_from_within_the_end_of_a_session_works) {
  test::MosquittoBroker broker(folder_, tls_settings("allow_anonymous false\n"));
  Recorder events;
  std::atomic<int> left = 2;
  PahoLink* self = nullptr;
  const auto asked = request(broker.port());
  events.inside_on_ended = [&] {
    if (left-- > 0) {
      EXPECT_TRUE(self->connect(asked));
    }
  };
  PahoLink link(options_, events);
  self = &link;
  ASSERT_TRUE(link.connect(asked));
  const auto end = events.await_end(3);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->why, LinkFailure::kRefused);
}

std::size_t count_entries(const char* folder) {
  std::error_code gone;  // a thread may end while it is listed
  std::size_t count = 0;
  for (std::filesystem::directory_iterator entry(folder, gone); !gone && entry != std::filesystem::directory_iterator();
       entry.increment(gone)) {
    ++count;
  }
  return count;
}

// What is being counted goes a moment later than those are told who wait for its end: a thread that was joined is still
// listed until the kernel has cleared it away, and Paho's own threads are not joined at all.
std::size_t count_at_last(const char* folder, std::size_t wanted) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::size_t count = count_entries(folder);
  for (; count != wanted && std::chrono::steady_clock::now() < deadline; count = count_entries(folder)) {
    std::this_thread::sleep_for(5ms);
  }
  return count;
}

// The number that stands for half a second.
std::size_t settled_count(const char* folder) {
  std::size_t count = count_entries(folder);
  for (int same = 0; same < 100; ++same) {
    std::this_thread::sleep_for(5ms);
    const std::size_t now = count_entries(folder);
    if (now != count) same = 0;
    count = now;
  }
  return count;
}

// LATCHKEY_RECONNECTS=100 for the long run.
TEST_F(PahoLinkTest, reconnects_again_and_again_without_leaving_descriptors_or_threads) {
  const char* wanted = std::getenv("LATCHKEY_RECONNECTS");
  const int rounds = wanted != nullptr ? std::stoi(wanted) : 4;
  const test::MosquittoBroker broker(folder_, tls_settings(certificates_only()));
  const auto live = [&](int times) {
    Recorder events;
    PahoLink link(options_, events);
    for (int round = 1; round <= times; ++round) {
      ASSERT_TRUE(link.connect(request(broker.port(), LinkIdentity::kSlotA)));
      ASSERT_TRUE(events.await_connected(round)) << round;
      const auto published = link.publish("t", ByteView(std::string("x")), 1);
      ASSERT_TRUE(published) << round << ": " << to_string(published.error());
      link.disconnect();
      ASSERT_TRUE(events.await_end(static_cast<std::size_t>(round)).has_value()) << round;
    }
    EXPECT_EQ(events.connected(), times);
    EXPECT_EQ(events.ends(), static_cast<std::size_t>(times));
  };
  live(1);  // Paho keeps two threads from its first connection on; a link's own one ends with it
  const std::size_t threads = settled_count("/proc/self/task");
  const std::size_t descriptors = settled_count("/proc/self/fd");
  live(rounds);
  EXPECT_EQ(count_at_last("/proc/self/fd", descriptors), descriptors);
  EXPECT_EQ(count_at_last("/proc/self/task", threads), threads);
}

TEST_F(PahoLinkTest, two_links_live_side_by_side) {
  const test::MosquittoBroker broker(folder_, tls_settings(open_door()));
  Recorder one_events, other_events;
  PahoLink one(options_, one_events);
  auto asked = request(broker.port());
  ASSERT_TRUE(one.connect(asked));
  ASSERT_TRUE(one_events.await_connected());
  {
    PahoLink other(options_, other_events);
    asked.client_id = "pump-18";
    ASSERT_TRUE(other.connect(asked));
    ASSERT_TRUE(other_events.await_connected());
  }
  ASSERT_TRUE(one.publish("t", ByteView(std::string("still here")), 1));
  EXPECT_TRUE(one_events.await_published(1));
  EXPECT_EQ(one_events.ends(), 0u);
}

}  // namespace
}  // namespace latchkey::posix
