// SPDX-License-Identifier: Apache-2.0
// Sessions that the hub process ends because their devices have newer ones elsewhere.
#include "tests/unit/hub/gate/gate_world.h"

namespace latchkey::hub::gate::test {
namespace {

using Answer = Gate::Answer;
using Ids = std::vector<std::string>;

class EndTest : public World, public testing::Test {
 protected:
  EndTest() : World(options_for(Endpoint::kHub)) {
    connect_hub();
    snapshot({record("dev-1", 1), record("dev-2", 1)});
  }
  wire::ConnectionId session_of(const std::string& id) {
    Leaf good = leaf(id, 1);
    EXPECT_EQ(connect(id, &good), Answer::kAccept);
    return opened().back().connection;
  }
  void end(wire::ConnectionId connection, const void* by = nullptr) {
    if (by == nullptr) {
      ASSERT_EQ(gate.may_write(&hub_handle, wire::kEndTopic, {}, 1), Gate::Access::kAllow);
    }
    gate.on_control(by == nullptr ? &hub_handle : by, wire::kEndTopic, encode(wire::End{connection}));
  }
};

TEST_F(EndTest, session_is_cut_with_its_will_and_no_other) {
  const auto one = session_of("dev-1");
  session_of("dev-2");
  end(one);
  EXPECT_EQ(host.kicked, Ids{"dev-1"});
  EXPECT_EQ(host.kicked_with_will, Ids{"dev-1"});
  EXPECT_EQ(closed().back(), one);
  EXPECT_EQ(live.count("dev-2"), 1u);
}

TEST_F(EndTest, order_about_a_session_that_has_ended_reaches_nobody) {
  const auto before = session_of("dev-1");
  gate.on_disconnect(live.at("dev-1"));
  live.erase("dev-1");
  session_of("dev-1");
  end(before);
  end(0);
  EXPECT_TRUE(host.kicked.empty());
}

TEST_F(EndTest, order_about_a_session_that_was_taken_over_spares_its_successor) {
  const auto before = session_of("dev-1");
  Leaf good = leaf("dev-1", 1);
  ConnectRequest request;
  request.client = new_client();
  request.client_id = "dev-1";
  request.username = "hub/dev-1/?api-version=2021-04-12";
  request.peer = "127.0.0.1";
  request.protocol_version = 4;
  request.clean = true;
  request.leaf = &good;
  ASSERT_EQ(gate.on_connect(request), Answer::kAccept);  // the older one's disconnect event is still to come
  end(before);
  EXPECT_TRUE(host.kicked.empty());
}

TEST_F(EndTest, condemned_session_leaves_no_will) {
  host.on_kick = {};  // the broker takes its time
  const auto one = session_of("dev-1");
  change({record("dev-1", 2)});
  end(one);
  EXPECT_TRUE(host.kicked_with_will.empty());
}

TEST_F(EndTest, only_the_hub_process_can_order_it) {
  const auto one = session_of("dev-1");
  end(one, live.at("dev-1"));
  gate.on_control(&hub_handle, wire::kEndTopic, wire::Bytes{1, 2, 3});
  EXPECT_TRUE(host.kicked.empty());
}

TEST_F(EndTest, announcement_says_when_the_session_began_also_when_it_is_told_again) {
  host.boot = 5'000;
  Leaf good = leaf("dev-1", 1);
  ASSERT_EQ(connect("dev-1", &good), Answer::kAccept);
  EXPECT_EQ(opened().back().since_ms, 5'000u);
  host.boot = 9'000;
  gate.on_disconnect(&hub_handle);
  connect_hub();
  snapshot({record("dev-1", 1)});
  const auto again = opened();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(again[0].resent);
  EXPECT_EQ(again[0].since_ms, 5'000u);
}

TEST_F(EndTest, address_behind_a_front_is_the_front) {
  EXPECT_EQ(gate.shown_peer("/data/brokers/hub-1/front.sock"), "front");
  EXPECT_EQ(gate.shown_peer(kSocket), kSocket) << "the hub process is known by it";
  EXPECT_EQ(gate.shown_peer("127.0.0.1"), "127.0.0.1");
}

}  // namespace
}  // namespace latchkey::hub::gate::test
