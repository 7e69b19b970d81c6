// SPDX-License-Identifier: Apache-2.0
// Hostile clients at the DPS endpoint: who knows a registration id but has no valid token or certificate for it can
// neither push its device out, nor see its answers, nor hold more than the capped share of connections.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "tests/support/hub.h"
#include "tests/support/raw_client.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

constexpr int kLongMs = 60'000;  // reached only by a failure
constexpr int kPollMs = 20;
constexpr int kVictims = 20;
// hub/gate/options.h
constexpr std::size_t kMaxUnverified = 256;
constexpr std::size_t kMaxUnverifiedPerPeer = 64;
constexpr std::size_t kMaxSilent = 256;

constexpr const char* kFilter = "$dps/registrations/res/#";
constexpr const char* kRegister = "$dps/registrations/PUT/iotdps-register/?$rid=r1";

Hub& hub() {
  static const std::unique_ptr<Hub> owner = [] {
    auto started = std::make_unique<Hub>();
    started->start();
    return started;
  }();
  return *owner;
}

template <class Done>
bool wait_until(const Done& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kLongMs);
  while (!done()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
  return true;
}

std::size_t dps_connections() {
  const auto status = hub().json({"status"});
  for (const auto& gate : status.at("gates")) {
    if (gate.at("endpoint") == "dps") return gate.at("connections");
  }
  return 0;
}

ConnectFields dps_fields(const std::string& id, const std::string& password, bool clean = true) {
  ConnectFields fields;
  fields.client_id = id;
  fields.username = hub().dps_username(id);
  fields.password = password;
  fields.clean = clean;
  return fields;
}

// A PUBLISH's topic; the payload stands behind it.
std::string topic_of(const Packet& packet) {
  std::size_t at = 1;
  while (at < packet.size() && (packet[at] & 0x80) != 0) ++at;
  ++at;
  if (at + 2 > packet.size()) return {};
  const std::size_t length = static_cast<std::size_t>(packet[at]) << 8 | packet[at + 1];
  const auto begin = packet.begin() + static_cast<std::ptrdiff_t>(at) + 2;
  return at + 2 + length <= packet.size() ? std::string(begin, begin + static_cast<std::ptrdiff_t>(length)) : "";
}

