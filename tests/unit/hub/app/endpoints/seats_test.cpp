// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/seats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "hub/app/endpoints/rendezvous.h"

namespace latchkey::hub::app {
namespace {

wire::Opened opened(wire::ConnectionId connection, std::uint64_t since_ms, bool resumes = false,
                    const std::string& id = "dev-1") {
  wire::Opened one;
  one.connection = connection;
  one.client_id = id;
  one.since_ms = since_ms;
  one.kept = one.resumes = resumes;
  return one;
}

// The connection that is to be ended; 0: none.
wire::ConnectionId ends(const Seats::Arrival& arrival) { return arrival.ends ? arrival.ends->connection : 0; }

TEST(Seats, newer_session_displaces_the_older_one_at_another_broker) {
  Seats seats(2);
  EXPECT_TRUE(seats.opened(0, opened(1, 10)).seated);
  const auto second = seats.opened(1, opened(2, 20));
  EXPECT_TRUE(second.seated);
  ASSERT_TRUE(second.ends);
  EXPECT_EQ(second.ends->connection, 1u);
  EXPECT_EQ(second.ends->broker, 0u);
  EXPECT_EQ(seats.find("dev-1")->connection, 2u);
  EXPECT_EQ(seats.find("dev-1")->broker, 1u);
}

TEST(Seats, those_of_a_broker_are_listed_as_they_came_and_counted_over_all) {
  Seats seats(2);
  for (const wire::ConnectionId connection : {5, 3, 4}) {
    EXPECT_TRUE(seats.opened(0, opened(connection, connection, false, "dev-" + std::to_string(connection))).seated);
  }
  EXPECT_TRUE(seats.opened(1, opened(1, 1)).seated);
  EXPECT_EQ(seats.all(0), (std::vector<wire::ConnectionId>{3, 4, 5}));
  EXPECT_EQ(seats.size(), 4u);
  seats.closed(4);
  seats.closed(4);
  EXPECT_EQ(seats.size(), 3u);
}

TEST(Seats, older_session_that_is_told_late_is_ended_itself) {
  Seats seats(2);
  EXPECT_TRUE(seats.opened(1, opened(2, 20)).seated);
  const auto late = seats.opened(0, opened(1, 10));
  EXPECT_FALSE(late.seated);
  EXPECT_EQ(ends(late), 1u);
  EXPECT_EQ(late.ends->broker, 0u);
  EXPECT_EQ(seats.find("dev-1")->connection, 2u);
}

TEST(Seats, of_two_in_one_millisecond_the_same_one_stays_whoever_is_told_first) {
  for (const bool swapped : {false, true}) {
    Seats seats(2);
    const auto first = seats.opened(swapped ? 1 : 0, opened(swapped ? 8 : 7, 10));
    const auto second = seats.opened(swapped ? 0 : 1, opened(swapped ? 7 : 8, 10));
    EXPECT_TRUE(first.seated);
    EXPECT_EQ(second.seated, !swapped);
    EXPECT_EQ(ends(second), 7u);
    EXPECT_EQ(seats.find("dev-1")->connection, 8u);
  }
}

TEST(Seats, broker_pushes_out_its_own) {
  Seats seats(2);
  seats.opened(0, opened(1, 10));
  const auto second = seats.opened(0, opened(2, 20));
  EXPECT_TRUE(second.seated);
  EXPECT_FALSE(second.ends);
  const auto told_again = seats.opened(0, opened(1, 10));
  EXPECT_FALSE(told_again.seated);
  EXPECT_FALSE(told_again.ends);
}

TEST(Seats, session_that_is_told_again_keeps_its_seat) {
  Seats seats(2);
  seats.opened(0, opened(1, 10));
  for (int i = 0; i < 3; ++i) {
    const auto again = seats.opened(0, opened(1, 10));
    EXPECT_TRUE(again.seated);
    EXPECT_FALSE(again.ends);
  }
}

TEST(Seats, order_to_end_that_was_lost_is_given_again) {
  Seats seats(2);
  seats.opened(0, opened(1, 10));
  seats.opened(1, opened(2, 20));
  seats.link_up(0);
  const auto again = seats.opened(0, opened(1, 10));
  EXPECT_FALSE(again.seated);
  EXPECT_EQ(ends(again), 1u);
  EXPECT_TRUE(seats.untold(0).empty());
}

TEST(Seats, end_of_a_displaced_session_leaves_the_seat_alone) {
  Seats seats(2);
  seats.opened(0, opened(1, 10));
  seats.opened(1, opened(2, 20));
  seats.closed(1);
  EXPECT_EQ(seats.find("dev-1")->connection, 2u);
  seats.closed(2);
  EXPECT_FALSE(seats.find("dev-1"));
  EXPECT_TRUE(seats.opened(0, opened(3, 30)).seated);
}

TEST(Seats, devices_do_not_displace_each_other) {
  Seats seats(2);
  EXPECT_FALSE(seats.opened(0, opened(1, 10, false, "a")).ends);
  EXPECT_FALSE(seats.opened(1, opened(2, 20, false, "b")).ends);
  EXPECT_EQ(seats.find("a")->connection, 1u);
  EXPECT_EQ(seats.find("b")->connection, 2u);
}

TEST(Seats, what_is_not_told_again_has_ended) {
  Seats seats(2);
  seats.opened(0, opened(1, 10, false, "a"));
  seats.opened(0, opened(2, 10, false, "b"));
  seats.opened(1, opened(3, 10, false, "c"));
  EXPECT_TRUE(seats.untold(0).empty());
  seats.link_up(0);
  seats.opened(0, opened(2, 10, false, "b"));
  EXPECT_EQ(seats.untold(0), (std::vector<wire::ConnectionId>{1}));
  EXPECT_TRUE(seats.untold(1).empty());
  EXPECT_EQ(seats.all(0), (std::vector<wire::ConnectionId>{1, 2}));
}

TEST(Seats, kept_session_goes_on_only_where_its_device_was_last) {
  Seats seats(2);
  seats.opened(0, opened(1, 10));
  seats.closed(1);
  EXPECT_TRUE(seats.opened(0, opened(2, 20, true)).goes_on);
  EXPECT_TRUE(seats.goes_on(2));
  seats.closed(2);
  EXPECT_FALSE(seats.opened(1, opened(3, 30, true)).goes_on) << "it was at the other broker since";
  EXPECT_FALSE(seats.goes_on(3));
  EXPECT_FALSE(seats.opened(1, opened(3, 30, true)).goes_on) << "told again, it is what it was";
  seats.closed(3);
  EXPECT_FALSE(seats.opened(0, opened(4, 40, true)).goes_on);
}

TEST(Seats, of_several_brokers_a_new_process_takes_no_kept_session_for_the_last_one) {
  Seats several(2);
  EXPECT_FALSE(several.opened(0, opened(1, 10, true)).goes_on);
  Seats one(1);
  EXPECT_TRUE(one.opened(0, opened(1, 10, true)).goes_on);
}

TEST(Seats, connections_of_a_device_share_a_lane) {
  Seats seats(2);
  seats.opened(0, opened(1, 10, false, "a"));
  seats.opened(1, opened(2, 20, false, "a"));
  EXPECT_EQ(seats.lane_of(1), seats.lane_of(2));
  EXPECT_EQ(seats.lane_of(99), 99u);
}

// Brokers, links that lose what is under way, and clients that come and go, against what must hold in the end.
class Model {
 public:
  explicit Model(unsigned seed) : random_(seed), seats_(kBrokers), links_(kBrokers) {}

