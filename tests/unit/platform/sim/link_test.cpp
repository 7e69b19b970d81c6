// SPDX-License-Identifier: Apache-2.0
#include "platform/sim/link.h"

#include <gtest/gtest.h>

#include "platform/sim/clock.h"
#include "platform/sim/entropy.h"

namespace latchkey::sim {
namespace {

struct Recorder final : ports::MqttLinkEvents {
  void on_connected(bool present) override { said += present ? "up! " : "up "; }
  void on_ended(ports::LinkFailure why, int detail) override {
    said += "end" + std::to_string(static_cast<int>(why)) + "/" + std::to_string(detail) + " ";
  }
  void on_subscribed(bool granted) override { said += granted ? "granted " : "denied "; }
  void on_published() override { said += "acked "; }
  void on_message(std::string_view topic, ByteView payload) override {
    said += std::string(topic) + "=" + std::string(payload.text()) + " ";
  }
  std::string said;
};

class ScriptedLinkTest : public testing::Test {
 protected:
  ScriptedLinkTest() { link_.set_events(&events_); }
  Result<void> connect() {
    ports::LinkRequest request;
    request.host = "hub.example";
    request.client_id = "pump-17";
    request.identity = ports::LinkIdentity::kSlotB;
    return link_.connect(request);
  }
  Recorder events_;
  ScriptedLink link_;
};

TEST_F(ScriptedLinkTest, writes_down_what_it_was_asked) {
  {
    const std::string host = "hub.example";
    ports::LinkRequest request;
    request.host = host;
    ASSERT_TRUE(link_.connect(request));
  }
  ASSERT_TRUE(link_.accept());
  ASSERT_TRUE(link_.subscribe("a/#", 1));
  ASSERT_TRUE(link_.publish("a/b", ByteView(std::string("x")), 1));
  ASSERT_EQ(link_.connects.size(), 1u);
  EXPECT_EQ(link_.connects[0].host, "hub.example");
  EXPECT_EQ(link_.subscribes.at(0).filter, "a/#");
  EXPECT_EQ(link_.publishes.at(0).payload, "x");
}

TEST_F(ScriptedLinkTest, plays_a_session) {
  ASSERT_TRUE(connect());
  ASSERT_TRUE(link_.accept(true));
  ASSERT_TRUE(link_.subscribe("a", 1));
  ASSERT_TRUE(link_.grant());
  ASSERT_TRUE(link_.publish("a", {}, 1));
  ASSERT_TRUE(link_.acknowledge());
  ASSERT_TRUE(link_.deliver("a", std::string_view("hello")));
  link_.disconnect();
  ASSERT_TRUE(link_.finish_disconnect());
  EXPECT_EQ(events_.said, "up! granted acked a=hello end5/0 ");
}

TEST_F(ScriptedLinkTest, obeys_the_physics) {
  EXPECT_FALSE(link_.accept());
  EXPECT_FALSE(link_.end(ports::LinkFailure::kLost));
  EXPECT_FALSE(link_.deliver("a", std::string_view("b")));
  EXPECT_EQ(link_.publish("a", {}, 1).error(), Status::kNotReady);
  ASSERT_TRUE(connect());
  EXPECT_EQ(connect().error(), Status::kBusy);
  EXPECT_EQ(link_.subscribe("a", 1).error(), Status::kNotReady);
  ASSERT_TRUE(link_.accept());
  EXPECT_FALSE(link_.accept());
  EXPECT_FALSE(link_.refuse(5)) << "a CONNACK comes once";
  EXPECT_FALSE(link_.grant());
  ASSERT_TRUE(link_.publish("a", {}, 0));
  EXPECT_FALSE(link_.acknowledge()) << "QoS 0 is not acknowledged";
  EXPECT_FALSE(link_.finish_disconnect());
  EXPECT_EQ(events_.said, "up ");
}

TEST_F(ScriptedLinkTest, forgets_what_was_open_when_the_session_ends) {
  ASSERT_TRUE(connect());
  ASSERT_TRUE(link_.accept());
  ASSERT_TRUE(link_.subscribe("a", 1));
  ASSERT_TRUE(link_.publish("a", {}, 1));
  ASSERT_TRUE(link_.end(ports::LinkFailure::kLost));
  ASSERT_TRUE(connect());
  ASSERT_TRUE(link_.accept());
  EXPECT_FALSE(link_.grant());
  EXPECT_FALSE(link_.acknowledge());
}

TEST_F(ScriptedLinkTest, refuses_and_fails_as_it_is_told) {
  ASSERT_TRUE(connect());
  ASSERT_TRUE(link_.refuse(5));
  link_.set_connect_status(Status::kInternal);
  EXPECT_EQ(connect().error(), Status::kInternal);
  link_.set_connect_status(Status::kOk);
  EXPECT_TRUE(connect());
  EXPECT_EQ(events_.said, "end4/5 ");
}

TEST(SimClockTest, wall_clock_moves_without_the_monotonic_one) {
  SimClock clock(1'000);
  clock.advance(500);
  EXPECT_EQ(clock.now(), 1'500);
  EXPECT_EQ(clock.monotonic(), 500u);
  clock.set_wall(10);
  EXPECT_EQ(clock.now(), 10);
  EXPECT_EQ(clock.monotonic(), 500u);
  clock.lose_wall(3);
  EXPECT_FALSE(clock.is_set());
  clock.set_wall(20);
  EXPECT_TRUE(clock.is_set());
}

TEST(SeededEntropyTest, same_seed_same_numbers_other_seed_others) {
  SeededEntropy one(7), same(7), other(8);
  int equal = 0;
  for (int i = 0; i < 100; ++i) {
    const auto value = one.next();
    EXPECT_EQ(value, same.next());
    equal += value == other.next();
  }
  EXPECT_LT(equal, 3);
}

}  // namespace
}  // namespace latchkey::sim