// Everything that a stranger can show who knows nothing but the id.
struct Proof {
  std::string password;
  std::optional<Identity> identity;
};
std::vector<Proof> wrong_proofs(const std::string& id) {
  const auto now = static_cast<long>(std::time(nullptr));
  const std::string resource = hub().id_scope() + "/registrations/" + id;
  const auto stranger = make_test_ca("stranger");
  const Key key = make_key();
  LeafOptions leaf;
  leaf.common_name = id;
  const Identity forged{key, {make_leaf(stranger, key, leaf), stranger.certificate, stranger.certificate}, ""};
  const auto self = make_test_ca(id);
  return {{"junk", {}},
          {hub().token("another-1"), {}},
          {sas_token(resource, derive_device_key(hub().group_key(), id), now - 60), {}},
          {sas_token(resource, base64_text(std::vector<std::uint8_t>(32, 9)), now + 3'600), {}},
          {"", forged},
          {"", Identity{self.key, {self.certificate}, ""}},
          {"junk", forged}};
}

// Connects with one id again and again from a thread of its own, registers, and listens.
class Attacker {
 public:
  explicit Attacker(std::string id, std::size_t first)
      : id_(std::move(id)), first_(first), thread_([this] { run(); }) {}
  ~Attacker() { stop(); }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  // After stop().
  std::size_t attempts() const { return attempts_; }
  const std::multiset<std::string>& heard() const { return heard_; }  // topics without what stands behind the status

 private:
  void run() {
    const auto proofs = wrong_proofs(id_);
    for (std::size_t i = first_; !stop_; ++i) attack(proofs[i % proofs.size()], i % 2 == 0);
  }
  void attack(const Proof& proof, bool clean) {
    auto options = hub().dps_options(id_, "");
    options.identity = proof.identity;
    RawClient client(options);
    ++attempts_;
    if (!client.open(kLongMs)) return;
    if (client.connect(connect_packet(dps_fields(id_, proof.password, clean)), kLongMs).seen != Seen::kAccepted) return;
    client.send(subscribe_packet(kFilter, 1));
    client.send(publish_packet(kRegister, "{}", 1, false, 2));
    while (!stop_) {  // until it is displaced, or nothing comes any more
      const auto packet = client.read(200);
      if (!packet) return;
      if (kind_of(*packet) == kPublish) heard_.insert(topic_of(*packet).substr(0, 28));
    }
  }

  const std::string id_;
  const std::size_t first_;
  std::atomic<bool> stop_{false};
  std::size_t attempts_ = 0;
  std::multiset<std::string> heard_;
  std::thread thread_;
};

// A device that tries until it gets in, then registers three times over one session.
class Victim {
 public:
  explicit Victim(const std::string& id) : id_(id), token_(hub().token(id)) {}

  void provision() {
    ASSERT_TRUE(wait_until([this] { return connect(); })) << "never gets in";
    EXPECT_EQ(client_->subscribe(kFilter, 1, kLongMs), 1);
    for (int round = 0; round < 3 && !testing::Test::HasFatalFailure(); ++round) assign(round);
    EXPECT_TRUE(client_->connected()) << "was pushed out";
  }

 private:
  bool connect() {
    client_ = std::make_unique<DeviceClient>(hub().dps_options(id_, token_));
    const auto seen = client_->connect(kLongMs);
    // "Try again" is all that it may be told; a refusal would send it away.
    EXPECT_NE(seen.seen, Seen::kRefused) << seen.text();
    return seen.seen == Seen::kAccepted;
  }
  std::optional<Message> ask(const std::string& topic, const std::string& body) {
    client_->publish(topic, body, 1, kLongMs);
    return client_->wait_message([](const Message&) { return true; }, kLongMs);
  }
  void assign(int round) {
    const auto rid = "r" + std::to_string(round);
    auto answer = ask("$dps/registrations/PUT/iotdps-register/?$rid=" + rid,
                      json{{"registrationId", id_}, {"csr", make_csr(make_key(), id_)}}.dump());
    while (answer && answer->topic.rfind("$dps/registrations/res/202/", 0) == 0) {
      answer = ask("$dps/registrations/GET/iotdps-get-operationstatus/?$rid=" + rid +
                       "&operationId=" + json::parse(answer->payload).at("operationId").get<std::string>(),
                   " ");
    }
    ASSERT_TRUE(answer.has_value()) << "no answer; the session " << (client_->connected() ? "lives" : "was cut");
    const auto body = json::parse(answer->payload);
    ASSERT_EQ(body.value("status", ""), "assigned") << answer->topic << body;
    EXPECT_EQ(body.at("registrationState").at("issuedCertificateChain").size(), 3U);
  }

  const std::string id_;
  const std::string token_;
  std::unique_ptr<DeviceClient> client_;
};

// An open connection with a wrong token: accepted at CONNECT, as the real service does.
std::optional<RawClient> hold(const std::string& id, const std::string& peer) {
  RawClient client(hub().dps_options(id, ""));
  client.come_from(peer);
  if (!client.open(kLongMs)) return std::nullopt;
  if (client.connect(connect_packet(dps_fields(id, "wrong")), kLongMs).seen != Seen::kAccepted) return std::nullopt;
  return client;
}

// The same, tried until there is room: refused as long as nobody is judged who could be cut for it.
RawClient hold_at_last(const std::string& id, const std::string& peer) {
  std::optional<RawClient> client;
  EXPECT_TRUE(wait_until([&] { return (client = hold(id, peer)).has_value(); })) << id;
  return client ? std::move(*client) : RawClient(hub().dps_options(id, ""));
}

bool no_more_open_than(std::vector<RawClient>& clients, std::size_t most) {
  const auto open = std::count_if(clients.begin(), clients.end(), [](RawClient& one) { return !one.wait_closed(0); });
  return static_cast<std::size_t>(open) <= most;
}

TEST(Hostile, clients_cannot_push_out_a_provisioning_device_nor_see_its_answers) {
  std::size_t attempts = 0;
  for (int i = 0; i < kVictims && !testing::Test::HasFatalFailure(); ++i) {
    const std::string id = "pump-" + std::to_string(i);
    SCOPED_TRACE(id);
    Attacker first(id, 0);
    Attacker second(id, 3);
    Attacker third(id, 5);
    Victim victim(id);
    victim.provision();
    for (Attacker* const attacker : {&first, &second, &third}) {
      attacker->stop();
      attempts += attacker->attempts();
      for (const auto& topic : attacker->heard()) EXPECT_EQ(topic, "$dps/registrations/res/401/?");
    }
  }
  EXPECT_GE(attempts, static_cast<std::size_t>(3 * kVictims));
}

// What keeps the test above from being empty: undisturbed by a victim, hostile clients are answered, with 401.
TEST(Hostile, every_wrong_proof_is_answered_with_401_alone) {
  const std::string id = "lonely-1";
  for (const auto& proof : wrong_proofs(id)) {
    auto options = hub().dps_options(id, "");
    options.identity = proof.identity;
    RawClient client(options);
    ASSERT_TRUE(client.open(kLongMs));
    ASSERT_EQ(client.connect(connect_packet(dps_fields(id, proof.password)), kLongMs).text(), "accepted");
    client.send(subscribe_packet(kFilter, 1));
    client.send(publish_packet(kRegister, "{}", 1, false, 2));
    std::optional<Packet> packet;
    do {
      packet = client.read(kLongMs);
    } while (packet && kind_of(*packet) != kPublish);
    ASSERT_TRUE(packet.has_value());
    EXPECT_EQ(topic_of(*packet).substr(0, 28), "$dps/registrations/res/401/?");
  }
}

// Those that never get as far as CONNECT are nobody's yet: the broker alone would hold them for 90 s, however many.
TEST(Hostile, connections_without_connect_are_held_to_a_number_and_a_deadline) {
  std::vector<RawClient> silent;
  for (std::size_t i = 0; i < kMaxSilent + 100; ++i) {
    silent.emplace_back(hub().dps_options("nobody", ""));
    ASSERT_TRUE(silent.back().open(kLongMs)) << i;
  }
  EXPECT_TRUE(wait_until([&] { return no_more_open_than(silent, kMaxSilent); }));
  Victim("among-the-silent-1").provision();
  for (auto& client : silent) EXPECT_TRUE(client.wait_closed(kLongMs));
}

// Everybody gets in, and for everybody above the cap somebody before him is cut.
TEST(Hostile, one_peer_holds_no_more_than_its_share_and_is_cut_in_the_end) {
  std::vector<RawClient> held;
  for (std::size_t i = 0; i < kMaxUnverifiedPerPeer + 20; ++i) {
    held.push_back(hold_at_last("hostile-" + std::to_string(i), "127.0.0.66"));
  }
  EXPECT_TRUE(wait_until([&] { return no_more_open_than(held, kMaxUnverifiedPerPeer); }));
  EXPECT_TRUE(wait_until([] { return dps_connections() <= kMaxUnverifiedPerPeer; }))
      << "the gate tells its figures later";
  Victim("from-elsewhere-1").provision();
  for (auto& client : held) EXPECT_TRUE(client.wait_closed(kLongMs));
  EXPECT_TRUE(wait_until([] { return dps_connections() == 0; }));
}

TEST(Hostile, many_peers_together_hold_no_more_than_the_cap) {
  std::vector<RawClient> held;
  for (std::size_t i = 0; i < kMaxUnverified + 40; ++i) {
    held.push_back(hold_at_last("crowd-" + std::to_string(i), "127.0.1." + std::to_string(1 + i % 8)));
  }
  EXPECT_TRUE(wait_until([&] { return no_more_open_than(held, kMaxUnverified); }));
  EXPECT_TRUE(wait_until([] { return dps_connections() <= kMaxUnverified; })) << "the gate tells its figures later";
  Victim("in-the-crowd-1").provision();
  for (auto& client : held) EXPECT_TRUE(client.wait_closed(kLongMs));
  EXPECT_TRUE(wait_until([] { return dps_connections() == 0; }));
}

class Return : public testing::Test {
 protected:
  // A session that has proven itself.
  void SetUp() override {
    old_.emplace(hub().dps_options(id_, ""));
    ASSERT_TRUE(old_->open(kLongMs));
    ASSERT_EQ(old_->connect(connect_packet(dps_fields(id_, token_)), kLongMs).text(), "accepted");
    old_->send(subscribe_packet(kFilter, 1));
    old_->send(publish_packet(kRegister, "{}", 1, false, 2));
    std::optional<Packet> packet;
    do {
      packet = old_->read(kLongMs);
    } while (packet && kind_of(*packet) != kPublish);
    ASSERT_TRUE(packet.has_value());
    ASSERT_EQ(topic_of(*packet).substr(0, 27), "$dps/registrations/res/202/");
  }
  ConnectResult attempt(const std::string& token, const std::optional<Identity>& identity = {}) {
    auto options = hub().dps_options(id_, "");
    options.identity = identity;
    next_.emplace(options);
    if (!next_->open(kLongMs)) return {Seen::kTlsFailed, -1, false};
    return next_->connect(connect_packet(dps_fields(id_, token)), kLongMs);
  }
  void expect_old_session_lives() {
    old_->send(publish_packet(kRegister, "{}", 1, false, 3));
    std::optional<Packet> packet;
    do {
      packet = old_->read(kLongMs);
    } while (packet && kind_of(*packet) != kPublish);
    EXPECT_TRUE(packet.has_value());
  }

  // Of each test its own: the broker may still be taking leave of the one before.
  const std::string id_ = testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string token_ = hub().token(id_);
  std::optional<RawClient> old_;
  std::optional<RawClient> next_;
};

TEST_F(Return, same_valid_token_gets_in_at_a_later_attempt) {
  EXPECT_EQ(attempt(token_).text(), "closed without CONNACK");
  EXPECT_TRUE(wait_until([this] { return hub().last_decision(id_, "dps").second == "session held"; }));
  EXPECT_TRUE(wait_until([this] { return attempt(token_).seen == Seen::kAccepted; }));
  EXPECT_TRUE(old_->wait_closed(kLongMs));
}

TEST_F(Return, wrong_proofs_never_get_in_however_often) {
  const auto proofs = wrong_proofs(id_);
  for (int round = 0; round < 5; ++round) {
    for (const auto& proof : proofs) {
      EXPECT_EQ(attempt(proof.password, proof.identity).text(), "closed without CONNACK");
    }
  }
  expect_old_session_lives();
}

TEST_F(Return, replayed_token_that_has_expired_does_not_get_in) {
  constexpr double kTwoHours = 7'200;
  hub().set_clock(kTwoHours);
  for (int round = 0; round < 10; ++round) EXPECT_EQ(attempt(token_).text(), "closed without CONNACK");
  old_.reset();
  // With nobody there it may connect, and hears 401.
  ASSERT_TRUE(wait_until([this] { return attempt(token_).seen == Seen::kAccepted; }));
  next_->send(subscribe_packet(kFilter, 1));
  next_->send(publish_packet(kRegister, "{}", 1, false, 2));
  std::optional<Packet> packet;
  do {
    packet = next_->read(kLongMs);
  } while (packet && kind_of(*packet) != kPublish);
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(topic_of(*packet).substr(0, 28), "$dps/registrations/res/401/?");
  hub().set_clock(0);
}

}  // namespace
}  // namespace latchkey::tests
