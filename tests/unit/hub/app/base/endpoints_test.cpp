// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/endpoints.h"

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

TEST(ParseAdvertised, takes_names_of_balancers_as_well) {
  const auto name = parse_advertised("hub.example.net:8884");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->host, "hub.example.net");
  EXPECT_EQ(name->port, 8884);
  EXPECT_EQ(parse_advertised("hub-1")->device_text(), "hub-1") << "8883 is what devices know";
  EXPECT_EQ(parse_advertised("192.0.2.1:8884")->text(), "192.0.2.1:8884");
  EXPECT_EQ(parse_advertised("[::1]:8884")->host, "::1");
  for (const auto* text : {"", ":8883", "hub.example.net:", "hub.example.net:0", "hub.example.net:65536",
                           "hub.example.net:x", "hub_1:8883", "hub example", "1.2.3.4.5", "mqtts://hub.example.net"}) {
    const auto refused = parse_advertised(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().reason, Reason::kInvalidArgument) << text;
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
