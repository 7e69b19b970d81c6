// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/endpoints.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <set>
#include <vector>

#include "hub/http/server.h"

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

// Of a thousand of 16,384 at random, some would be the same.
TEST(ChoosePort, gives_a_port_to_one_at_a_time) {
  std::vector<Address> all;
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 1000; ++i) {
    all.push_back(*choose_port({"127.0.0.1", 0}));
    ports.insert(all.back().port);
  }
  EXPECT_EQ(ports.size(), all.size());
}

TEST(ChoosePort, port_is_for_whoever_listens_there_and_again_after_that) {
  auto chosen = *choose_port({"127.0.0.1", 0});
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(is_free(chosen)) << "for the broker of whoever chose it";
    auto server = http::Server::listen_tcp(chosen.host, chosen.port, {}, {});
    ASSERT_TRUE(server);
    EXPECT_FALSE(is_free(chosen));
    EXPECT_FALSE(reserve(chosen));
    (*server)->stop();
  }
}

TEST(ChoosePort, reserved_port_is_in_nobodys_way_once_the_address_is_gone) {
  const auto bind_alone = [](const Address& address) {
    sockaddr_in wanted{};
    wanted.sin_family = AF_INET;
    wanted.sin_port = htons(address.port);
    wanted.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const files::Descriptor own(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::bind(own.get(), reinterpret_cast<const sockaddr*>(&wanted), sizeof wanted) == 0;
  };
  for (const bool again : {false, true}) {
    auto chosen = *choose_port({"127.0.0.1", 0});
    if (again) {
      chosen.reserved = nullptr;
      chosen = *reserve(chosen);
    }
    auto copy = chosen;
    chosen.reserved = nullptr;
    EXPECT_FALSE(bind_alone(copy)) << "a copy lives";
    copy.reserved = nullptr;
    EXPECT_TRUE(bind_alone(copy));
  }
}

TEST(ChoosePort, refuses_an_address_that_is_not_this_machines) {
  const auto refused = choose_port({"192.0.2.1", 0});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kInvalidArgument);
  EXPECT_EQ(refused.error().detail.find("no free port at 192.0.2.1:0: "), 0U) << refused.error().detail;
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
