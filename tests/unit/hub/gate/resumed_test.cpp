// SPDX-License-Identifier: Apache-2.0
// What the hub process hears of subscriptions, of messages that the broker has, and of those that a session which goes
// on had not acknowledged.
#include <gmock/gmock.h>

#include "tests/unit/hub/gate/gate_world.h"

namespace latchkey::hub::gate {
namespace {

using test::record;
using Access = Gate::Access;
using Topics = std::vector<std::string>;

constexpr const char* kFilter = "devices/dev-1/messages/devicebound/#";
const std::string kBound = "devices/dev-1/messages/devicebound/";
constexpr std::uint64_t kHourMs = 3'600'000;

class ResumedTest : public testing::Test, public test::World {
 protected:
  ResumedTest() : World(test::options_for(Endpoint::kHub)) {
    connect_hub();
    snapshot({record("dev-1", 1)});
    opened();
  }
  void come(bool clean) {
    const Leaf good = leaf("dev-1", 1);
    EXPECT_EQ(connect("dev-1", &good, "", 4, clean), Gate::Answer::kAccept);
  }
  ClientHandle device() { return live["dev-1"]; }
  // What the broker asks when a kept session goes on: each message that it would send again.
  std::vector<Access> broker_asks(const Topics& topics) {
    std::vector<Access> answers;
    for (const auto& topic : topics) answers.push_back(gate.may_read(device(), topic));
    return answers;
  }
  void leave() {
    gate.on_disconnect(device());
    live.erase("dev-1");
  }
};

TEST_F(ResumedTest, first_session_of_a_device_resumes_nothing) {
  come(false);
  const auto told = opened();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].kept);
  EXPECT_FALSE(told[0].resumes);
  EXPECT_TRUE(told[0].filters.empty());
  EXPECT_TRUE(resumed().empty());
}

TEST_F(ResumedTest, clean_session_resumes_nothing) {
  come(false);
  gate.may_subscribe(device(), kFilter, 1);
  leave();
  opened();
  come(true);
  const auto told = opened();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_FALSE(told[0].kept || told[0].resumes);
  EXPECT_TRUE(told[0].filters.empty());
  leave();
  come(false);
  EXPECT_FALSE(opened().at(0).resumes) << "the clean one ended what was kept";
  EXPECT_TRUE(resumed().empty());
}

TEST_F(ResumedTest, kept_session_tells_its_filters_and_what_was_not_acknowledged) {
  come(false);
  gate.may_subscribe(device(), kFilter, 1);
  gate.may_subscribe(device(), "$iothub/methods/POST/#", 0);
  leave();
  opened();
  come(false);
  EXPECT_EQ(broker_asks({kBound + "a=1", "$iothub/twin/res/200/?$rid=1", kBound + "a=1", kBound}),
            (std::vector<Access>{Access::kDeny, Access::kAllow, Access::kDeny, Access::kDeny}))
      << "the hub process sends messages again, the broker answers";
  const auto told = opened();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].resumes);
  EXPECT_EQ(told[0].filters, (Topics{kFilter, "$iothub/methods/POST/#"}));
  const auto left = resumed();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].connection, told[0].connection);
  EXPECT_EQ(left[0].unacknowledged, (Topics{kBound + "a=1", kBound + "a=1", kBound}));
  EXPECT_TRUE(resumed().empty()) << "once";
}

TEST_F(ResumedTest, session_in_which_all_was_acknowledged_says_so) {
  come(false);
  leave();
  come(false);
  const auto left = resumed();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_TRUE(left[0].unacknowledged.empty());
}

TEST_F(ResumedTest, take_over_of_a_kept_session_resumes_it) {
  come(false);
  opened();
  come(false);  // the broker ends the older connection in between
  broker_asks({kBound + "m"});
  EXPECT_TRUE(opened().at(0).resumes);
  const auto left = resumed();
  ASSERT_EQ(left.size(), 1u) << "the older one has nothing more to say";
  EXPECT_EQ(left[0].unacknowledged, Topics{kBound + "m"});
}

TEST_F(ResumedTest, what_the_hub_process_was_not_told_goes_over_to_the_next_session) {
  come(false);
  leave();
  gate.on_tick();
  gate.on_disconnect(&hub_handle);
  come(false);
  broker_asks({kBound + "first"});
  leave();
  come(false);
  broker_asks({kBound + "second"});
  come(false);
  connect_hub();
  snapshot({record("dev-1", 1)});
  EXPECT_TRUE(opened().back().resumes);
  const auto left = resumed();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].unacknowledged, (Topics{kBound + "first", kBound + "second"}));
}

TEST_F(ResumedTest, session_that_the_broker_may_have_forgotten_counts_as_new) {
  come(false);
  gate.may_subscribe(device(), kFilter, 1);
  leave();
  host.boot += 23 * kHourMs;
  come(false);
  EXPECT_EQ(broker_asks({kBound}), std::vector<Access>{Access::kAllow}) << "then the broker sends it again";
  EXPECT_FALSE(opened().at(0).resumes);
  EXPECT_TRUE(resumed().empty());
}

TEST_F(ResumedTest, session_of_another_device_is_not_read) {
  come(false);
  leave();
  come(false);
  EXPECT_EQ(gate.may_read(device(), "devices/dev-2/messages/devicebound/x"), Access::kDeny);
  EXPECT_TRUE(resumed().at(0).unacknowledged.empty());
}

TEST_F(ResumedTest, new_hub_process_is_told_what_a_connection_has_subscribed_to) {
  come(true);
  gate.may_subscribe(device(), kFilter, 1);
  gate.on_disconnect(&hub_handle);
  connect_hub();
  snapshot({record("dev-1", 1)});
  std::vector<wire::Opened> told = opened();
  std::erase_if(told, [](const wire::Opened& one) { return !one.resent; });
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].filters, Topics{kFilter});
}

TEST_F(ResumedTest, unsubscribing_is_told) {
  come(true);
  gate.may_subscribe(device(), kFilter, 1);
  gate.on_unsubscribe(device(), kFilter);
  const auto told = subscribed();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_FALSE(told[0].ended);
  EXPECT_TRUE(told[1].ended);
  EXPECT_EQ(told[1].filter, kFilter);
}

// --- what the broker has

TEST_F(ResumedTest, delivered_says_what_the_broker_has) {
  come(true);
  const auto connection = opened().at(0).connection;
  gate.may_subscribe(device(), kFilter, 1);
  deliver(connection, kBound + "a", 1, 7);
  deliver(connection, kBound + "b", 1, 8);
  deliver(connection, kBound + "c");  // nobody asked about that one
  const auto answers = delivered();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].connection, connection);
  EXPECT_EQ(answers[0].tags, (std::vector<std::uint64_t>{7, 8}));
  EXPECT_EQ(to_device("dev-1").size(), 3u);
}

TEST_F(ResumedTest, message_that_nobody_subscribed_to_is_not_delivered) {
  come(true);
  const auto connection = opened().at(0).connection;
  deliver(connection, kBound, 1, 7);
  EXPECT_TRUE(delivered().empty());
  EXPECT_TRUE(to_device("dev-1").empty());
}

TEST_F(ResumedTest, message_for_a_connection_that_went_is_not_delivered) {
  come(true);
  const auto connection = opened().at(0).connection;
  gate.may_subscribe(device(), kFilter, 1);
  deliver(connection, kBound, 1, 7);
  leave();  // before the broker was given it
  deliver(connection, kBound, 1, 8);
  EXPECT_TRUE(delivered().empty());
}

}  // namespace
}  // namespace latchkey::hub::gate
