// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints.h"

#include <gtest/gtest.h>

namespace latchkey::hub::app {
namespace {

using registry::Reason;

TEST(ParseAddress, takes_host_and_port_and_defaults_to_8883) {
  const auto plain = parse_address("127.0.0.1");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 8883);
  const auto with_port = parse_address("127.0.0.2:1234");
  ASSERT_TRUE(with_port);
  EXPECT_EQ(with_port->port, 1234);
  const auto v6 = parse_address("[::1]:0");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 0);
}

TEST(ParseAddress, refuses_what_is_no_numeric_address_and_names_it) {
  for (const std::string text :
       {"", "localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80 ", "[::1",
        "::1:80x", "[::1]80", "[::1]:", "256.0.0.1", "127.0.0.1:8883:1"}) {
    const auto parsed = parse_address(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().reason, Reason::kInvalidArgument) << text;
    EXPECT_FALSE(parsed.error().detail.empty());
  }
}

TEST(ChoosePort, keeps_a_port_that_was_given_and_finds_a_free_one_for_zero) {
  EXPECT_EQ(choose_port({"127.0.0.1", 4711})->port, 4711);
  const auto chosen = choose_port({"127.0.0.1", 0});
  ASSERT_TRUE(chosen);
  EXPECT_GT(chosen->port, 0);
}

TEST(Address, is_loopback_when_nobody_elsewhere_reaches_it) {
  for (const auto* host : {"127.0.0.1", "127.9.9.9", "::1"}) EXPECT_TRUE(is_loopback({host, 1})) << host;
  for (const auto* host : {"0.0.0.0", "::", "10.0.0.1", "192.0.2.127"}) EXPECT_FALSE(is_loopback({host, 1})) << host;
}

TEST(Address, tells_devices_the_port_only_where_it_is_unusual) {
  EXPECT_EQ((Address{"127.0.0.2", 8883}).device_text(), "127.0.0.2");
  EXPECT_EQ((Address{"127.0.0.2", 1883}).device_text(), "127.0.0.2:1883");
}

}  // namespace
}  // namespace latchkey::hub::app
