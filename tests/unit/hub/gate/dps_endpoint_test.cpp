// SPDX-License-Identifier: Apache-2.0
// The gate of the DPS endpoint over a broker on paper. What only a real broker can show is in tests/integration/gate_*.
#include "hub/gate/gate.h"

#include <gtest/gtest.h>

#include "tests/unit/hub/gate/gate_world.h"

namespace latchkey::hub::gate {
namespace {

using registry::Reason;
using Answer = Gate::Answer;
using Access = Gate::Access;

constexpr const char* kResponses = "$dps/registrations/res/#";
constexpr const char* kRegister = "$dps/registrations/PUT/iotdps-register/?$rid=1";

class DpsEndpoint : public ::testing::Test, public test::World {
 protected:
  DpsEndpoint() : World(test::options_for(Endpoint::kDps)) {
    connect_hub();
    snapshot({});
  }
  wire::ConnectionId admitted(const std::string& id, const std::string& token, bool verified) {
    EXPECT_EQ(connect(id, nullptr, token), Answer::kAccept);
    const auto told = opened();
    EXPECT_EQ(told.size(), 1u);
    attest(told.at(0).connection, verified);
    return told.at(0).connection;
  }
};

TEST_F(DpsEndpoint, an_approval_is_good_once_and_for_thirty_seconds) {
  admitted("dev-1", "one", true);
  EXPECT_EQ(connect("dev-1", nullptr, "two"), Answer::kClose);
  attest(opened().at(0).connection, true);
  host.boot += 30'000;
  EXPECT_EQ(connect("dev-1", nullptr, "two"), Answer::kClose);  // too late
  attest(opened().at(0).connection, true);
  EXPECT_EQ(connect("dev-1", nullptr, "two"), Answer::kAccept);
  attest(opened().at(0).connection, true);
  EXPECT_EQ(connect("dev-1", nullptr, "two"), Answer::kClose);  // used up
}

TEST_F(DpsEndpoint, an_approval_is_for_one_id) {
  admitted("dev-1", "one", true);
  admitted("dev-2", "one", true);
  EXPECT_EQ(connect("dev-1", nullptr, "two"), Answer::kClose);
  attest(opened().at(0).connection, true);
  EXPECT_EQ(connect("dev-2", nullptr, "two"), Answer::kClose);
}

TEST_F(DpsEndpoint, attempts_of_one_peer_are_bounded) {
  admitted("dev-1", "one", true);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(connect("dev-1", nullptr, "bad " + std::to_string(i)), Answer::kClose);
  EXPECT_EQ(opened().size(), Options{}.max_attempts_per_peer);
  EXPECT_EQ(connect("dev-1", nullptr, "good", 4, true, "192.0.2.7"), Answer::kClose);
  EXPECT_EQ(opened().size(), 1u);
}

TEST_F(DpsEndpoint, a_verdict_may_be_taken_back) {
  const auto connection = admitted("dev-1", "one", true);
  host.boot += 20'000;
  gate.on_tick();
  EXPECT_TRUE(host.kicked.empty());
  attest(connection, false);
  host.boot += 9'999;
  gate.on_tick();
  EXPECT_TRUE(host.kicked.empty());
  host.boot += 1;
  gate.on_tick();
  EXPECT_EQ(host.kicked.size(), 1u);
}

TEST_F(DpsEndpoint, nobody_waits_longer_than_the_deadline) {
  ASSERT_EQ(connect("dev-1", nullptr, "t"), Answer::kAccept);
  host.boot += 5'000;
  ASSERT_EQ(connect("dev-2", nullptr, "t"), Answer::kAccept);
  host.boot += 5'000;
  gate.on_tick();
  EXPECT_EQ(host.kicked, (std::vector<std::string>{"dev-1"}));
}

TEST_F(DpsEndpoint, one_peer_cannot_take_all_places) {
  Options options = test::options_for(Endpoint::kDps);
  options.max_unverified_per_peer = 64;
  test::World world(options);
  world.connect_hub();
  world.snapshot({});
  for (std::size_t i = 0; i < options.max_unverified_per_peer; ++i) {
    ASSERT_EQ(world.connect("d" + std::to_string(i), nullptr, "t"), Answer::kAccept);
  }
  EXPECT_EQ(world.connect("late", nullptr, "t"), Answer::kClose);
  EXPECT_EQ(world.decisions().back().reason, Reason::kTooManyConnections);
  EXPECT_EQ(world.connect("late", nullptr, "t", 4, true, "192.0.2.7"), Answer::kAccept);
}

TEST_F(DpsEndpoint, a_failed_one_goes_for_its_own_peers_newcomer_first) {
  ASSERT_EQ(connect("a", nullptr, "t", 4, true, "192.0.2.1"), Answer::kAccept);
  attest(opened().at(0).connection, false);
  for (std::size_t i = 0; i < Options{}.max_unverified_per_peer; ++i) {
    ASSERT_EQ(connect("d" + std::to_string(i), nullptr, "t"), Answer::kAccept);
    if (i == 5) attest(opened().back().connection, false);
  }
  EXPECT_EQ(connect("late", nullptr, "t"), Answer::kAccept);
  EXPECT_EQ(host.kicked, (std::vector<std::string>{"d5"}));
}

TEST_F(DpsEndpoint, persistent_sessions_of_strangers_are_bounded) {
  Options options = test::options_for(Endpoint::kDps);
  options.max_kept_sessions = 2;
  test::World world(options);
  world.connect_hub();
  world.snapshot({});
  for (const char* id : {"a", "b"}) {
    ASSERT_EQ(world.connect(id, nullptr, "t", 4, false), Answer::kAccept);
    world.gate.on_disconnect(world.live[id]);
    world.live.erase(id);
  }
  EXPECT_EQ(world.connect("c", nullptr, "t", 4, false), Answer::kClose);
  EXPECT_EQ(world.connect("c", nullptr, "t", 4, true), Answer::kAccept);
  EXPECT_EQ(world.connect("a", nullptr, "t", 4, false), Answer::kAccept);  // one that is kept already
  world.host.boot += 3'600'000;
  EXPECT_EQ(world.connect("d", nullptr, "t", 4, false), Answer::kAccept);
}

TEST_F(DpsEndpoint, requests_in_flight_are_bounded_in_all) {
  Options options = test::options_for(Endpoint::kDps);
  options.max_outstanding = 3;
  test::World world(options);
  world.connect_hub();
  world.snapshot({});
  for (const char* id : {"a", "b"}) {
    ASSERT_EQ(world.connect(id, nullptr, "t"), Answer::kAccept);
    ASSERT_EQ(world.gate.may_subscribe(world.live[id], kResponses, 1), Access::kAllow);
  }
  const auto told = world.opened();
  for (int i = 0; i < 2; ++i) EXPECT_NE(world.gate.on_publish(world.live["a"], kRegister, {}, 1), "");
  EXPECT_NE(world.gate.on_publish(world.live["b"], kRegister, {}, 1), "");
  EXPECT_EQ(world.gate.on_publish(world.live["b"], kRegister, {}, 1), "");
  EXPECT_EQ(world.to_device("b").at(0).topic, "$dps/registrations/res/429/?$rid=1&retry-after=5");
  world.deliver(told[0].connection, "$dps/registrations/res/200/?$rid=1");
  EXPECT_NE(world.gate.on_publish(world.live["b"], kRegister, {}, 1), "");
  EXPECT_EQ(world.gate.on_publish(world.live["b"], kRegister, {}, 1), "");
  world.gate.on_disconnect(world.live["a"]);  // its last one goes with it
  EXPECT_NE(world.gate.on_publish(world.live["b"], kRegister, {}, 1), "");
}

TEST_F(DpsEndpoint, a_token_is_forgotten_when_it_is_judged) {
  const auto connection = admitted("dev-1", "secret", true);
  gate.on_disconnect(&hub_handle);
  connect_hub();
  snapshot({});
  const auto told = opened();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].connection, connection);
  EXPECT_TRUE(told[0].verified);
  EXPECT_TRUE(told[0].password.empty());
  for (const auto& line : host.logged) EXPECT_EQ(line.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::hub::gate
