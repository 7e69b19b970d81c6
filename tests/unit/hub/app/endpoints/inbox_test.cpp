// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/inbox.h"

#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

namespace latchkey::hub::app {
namespace {

class InboxTest : public testing::Test {
 protected:
  void hear(const std::string& what) {
    const std::lock_guard lock(mutex_);
    heard_.push_back(what);
  }
  Inbox::Handlers handlers() {
    Inbox::Handlers all;
    all.opened = [this](const wire::Opened& opened) { hear("opened " + opened.client_id); };
    all.closed = [this](wire::ConnectionId connection) { hear("closed " + std::to_string(connection)); };
    all.subscribed = [this](const wire::Subscribed& subscribed) { hear("subscribed " + subscribed.filter); };
    all.resumed = [this](const wire::Resumed& resumed) { hear("resumed " + resumed.unacknowledged.at(0)); };
    all.delivered = [this](const wire::Delivered& told) { hear("delivered " + std::to_string(told.tags.at(0))); };
    all.request = [this](wire::ConnectionId connection, const std::string& topic, const wire::Bytes& payload) {
      hear("request " + std::to_string(connection) + " " + topic + " " + std::string(payload.begin(), payload.end()));
    };
    return all;
  }
  static wire::Opened opened(wire::ConnectionId connection, const std::string& client_id) {
    wire::Opened one;
    one.connection = connection;
    one.client_id = client_id;
    return one;
  }
  static wire::Decisions decided(const std::string& client_id) {
    wire::Decisions decisions;
    wire::Decision decision;
    decision.client_id = client_id;
    decisions.decisions.push_back(decision);
    return decisions;
  }
  // What the handlers heard, in order, once every lane has run empty.
  std::vector<std::string> heard() {
    workers_.stop();
    return heard_;
  }

  DecisionLog decisions_;
  std::mutex mutex_;
  std::vector<std::string> heard_;
  Workers workers_{4};
};

TEST_F(InboxTest, each_message_reaches_its_handler_in_the_order_of_its_connection) {
  Inbox inbox("hub", workers_, decisions_, handlers());
  inbox.receive(wire::kOpenedTopic, wire::encode(opened(7, "dev-1")));
  inbox.receive(wire::kResumedTopic, wire::encode(wire::Resumed{7, {"a topic"}}));
  inbox.receive(wire::kSubscribedTopic, wire::encode(wire::Subscribed{7, "$iothub/#"}));
  inbox.receive(wire::kDeliveredTopic, wire::encode(wire::Delivered{7, {9}}));
  inbox.receive(wire::request_topic(7, "devices/dev-1/messages/events/"), std::string("21.5"));
  inbox.receive(wire::kClosedTopic, wire::encode(wire::Closed{{7}}));
  EXPECT_EQ(heard(), (std::vector<std::string>{"opened dev-1", "resumed a topic", "subscribed $iothub/#", "delivered 9",
                                               "request 7 devices/dev-1/messages/events/ 21.5", "closed 7"}));
}

TEST_F(InboxTest, many_ends_in_one_message_are_one_each) {
  auto sharing = handlers();
  sharing.lane = [](wire::ConnectionId) { return std::uint64_t{1}; };
  Inbox inbox("hub", workers_, decisions_, sharing);
  inbox.receive(wire::kClosedTopic, wire::encode(wire::Closed{{7, 9, 8}}));
  inbox.receive(wire::kClosedTopic, wire::encode(wire::Closed{}));
  EXPECT_EQ(heard(), (std::vector<std::string>{"closed 7", "closed 9", "closed 8"}));
}

TEST_F(InboxTest, decisions_are_kept_under_the_gates_own_name) {
  Inbox dps("dps", workers_, decisions_, handlers());
  Inbox hub("hub-2", workers_, decisions_, handlers());
  dps.receive(wire::kDecisionsTopic, wire::encode(decided("dev-1")));
  hub.receive(wire::kDecisionsTopic, wire::encode(decided("dev-2")));
  const auto found = decisions_.find({});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].endpoint + " " + found[0].decision.client_id, "hub-2 dev-2");
  EXPECT_EQ(found[1].endpoint + " " + found[1].decision.client_id, "dps dev-1");
  EXPECT_TRUE(heard().empty());
}

TEST_F(InboxTest, same_connection_number_at_two_gates_is_two_connections) {
  auto second = handlers();
  second.closed = [this](wire::ConnectionId connection) { hear("second closed " + std::to_string(connection)); };
  Inbox one("hub", workers_, decisions_, handlers());
  Inbox two("hub-2", workers_, decisions_, second);
  two.receive(wire::kClosedTopic, wire::encode(wire::Closed{{7}}));
  EXPECT_EQ(heard(), std::vector<std::string>{"second closed 7"});
}

TEST_F(InboxTest, what_cannot_be_decoded_is_dropped) {
  Inbox inbox("hub", workers_, decisions_, handlers());
  const std::string junk = "\xff not a message";
  for (const auto topic : {wire::kOpenedTopic, wire::kClosedTopic, wire::kSubscribedTopic, wire::kResumedTopic,
                           wire::kDeliveredTopic, wire::kDecisionsTopic}) {
    inbox.receive(topic, junk);
    inbox.receive(topic, ByteView());
  }
  for (const auto* topic : {"latchkey/v1/unheard-of", "devices/dev-1/messages/events/", ""}) inbox.receive(topic, junk);
  EXPECT_TRUE(heard().empty());
  EXPECT_TRUE(decisions_.find({}).empty());
}

TEST_F(InboxTest, connections_can_share_a_lane) {
  std::vector<wire::ConnectionId> asked;
  auto sharing = handlers();
  sharing.lane = [&asked](wire::ConnectionId connection) {
    asked.push_back(connection);
    return std::uint64_t{1};
  };
  Inbox inbox("hub", workers_, decisions_, sharing);
  std::vector<std::string> expected;
  for (wire::ConnectionId connection = 1; connection <= 64; ++connection) {
    inbox.receive(wire::kClosedTopic, wire::encode(wire::Closed{{connection}}));
    expected.push_back("closed " + std::to_string(connection));
  }
  EXPECT_EQ(heard(), expected) << "one lane, one order";
  EXPECT_EQ(asked.size(), 64u);
}

TEST_F(InboxTest, what_nobody_wants_to_hear_is_dropped) {
  Inbox inbox("dps", workers_, decisions_, {});
  inbox.receive(wire::kOpenedTopic, wire::encode(opened(7, "dev-1")));
  inbox.receive(wire::kSubscribedTopic, wire::encode(wire::Subscribed{7, "#"}));
  inbox.receive(wire::request_topic(7, "a/topic"), std::string("x"));
  inbox.receive(wire::kClosedTopic, wire::encode(wire::Closed{{7}}));
  EXPECT_TRUE(heard().empty());
}

}  // namespace
}  // namespace latchkey::hub::app
