// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <thread>

#include "platform/sim/clock.h"

namespace latchkey::boards::fleet::swarm {
namespace {

struct Pair {
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0); }
  ~Pair() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void speak() const { EXPECT_EQ(::write(ends[1], "x", 1), 1); }
  int ends[2];
};

struct Listener final : EventLoop::Socket {
  void on_ready(std::uint32_t events) override {
    seen |= events;
    ++calls;
    if (then) then();
  }
  std::uint32_t seen = 0;
  int calls = 0;
  std::function<void()> then;
};

TEST(EventLoopTest, timers_ring_in_their_order_and_once) {
  sim::SimClock clock;
  EventLoop loop(clock);
  std::vector<int> rung;
  EventLoop::Timer late(loop, [&] { rung.push_back(3); });
  EventLoop::Timer early(loop, [&] { rung.push_back(1); });
  EventLoop::Timer middle(loop, [&] { rung.push_back(2); });
  late.set(30);
  early.set(10);
  middle.set(20);
  loop.turn(0);
  EXPECT_TRUE(rung.empty());
  clock.advance(25);
  loop.turn(0);
  EXPECT_EQ(rung, (std::vector<int>{1, 2}));
  EXPECT_FALSE(early.is_set());
  clock.advance(25);
  loop.turn(0);
  loop.turn(0);
  EXPECT_EQ(rung, (std::vector<int>{1, 2, 3}));
}

