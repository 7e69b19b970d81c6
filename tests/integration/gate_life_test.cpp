// SPDX-License-Identifier: Apache-2.0
// The gate in a real Mosquitto, hub endpoint: it goes on without a hub process, over a reload and many reconnects, and
// ends cleanly.
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/integration/gate_hub_world.h"

namespace latchkey::tests {
namespace {

using hub::wire::AnchorAdded;
using registry::Reason;

INSTANTIATE_TEST_SUITE_P(Tls, HubGateLive, ::testing::Values(0));

TEST_P(HubGateLive, decisions_go_on_without_a_hub_process_and_the_next_one_is_told_who_lives) {
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity old = leaf("dev-1", 1, 9);
  feed();
  hub.leave();
  Probe probe(broker.port(), &dev1);
  EXPECT_EQ(probe.connect(device("dev-1")), 0);
  EXPECT_EQ(try_connect(old, device("dev-1")), 5);
  EXPECT_TRUE(probe.publish("devices/dev-1/messages/events/", "lost"));

  HubSide second(broker.socket(), "second");
  second.snapshot({AnchorAdded{kIssuing, issuing.der()}, record("dev-1", 1, 10)});
  const auto opened = second.next_opened();
  EXPECT_TRUE(opened.resent);
  EXPECT_EQ(opened.client_id, "dev-1");
  EXPECT_TRUE(probe.publish("devices/dev-1/messages/events/", "seen"));
  const auto request = second.next_request();
  EXPECT_EQ(request.connection, opened.connection);
  EXPECT_EQ(request.payload, "seen");
  EXPECT_EQ(second.next_decision().reason, Reason::kNone);
  EXPECT_EQ(second.next_decision().reason, Reason::kIdentifierMismatch);
}

TEST_P(HubGateLive, sighup_keeps_sessions_and_makes_no_decisions) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  const Identity dev2 = leaf("dev-2", 2, 20);
  ConnectWish kept = device("dev-2");
  kept.clean = false;
  {
    Probe stored(broker.port(), &dev2);
    ASSERT_EQ(stored.connect(kept), 0);
    stored.disconnect();
  }
  Probe probe(broker.port(), &dev1);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);
  hub.next_decision();
  hub.next_decision();
  const std::uint64_t before = hub.totals().counts[0];
  broker.reload();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(probe.alive());
    hub.settle();
  }
  EXPECT_EQ(try_connect(leaf("dev-1", 1, 9), device("dev-1")), 5);  // judged as ever
  EXPECT_EQ(hub.next_decision().reason, Reason::kIdentifierMismatch);
  EXPECT_EQ(hub.totals().counts[0], before);
  EXPECT_TRUE(probe.alive());
  Probe again(broker.port(), &dev2);
  EXPECT_EQ(again.connect(kept), 0);
}

TEST_P(HubGateLive, a_hundred_reconnects_leave_nothing_behind) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  const auto cycle = [&](int count) {
    for (int i = 0; i < count; ++i) {
      Probe probe(broker.port(), &dev1);
      ASSERT_EQ(probe.connect(device("dev-1")), 0);
      ASSERT_EQ(probe.subscribe("devices/dev-1/messages/devicebound/#"), 1);
      probe.drop();
      hub.next_opened();
      hub.next_closed();
    }
  };
  cycle(100);
  const std::uint64_t before = broker.resident();
  cycle(100);
  hub.settle();
  EXPECT_LT(broker.resident(), before + 1'000'000);
  EXPECT_EQ(hub.waiting_opened(), 0u);
}

TEST_P(HubGateLive, the_broker_ends_cleanly_with_sessions_open) {
  feed();
  const Identity dev1 = leaf("dev-1", 1, 10);
  Probe probe(broker.port(), &dev1);
  ASSERT_EQ(probe.connect(device("dev-1")), 0);
  Probe half(broker.port(), &dev1);  // TLS is up, CONNECT never came
  EXPECT_EQ(broker.stop(), 0);
}

TEST(GateOptions, a_broker_with_a_wrong_option_does_not_start) {
  EXPECT_THROW(Broker("hub", {"plugin_opt_max_unverified none"}), std::runtime_error);
  EXPECT_THROW(Broker("elsewhere"), std::runtime_error);
}

}  // namespace
}  // namespace latchkey::tests
