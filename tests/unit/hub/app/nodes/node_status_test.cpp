// SPDX-License-Identifier: Apache-2.0
#include "hub/app/nodes/node_status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "registry/cluster/rows.h"

namespace latchkey::hub::app {
namespace {

using nlohmann::json;
using registry::cluster::Node;
using registry::cluster::NodeState;

class NodeStatusTest : public testing::Test {
 protected:
  NodeStatusTest() {
    seen.name = "a";
    seen.now_ms = 10'000;
    seen.state.lease_end_ms = 12'500;
    seen.state.nodes = {node("a", NodeState::kLive), node("b", NodeState::kLive), node("c", NodeState::kLost)};
    seen.state.nodes[0].cut = 42;
    seen.state.nodes[1].cut = 40;
    seen.state.nodes[1].sessions = 7;
    seen.state.duty = registry::cluster::mark_of("b", seen.state.nodes[1].incarnation);
    request.path = "/status";
  }
  static Node node(const std::string& name, NodeState state) {
    Node one;
    one.name = name;
    one.incarnation.bytes.fill(static_cast<std::uint8_t>(name[0]));
    one.state = state;
    one.lease_ms = 8'000;
    one.address = "192.0.2.1:8883";
    return one;
  }
  management::Response handled() {
    return NodeStatus([this] { return seen; }).handle(request, [this](const management::Request&) { return answer; });
  }

  NodeStatus::Seen seen;
  management::Request request;
  management::Response answer{200, R"({"version":"1","newestSequence":42})"};
};

TEST_F(NodeStatusTest, all_nodes_are_shown_as_they_were_seen) {
  const auto body = json::parse(handled().body);
  EXPECT_EQ(body.at("version"), "1");
  const auto& nodes = body.at("nodes");
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_EQ(nodes[0], (json{{"name", "a"},
                            {"state", "live"},
                            {"self", true},
                            {"onDuty", false},
                            {"address", "192.0.2.1:8883"},
                            {"version", ""},
                            {"leaseMs", 8'000},
                            {"leaseLeftMs", 2'500},
                            {"sessions", 0},
                            {"behind", 0}}));
  EXPECT_EQ(nodes[1].at("behind"), 2);
  EXPECT_EQ(nodes[1].at("sessions"), 7);
  EXPECT_EQ(nodes[1].at("onDuty"), true);
  EXPECT_FALSE(nodes[1].contains("leaseLeftMs")) << "nobody knows another one's";
}

TEST_F(NodeStatusTest, one_that_is_lost_has_neither_sessions_nor_duties) {
  seen.state.duty = registry::cluster::mark_of("c", seen.state.nodes[2].incarnation);
  const auto lost = json::parse(handled().body).at("nodes")[2];
  EXPECT_EQ(lost.at("state"), "lost");
  EXPECT_EQ(lost.at("onDuty"), false);
  EXPECT_TRUE(lost.at("sessions").is_null());
  EXPECT_TRUE(lost.at("behind").is_null());
}

TEST_F(NodeStatusTest, lease_that_has_ended_has_nothing_left) {
  seen.now_ms = 20'000;
  EXPECT_EQ(json::parse(handled().body).at("nodes")[0].at("leaseLeftMs"), 0);
}

TEST_F(NodeStatusTest, drain_is_told_in_two_words) {
  Node one = node("a", NodeState::kLive);
  one.draining = true;
  EXPECT_EQ(state_text(one), "draining");
  one.drained = true;
  EXPECT_EQ(state_text(one), "drained");
  one.draining = false;
  EXPECT_EQ(state_text(one), "live") << "it was taken back";
  EXPECT_EQ(state_text(node("a", NodeState::kLeft)), "left");
}

TEST_F(NodeStatusTest, refusal_stays_as_it_is) {
  answer = {403, R"({"error":{"code":"Forbidden"}})"};
  EXPECT_EQ(handled().body, answer.body);
}

TEST_F(NodeStatusTest, nothing_else_is_touched) {
  request.path = "/statusOfSomethingElse";
  EXPECT_EQ(handled().body, answer.body);
  request.path = "/status";
  request.method = management::Method::kPost;
  EXPECT_EQ(handled().body, answer.body);
}

}  // namespace
}  // namespace latchkey::hub::app