TEST(EventLoopTest, cancelled_and_destroyed_timers_do_not_ring) {
  sim::SimClock clock;
  EventLoop loop(clock);
  int rung = 0;
  EventLoop::Timer kept(loop, [&] { ++rung; });
  EventLoop::Timer cancelled(loop, [&] { rung += 100; });
  auto destroyed = std::make_unique<EventLoop::Timer>(loop, [&] { rung += 1'000; });
  kept.set(5);
  cancelled.set(1);
  destroyed->set(2);
  cancelled.cancel();
  destroyed.reset();
  clock.advance(10);
  loop.turn(0);
  EXPECT_EQ(rung, 1);
}

// Thousands are due at once, and each takes its time: a socket is heard long before the last of them has rung.
TEST(EventLoopTest, socket_is_heard_between_timers_that_are_due_together) {
  sim::SimClock clock;
  EventLoop loop(clock);
  constexpr std::size_t kTimers = 1'000;
  std::size_t rung = 0;
  std::vector<std::unique_ptr<EventLoop::Timer>> timers;
  for (std::size_t i = 0; i < kTimers; ++i) {
    timers.push_back(std::make_unique<EventLoop::Timer>(loop, [&] {
      ++rung;
      clock.advance(1);
    }));
    timers.back()->set(5);
  }
  const Pair pair;
  Listener listener;
  std::size_t rung_when_heard = kTimers;
  listener.then = [&] { rung_when_heard = std::min(rung_when_heard, rung); };
  ASSERT_TRUE(loop.watch(pair.ends[0], EPOLLIN, listener));
  clock.advance(10);
  loop.turn(0);
  EXPECT_GT(rung, 0u);
  EXPECT_LT(rung, kTimers / 10);
  pair.speak();
  loop.turn(0);
  EXPECT_LT(rung_when_heard, kTimers / 10);
  for (std::size_t turns = 0; rung < kTimers && turns < kTimers; ++turns) loop.turn(0);
  EXPECT_EQ(rung, kTimers);
  loop.forget(pair.ends[0], listener);
}

TEST(EventLoopTest, timer_that_sets_itself_again_leaves_others_their_turn) {
  sim::SimClock clock;
  EventLoop loop(clock);
  int rung = 0;
  EventLoop::Timer greedy(loop, [&] {
    ++rung;
    greedy.set(0);
  });
  greedy.set(0);
  loop.turn(0);
  EXPECT_EQ(rung, 1);
  loop.turn(0);
  EXPECT_EQ(rung, 2);
}

// Against a sorted list: thousands of timers, set, moved and cancelled at random.
TEST(EventLoopTest, heap_agrees_with_a_plain_model) {
  sim::SimClock clock;
  EventLoop loop(clock);
  std::mt19937 dice(7);  // NOLINT: repeatable
  std::vector<ports::MonotonicMs> rung;
  std::vector<std::unique_ptr<EventLoop::Timer>> timers;
  std::vector<ports::MonotonicMs> due(500, 0);  // 0: not set
  for (std::size_t i = 0; i < due.size(); ++i) {
    timers.push_back(std::make_unique<EventLoop::Timer>(loop, [&rung, &due, i] {
      rung.push_back(due[i]);
      due[i] = 0;
    }));
  }
  for (int round = 0; round < 200; ++round) {
    for (int move = 0; move < 50; ++move) {
      const auto i = dice() % due.size();
      if (dice() % 4 == 0) {
        timers[i]->cancel();
        due[i] = 0;
      } else {
        due[i] = clock.monotonic() + 1 + dice() % 1'000;
        timers[i]->set(due[i]);
      }
    }
    std::vector<ports::MonotonicMs> expected;
    clock.advance(dice() % 100);
    for (const auto one : due) {
      if (one != 0 && one <= clock.monotonic()) expected.push_back(one);
    }
    std::sort(expected.begin(), expected.end());
    rung.clear();
    loop.turn(0);
    ASSERT_EQ(rung, expected) << "round " << round;
  }
}

TEST(EventLoopTest, socket_is_told_of_what_it_waits_for_until_it_is_forgotten) {
  sim::SimClock clock;
  EventLoop loop(clock);
  const Pair pair;
  Listener listener;
  ASSERT_TRUE(loop.watch(pair.ends[0], EPOLLIN, listener));
  loop.turn(0);
  EXPECT_EQ(listener.calls, 0);
  pair.speak();
  loop.turn(0);
  EXPECT_EQ(listener.seen, static_cast<std::uint32_t>(EPOLLIN));
  ASSERT_TRUE(loop.change(pair.ends[0], EPOLLOUT, listener));
  listener.seen = 0;
  loop.turn(0);
  EXPECT_EQ(listener.seen, static_cast<std::uint32_t>(EPOLLOUT));
  loop.forget(pair.ends[0], listener);
  const int before = listener.calls;
  loop.turn(0);
  EXPECT_EQ(listener.calls, before);
}

TEST(EventLoopTest, forgotten_socket_is_not_told_of_what_was_reported_with_others) {
  sim::SimClock clock;
  EventLoop loop(clock);
  const Pair one;
  const Pair two;
  Listener first;
  Listener second;
  first.then = [&] { loop.forget(two.ends[0], second); };
  second.then = [&] { loop.forget(one.ends[0], first); };
  ASSERT_TRUE(loop.watch(one.ends[0], EPOLLIN, first));
  ASSERT_TRUE(loop.watch(two.ends[0], EPOLLIN, second));
  one.speak();
  two.speak();
  loop.turn(0);
  EXPECT_EQ(first.calls + second.calls, 1);  // whoever came first has silenced the other
}

TEST(EventLoopTest, sockets_whose_other_end_has_gone_come_first) {
  sim::SimClock clock;
  EventLoop loop(clock);
  std::vector<int> order;
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 20; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    listeners.push_back(std::make_unique<Listener>());
    listeners.back()->then = [&order, i] { order.push_back(i); };
    ASSERT_TRUE(loop.watch(pairs.back()->ends[0], EPOLLIN | EPOLLRDHUP, *listeners.back()));
    i < 15 ? pairs.back()->speak() : static_cast<void>(::shutdown(pairs.back()->ends[1], SHUT_WR));
  }
  loop.turn(0);
  ASSERT_EQ(order.size(), 20u);
  for (int i = 0; i < 5; ++i) EXPECT_GE(order[static_cast<std::size_t>(i)], 15);
}

TEST(EventLoopTest, descriptor_that_cannot_be_waited_for_is_refused) {
  sim::SimClock clock;
  EventLoop loop(clock);
  Listener listener;
  EXPECT_FALSE(loop.watch(-1, EPOLLIN, listener));
}

TEST(EventLoopTest, tasks_of_other_threads_are_done_in_order_and_stop_ends_the_run) {
  sim::SimClock clock;
  EventLoop loop(clock);
  std::vector<int> done;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop.post([&done, i] { done.push_back(i); });
    loop.stop();
  });
  loop.run();
  other.join();
  loop.turn(0);  // what was posted around the end
  ASSERT_EQ(done.size(), 100u);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}

}  // namespace
}  // namespace latchkey::boards::fleet::swarm
