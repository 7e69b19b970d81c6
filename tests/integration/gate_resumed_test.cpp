// SPDX-License-Identifier: Apache-2.0
// What a real broker lets its gate know of acknowledgements: nothing until a kept session goes on, and then all.
#include "tests/integration/gate_hub_world.h"

namespace latchkey::tests {
namespace {

using hub::wire::Deliver;
using Topics = std::vector<std::string>;

const std::string kBound = "devices/dev-1/messages/devicebound/";

class GateResumed : public HubGate {
 protected:
  GateResumed() : dev1_(leaf("dev-1", 1, 10)) {
    wish_ = device("dev-1");
    wish_.clean = false;
  }
  std::unique_ptr<Probe> come() {
    auto probe = std::make_unique<Probe>(broker.port(), &dev1_);
    EXPECT_EQ(probe->connect(wish_), 0);
    opened_ = hub.next_opened();
    return probe;
  }
  void deliver(const std::string& bag, std::uint64_t tag) {
    hub.send(Deliver{opened_.connection, kBound + bag, {'x'}, 1, tag});
  }

  const Identity dev1_;
  ConnectWish wish_;
  hub::wire::Opened opened_;
};

TEST_P(GateResumed, acknowledged_messages_are_told_from_others_when_a_kept_session_goes_on) {
  feed();
  {
    auto probe = come();
    EXPECT_TRUE(opened_.kept);
    EXPECT_FALSE(opened_.resumes);
    ASSERT_EQ(probe->subscribe(kBound + "#"), 1);
    deliver("had=1", 1);
    EXPECT_EQ(probe->receive().topic, kBound + "had=1");  // and acknowledged
    EXPECT_TRUE(probe->alive());
    EXPECT_EQ(hub.next_delivered().tags, std::vector<std::uint64_t>{1});
    deliver("lost=1", 2);
    EXPECT_EQ(hub.next_delivered().tags, std::vector<std::uint64_t>{2});
    probe->drop();
  }
  hub.next_closed();
  {
    auto probe = come();
    EXPECT_TRUE(probe->session_present());
    EXPECT_TRUE(opened_.resumes);
    EXPECT_EQ(opened_.filters, Topics{kBound + "#"});
    const auto resumed = hub.next_resumed();
    EXPECT_EQ(resumed.connection, opened_.connection);
    EXPECT_EQ(resumed.unacknowledged, Topics{kBound + "lost=1"});
    EXPECT_TRUE(probe->alive());
    EXPECT_EQ(probe->waiting(), 0u) << "the hub process sends it again, not the broker";
    deliver("lost=1", 3);
    EXPECT_EQ(probe->receive().topic, kBound + "lost=1");
    EXPECT_TRUE(probe->alive());
    probe->disconnect();
  }
  hub.next_closed();
  auto probe = come();
  EXPECT_TRUE(hub.next_resumed().unacknowledged.empty());
}

TEST_P(GateResumed, take_over_of_a_kept_session_tells_as_well) {
  feed();
  auto first = come();
  ASSERT_EQ(first->subscribe(kBound + "#"), 1);
  deliver("a=1", 1);
  deliver("b=2", 2);
  std::size_t told = 0;
  while (told < 2) told += hub.next_delivered().tags.size();
  auto second = come();
  EXPECT_EQ(hub.next_resumed().unacknowledged, (Topics{kBound + "a=1", kBound + "b=2"}));
  EXPECT_TRUE(second->alive());
  EXPECT_EQ(second->waiting(), 0u);
}

TEST_P(GateResumed, other_messages_of_a_kept_session_are_still_the_brokers_to_send_again) {
  feed();
  {
    auto probe = come();
    ASSERT_EQ(probe->subscribe("$iothub/credentials/res/#"), 1);
    hub.send(Deliver{opened_.connection, "$iothub/credentials/res/200/?$rid=abcd", {'x'}, 1});
    hub.settle();
    probe->drop();
  }
  hub.next_closed();
  auto probe = come();
  EXPECT_EQ(probe->receive().topic, "$iothub/credentials/res/200/?$rid=abcd");
}

INSTANTIATE_TEST_SUITE_P(AnyTls, GateResumed, testing::Values(0));

}  // namespace
}  // namespace latchkey::tests
