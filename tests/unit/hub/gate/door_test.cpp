// SPDX-License-Identifier: Apache-2.0
// When the gate lets the broker take new connections, and the door by which it does, on sockets of the test's own.
#include "hub/gate/door.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hub/wire/hold.h"
#include "tests/unit/hub/gate/gate_world.h"

namespace latchkey::hub::gate {
namespace {

using Answer = Gate::Answer;

SSL* handle(std::uintptr_t number) { return reinterpret_cast<SSL*>(number * 16); }

class DoorOfGate : public testing::Test {
 protected:
  static Options options(Endpoint endpoint) {
    Options made = test::options_for(endpoint);
    made.max_arriving = 3;
    made.max_unjudged = 4;
    return made;
  }
  explicit DoorOfGate(Endpoint endpoint = Endpoint::kDps) : world(options(endpoint)) {
    world.connect_hub();
    world.snapshot({});
  }
  void hold(std::uint32_t for_ms) {
    world.gate.on_control(&world.hub_handle, wire::kHoldTopic, encode(wire::Hold{for_ms}));
  }
  // What the broker was told since the last time it was asked.
  std::vector<bool> told() {
    world.gate.on_tick();
    return std::exchange(world.host.taken_new, {});
  }
  using Told = std::vector<bool>;

  test::World world;
};

TEST_F(DoorOfGate, nothing_is_said_as_long_as_it_is_open) {
  EXPECT_EQ(told(), Told{});
  world.host.boot += 100'000;
  EXPECT_EQ(told(), Told{});
}

TEST_F(DoorOfGate, hold_shuts_it_for_a_while) {
  hold(250);
  EXPECT_EQ(told(), Told{false});
  world.host.boot += 249;
  EXPECT_EQ(told(), Told{});
  world.host.boot += 1;
  EXPECT_EQ(told(), Told{true});
}

TEST_F(DoorOfGate, longest_of_several_holds_counts) {
  hold(500);
  hold(100);
  EXPECT_EQ(told(), Told{false});
  world.host.boot += 400;
  EXPECT_EQ(told(), Told{});
  hold(300);
  world.host.boot += 299;
  EXPECT_EQ(told(), Told{});
  world.host.boot += 1;
  EXPECT_EQ(told(), Told{true});
}

TEST_F(DoorOfGate, no_hold_lasts_long_by_itself) {
  hold(0xffffffff);
  EXPECT_EQ(told(), Told{false});
  world.host.boot += 2'000;
  EXPECT_EQ(told(), Told{true});
}

TEST_F(DoorOfGate, a_device_cannot_shut_it) {
  ASSERT_EQ(world.connect("dev-1", nullptr, "t"), Answer::kAccept);
  EXPECT_NE(world.gate.may_write(world.last_client, wire::kHoldTopic, encode(wire::Hold{1'000}), 1),
            Gate::Access::kAllow);
  world.gate.on_control(world.last_client, wire::kHoldTopic, encode(wire::Hold{1'000}));
  EXPECT_EQ(told(), Told{});
}

TEST_F(DoorOfGate, hold_that_cannot_be_read_is_nothing) {
  world.gate.on_control(&world.hub_handle, wire::kHoldTopic, wire::Bytes{1, 2, 3});
  world.gate.on_control(&world.hub_handle, wire::kHoldTopic, wire::Bytes{});
  EXPECT_EQ(told(), Told{});
}

TEST_F(DoorOfGate, hub_process_that_goes_leaves_no_shut_door) {
  hold(1'000);
  EXPECT_EQ(told(), Told{false});
  world.gate.on_disconnect(&world.hub_handle);
  world.host.boot += 1'000;
  EXPECT_EQ(told(), Told{true});
}

TEST_F(DoorOfGate, handshakes_that_were_begun_are_finished_first) {
  for (std::uintptr_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(world.host.taken_new, Told{});
    world.gate.connection_opened(handle(i));
  }
  EXPECT_EQ(world.host.taken_new, Told{false}) << "at once: the broker takes all who wait in one go";
  EXPECT_EQ(told(), Told{false});
  world.gate.connection_closed(handle(2));
  EXPECT_EQ(told(), Told{true});
}

TEST_F(DoorOfGate, those_who_keep_silent_do_not_shut_it_for_others) {
  for (std::uintptr_t i = 1; i <= 3; ++i) world.gate.connection_opened(handle(i));
  EXPECT_EQ(told(), Told{false});
  world.host.boot += 1'000;
  EXPECT_EQ(told(), Told{true});
}

TEST_F(DoorOfGate, proofs_that_are_not_judged_yet_come_before_new_ones) {
  for (int i = 0; i < 4; ++i) ASSERT_EQ(world.connect("d" + std::to_string(i), nullptr, "t"), Answer::kAccept);
  EXPECT_EQ(told(), Told{false});
  const auto opened = world.said(wire::kOpenedTopic, wire::decode_opened);
  world.attest(opened.at(0).connection, true);
  EXPECT_EQ(told(), Told{true});
}

class DoorOfHubGate : public DoorOfGate {
 protected:
  DoorOfHubGate() : DoorOfGate(Endpoint::kHub) {}
};

TEST_F(DoorOfHubGate, handshakes_and_holds_count_there_as_well) {
  for (std::uintptr_t i = 1; i <= 3; ++i) world.gate.connection_opened(handle(i));
  EXPECT_EQ(told(), Told{false});
  for (std::uintptr_t i = 1; i <= 3; ++i) world.gate.connection_closed(handle(i));
  EXPECT_EQ(told(), Told{true});
  hold(100);
  EXPECT_EQ(told(), Told{false});
}

// --- the door itself

int listener(int family) {
  const int made = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (family == AF_INET) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  } else {
    sockaddr address{};
    address.sa_family = AF_UNIX;
    EXPECT_EQ(bind(made, &address, sizeof(sa_family_t)), 0);  // a name of the kernel's choice
  }
  EXPECT_EQ(listen(made, 8), 0);
  return made;
}

// A client of a listener, asked for while its door is open: a shut one shows another socket.
struct Client {
  explicit Client(int listening) { EXPECT_EQ(getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size), 0); }
  int connect() const {
    const int made = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(made, reinterpret_cast<const sockaddr*>(&address), size), 0);
    return made;
  }
  sockaddr_storage address{};
  socklen_t size = sizeof address;
};

class DoorTest : public testing::Test {
 protected:
  DoorTest() : epoll(epoll_create1(EPOLL_CLOEXEC)), tcp(listener(AF_INET)), local(listener(AF_UNIX)) {
    add(tcp, 0x1122334455667788ULL);
    add(local, 0x99);
  }
  ~DoorTest() override {
    for (const int descriptor : open) close(descriptor);
    for (const int descriptor : {tcp, local, epoll}) close(descriptor);
  }
  void add(int descriptor, std::uint64_t data) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = data;
    ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event), 0);
  }
  // The data of what is ready now.
  std::vector<std::uint64_t> ready() {
    epoll_event events[8];
    const int count = epoll_wait(epoll, events, 8, 0);
    std::vector<std::uint64_t> data;
    for (int i = 0; i < count; ++i) data.push_back(events[i].data.u64);
    std::sort(data.begin(), data.end());
    return data;
  }
  using Ready = std::vector<std::uint64_t>;

  const int epoll, tcp, local;
  std::vector<int> open;
  Door door;
};

TEST_F(DoorTest, whoever_comes_while_it_is_shut_waits_and_is_there_when_it_opens) {
  ASSERT_TRUE(door.find(16));
  const Client client(tcp);
  door.set_open(false);
  open.push_back(client.connect());
  EXPECT_EQ(ready(), Ready{});
  door.set_open(false);
  EXPECT_EQ(ready(), Ready{});
  door.set_open(true);
  EXPECT_EQ(ready(), Ready{0x1122334455667788ULL}) << "with what the broker registered it under";
}

TEST_F(DoorTest, shut_it_ends_the_taking_of_those_who_wait) {
  ASSERT_TRUE(door.find(16));
  for (int i = 0; i < 3; ++i) open.push_back(Client(tcp).connect());
  open.push_back(accept(tcp, nullptr, nullptr));
  EXPECT_GE(open.back(), 0);
  door.set_open(false);
  EXPECT_EQ(accept(tcp, nullptr, nullptr), -1) << "as when nobody waits";
  door.set_open(true);
  for (int i = 0; i < 2; ++i) {
    open.push_back(accept(tcp, nullptr, nullptr));
    EXPECT_GE(open.back(), 0) << "nobody was lost";
  }
  EXPECT_EQ(accept(tcp, nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(DoorTest, one_that_goes_leaves_it_open) {
  open.push_back(Client(tcp).connect());
  {
    Door gone;
    ASSERT_TRUE(gone.find(16));
    gone.set_open(false);
    EXPECT_EQ(ready(), Ready{});
  }
  EXPECT_EQ(ready(), Ready{0x1122334455667788ULL});
}

TEST_F(DoorTest, local_listener_stays_open) {
  ASSERT_TRUE(door.find(16));
  door.set_open(false);
  open.push_back(Client(local).connect());
  EXPECT_EQ(ready(), Ready{0x99});
}

TEST_F(DoorTest, other_descriptors_are_left_alone) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  open.assign(pair, pair + 2);
  add(pair[0], 0x77);
  ASSERT_TRUE(door.find(16));
  door.set_open(false);
  ASSERT_EQ(write(pair[1], "x", 1), 1);
  EXPECT_EQ(ready(), Ready{0x77});
}

TEST(Door, without_listeners_there_is_nothing_to_shut) {
  Door door;
  EXPECT_FALSE(door.find(16));
  door.set_open(false);
  door.set_open(true);
}

}  // namespace
}  // namespace latchkey::hub::gate