  void step() {
    ++now_ms_;
    switch (pick(8)) {
      case 0:
      case 1: connect(pick(kDevices), pick(kBrokers)); break;
      case 2: leave(); break;
      case 3: lose_link(pick(kBrokers)); break;
      default: hear(pick(kBrokers));
    }
  }
  // All links stand, and all that is under way arrives.
  void settle() {
    for (std::size_t i = 0; i < kBrokers; ++i) tell_all(i);
    while (std::any_of(links_.begin(), links_.end(),
                       [](const Link& link) { return !link.up.empty() || !link.down.empty(); })) {
      for (std::size_t i = 0; i < kBrokers; ++i) hear(i);
    }
  }
  void check(unsigned seed) {
    for (std::size_t device = 0; device < kDevices; ++device) {
      std::vector<wire::ConnectionId> live;
      for (const auto& [connection, session] : sessions_) {
        if (session.device == device) live.push_back(connection);
      }
      ASSERT_LE(live.size(), 1u) << "seed " << seed;
      const auto seat = seats_.find(name(device));
      ASSERT_EQ(seat.has_value(), !live.empty()) << "seed " << seed;
      if (seat) {
        ASSERT_EQ(seat->connection, live.front()) << "seed " << seed;
      }
      // Nobody but its client or a newer one ends a session.
      const auto last = newest_.find(device);
      if (last != newest_.end() && left_.count(last->second) == 0) {
        ASSERT_EQ(live, std::vector<wire::ConnectionId>{last->second}) << "seed " << seed;
      }
    }
  }

