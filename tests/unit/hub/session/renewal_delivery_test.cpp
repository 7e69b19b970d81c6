// SPDX-License-Identifier: Apache-2.0
// A renewal's answer finds its device, on whatever connection that is by then.
#include "tests/unit/hub/session/session_fixture.h"

namespace latchkey::hub::session {
namespace {

class RenewalDeliveryTest : public SessionTest {};

TEST_F(RenewalDeliveryTest, answer_goes_to_the_next_connection_once_it_speaks) {
  const auto old = connect("dev-1");
  const auto held = hold(old, "rid-1", body("dev-1", "slow"));
  sessions->closed(old);
  heard();
  release(*held);
  EXPECT_TRUE(heard().empty());  // nobody is there
  const auto fresh = connect("dev-1");
  auto at_open = heard();  // reaches it only if its session was kept
  telemetry(fresh, "dev-1");
  auto all = heard();
  ASSERT_EQ(statuses(all), std::vector{200});
  EXPECT_EQ(all[0].connection, fresh);
  EXPECT_EQ(all[0].rid, "rid-1");
  EXPECT_EQ(statuses(at_open), std::vector{200});
  telemetry(fresh, "dev-1");
  telemetry(fresh, "dev-1");
  EXPECT_TRUE(heard().empty());
}

TEST_F(RenewalDeliveryTest, answer_goes_out_when_the_device_subscribes_again) {
  const auto connection = connect("dev-1");
  ask(connection, "rid-1", body("dev-1"));
  sessions->subscribed({connection, "devices/dev-1/messages/devicebound/#"});
  EXPECT_TRUE(heard().empty());
  sessions->subscribed({connection, "$iothub/credentials/res/#"});
  EXPECT_EQ(statuses(heard()), std::vector{200});
  telemetry(connection, "dev-1");
  sessions->subscribed({connection, "$iothub/credentials/res/#"});
  EXPECT_TRUE(heard().empty());
}

TEST_F(RenewalDeliveryTest, answer_that_finds_a_newer_connection_is_offered_until_that_one_can_have_it) {
  const auto old = connect("dev-1");
  const auto held = hold(old, "rid-1", body("dev-1", "slow"));
  heard();
  const auto fresh = connect("dev-1");
  release(*held);
  auto all = heard();
  ASSERT_EQ(statuses(all), std::vector{200});
  EXPECT_EQ(all[0].connection, fresh);  // perhaps before it subscribed
  telemetry(fresh, "dev-1");
  EXPECT_EQ(statuses(heard()), std::vector{200});
  telemetry(fresh, "dev-1");
  EXPECT_TRUE(heard().empty());
}

TEST_F(RenewalDeliveryTest, answer_goes_to_its_own_device_only) {
  const auto old = connect("dev-1");
  const auto held = hold(old, "rid-1", body("dev-1", "slow"));
  sessions->closed(old);
  heard();
  release(*held);
  telemetry(connect("dev-2"), "dev-2");
  EXPECT_TRUE(heard().empty());
}

TEST_F(RenewalDeliveryTest, expired_answer_is_not_delivered) {
  const auto old = connect("dev-1");
  const auto held = hold(old, "rid-1", body("dev-1", "slow"));
  sessions->closed(old);
  heard();
  release(*held);
  now += 12 * 3'600'000;
  telemetry(connect("dev-1"), "dev-1");
  EXPECT_TRUE(heard().empty());
}

TEST_F(RenewalDeliveryTest, certificate_of_before_a_revocation_is_not_handed_out) {
  const auto old = connect("dev-1");
  const auto held = hold(old, "rid-1", body("dev-1", "slow"));
  heard();
  registry.must(registry->revoke_device(registry.call(), "default", "dev-1", false));
  sessions->closed(old);
  const auto fresh = connect("dev-1");
  release(*held);
  telemetry(fresh, "dev-1");
  EXPECT_TRUE(heard().empty());
}

}  // namespace
}  // namespace latchkey::hub::session