 private:
  static constexpr std::size_t kBrokers = 3;
  static constexpr std::size_t kDevices = 4;
  struct Session {
    std::size_t device;
    std::size_t broker;
    std::uint64_t since_ms;
  };
  struct Said {
    std::optional<wire::Opened> opened;
    wire::ConnectionId closed = 0;
    bool told_all = false;
  };
  struct Link {
    std::deque<Said> up;                  // to the hub process
    std::deque<wire::ConnectionId> down;  // sessions to be ended
  };

  std::size_t pick(std::size_t count) { return random_() % count; }
  static std::string name(std::size_t device) { return "dev-" + std::to_string(device); }
  static wire::Opened message(wire::ConnectionId connection, const Session& session) {
    return opened(connection, session.since_ms, false, name(session.device));
  }
  void remove(wire::ConnectionId connection) {
    const auto found = sessions_.find(connection);
    if (found == sessions_.end()) return;
    links_[found->second.broker].up.push_back({std::nullopt, connection});
    sessions_.erase(found);
  }
  void connect(std::size_t device, std::size_t broker) {
    std::vector<wire::ConnectionId> pushed;
    for (const auto& [connection, session] : sessions_) {
      if (session.device == device && session.broker == broker) pushed.push_back(connection);
    }
    const auto connection = ++last_;
    sessions_[connection] = {device, broker, now_ms_};
    newest_[device] = connection;
    links_[broker].up.push_back({message(connection, sessions_[connection])});
    for (const auto before : pushed) remove(before);
  }
  void leave() {
    if (sessions_.empty()) return;
    const auto connection = std::next(sessions_.begin(), static_cast<std::ptrdiff_t>(pick(sessions_.size())))->first;
    left_.insert({connection, true});
    remove(connection);
  }
  void lose_link(std::size_t broker) {
    links_[broker] = {};
    tell_all(broker);
  }
  void tell_all(std::size_t broker) {
    links_[broker] = {};
    seats_.link_up(broker);
    for (const auto& [connection, session] : sessions_) {
      if (session.broker == broker) links_[broker].up.push_back({message(connection, session)});
    }
    links_[broker].up.push_back({std::nullopt, 0, true});
  }
  // One message in either direction.
  void hear(std::size_t broker) {
    auto& link = links_[broker];
    if (!link.down.empty()) {
      remove(link.down.front());
      link.down.pop_front();
    }
    if (link.up.empty()) return;
    const auto said = link.up.front();
    link.up.pop_front();
    if (said.closed != 0) seats_.closed(said.closed);
    if (said.told_all) {
      for (const auto connection : seats_.untold(broker)) seats_.closed(connection);
    }
    if (!said.opened) return;
    const auto arrival = seats_.opened(broker, *said.opened);
    if (arrival.ends) links_[arrival.ends->broker].down.push_back(arrival.ends->connection);
  }

  std::mt19937 random_;
  Seats seats_;
  std::vector<Link> links_;
  std::map<wire::ConnectionId, Session> sessions_;  // that live at the brokers
  std::map<std::size_t, wire::ConnectionId> newest_;
  std::map<wire::ConnectionId, bool> left_;
  wire::ConnectionId last_ = 0;
  std::uint64_t now_ms_ = 0;
};

TEST(Seats, exactly_one_session_of_a_device_stays_whatever_gets_lost_on_the_way) {
  for (unsigned seed = 1; seed <= 500; ++seed) {
    Model model(seed);
    for (int i = 0; i < 200; ++i) model.step();
    model.settle();
    model.check(seed);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Rendezvous, name_more_attracts_its_share_and_disturbs_no_other) {
  constexpr int kKeys = 4000;
  const std::vector<std::string> two{"hub/1", "hub/2"};
  const std::vector<std::string> three{"hub/1", "hub/2", "hub/3"};
  std::map<std::size_t, int> share;
  for (int i = 0; i < kKeys; ++i) {
    const auto key = "dev-" + std::to_string(i);
    const auto now = rendezvous(three, key);
    ++share[now];
    if (now != 2) {
      EXPECT_EQ(now, rendezvous(two, key));
    }
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(share[i], kKeys / 3, kKeys / 20) << i;
}

}  // namespace
}  // namespace latchkey::hub::app
