// SPDX-License-Identifier: Apache-2.0
#include "hub/app/nodes/drain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace latchkey::hub::app {
namespace {

// A node whose sessions end as soon as they are told to, unless they are deaf, and a clock.
class DrainTest : public testing::Test {
 protected:
  void come(std::size_t many) {
    for (std::size_t i = 0; i < many; ++i) sessions_.insert(++last_);
  }
  // As often as a node looks at its row; answers how many were told to go.
  std::size_t pass(std::int64_t ms, bool draining = true, std::int64_t step_ms = 20) {
    const std::size_t before = told_.size();
    for (const auto until = now_ms_ + ms; now_ms_ < until;) {
      now_ms_ += step_ms;
      drain_.step(draining, sessions_.size(), now_ms_);
    }
    return told_.size() - before;
  }
  bool is_there(wire::ConnectionId connection) const { return sessions_.count(connection) != 0; }

  std::set<wire::ConnectionId> sessions_;
  std::set<wire::ConnectionId> deaf_;
  std::vector<wire::ConnectionId> told_;
  wire::ConnectionId last_ = 0;
  std::int64_t now_ms_ = 1'000'000;
  Drain drain_{[this] {
                 std::vector<Drain::Session> all;
                 for (const auto connection : sessions_) all.push_back({nullptr, {connection, 0}});
                 return all;
               },
               [this](const Drain::Session& session) {
                 told_.push_back(session.seat.connection);
                 if (deaf_.count(session.seat.connection) == 0) sessions_.erase(session.seat.connection);
               }};
};

TEST_F(DrainTest, nobody_is_sent_away_unless_it_is_asked_for) {
  come(100);
  EXPECT_EQ(pass(60'000, false), 0u);
  EXPECT_FALSE(drain_.done());
}

TEST_F(DrainTest, nobody_is_sent_away_before_balancers_could_see_it) {
  come(100);
  EXPECT_EQ(pass(Drain::kGraceMs), 0u);
  EXPECT_GT(pass(1'000), 0u);
}

TEST_F(DrainTest, node_without_sessions_is_not_done_before_balancers_could_see_it) {
  EXPECT_EQ(pass(Drain::kGraceMs), 0u);
  EXPECT_FALSE(drain_.done()) << "a balancer may still send somebody";
  pass(20);
  EXPECT_TRUE(drain_.done());
}

TEST_F(DrainTest, few_go_at_the_least_rate_one_after_the_other_as_they_came) {
  come(30);
  pass(Drain::kGraceMs);
  EXPECT_LE(pass(100), 2u) << "not in one go";
  pass(900);
  EXPECT_NEAR(static_cast<double>(told_.size()), Drain::kLeastPerSecond, 2);
  pass(1'000);
  EXPECT_TRUE(drain_.done());
  EXPECT_TRUE(std::is_sorted(told_.begin(), told_.end()));
  EXPECT_EQ(told_.size(), 30u) << "each was told once";
}

TEST_F(DrainTest, many_take_as_long_as_a_round_takes) {
  come(4'000);
  pass(Drain::kGraceMs);
  pass(10'000);
  EXPECT_NEAR(static_cast<double>(told_.size()), 2'000, 40);
  pass(10'500);
  EXPECT_TRUE(drain_.done());
}

TEST_F(DrainTest, of_very_many_no_more_go_than_others_can_take_in) {
  come(20'000);
  pass(Drain::kGraceMs);
  EXPECT_LE(pass(10'000), 10 * Drain::kMostPerSecond + 10);
  EXPECT_FALSE(drain_.done());
}

TEST_F(DrainTest, pause_is_not_made_good_at_once) {
  come(10'000);
  pass(Drain::kGraceMs + 20);
  now_ms_ += 600'000;  // the registry was away, and nobody asked
  EXPECT_LE(pass(20), Drain::kMostPerSecond);
}

TEST_F(DrainTest, who_comes_meanwhile_goes_with_the_next_round) {
  come(40);
  pass(Drain::kGraceMs + 1'000);
  come(1);
  const auto newcomer = last_;
  pass(500);
  EXPECT_TRUE(is_there(newcomer)) << "behind those who were there";
  pass(3'000);
  EXPECT_FALSE(is_there(newcomer));
  EXPECT_TRUE(drain_.done());
  come(1);
  pass(20);
  EXPECT_FALSE(drain_.done()) << "somebody is here";
}

TEST_F(DrainTest, one_that_did_not_hear_is_told_again_but_not_all_the_time) {
  come(1);
  deaf_ = {1};
  pass(Drain::kGraceMs);
  EXPECT_LE(pass(5'000), 5u);
  EXPECT_GE(told_.size(), 3u);
  EXPECT_FALSE(drain_.done());
  deaf_.clear();
  pass(2'000);
  EXPECT_TRUE(drain_.done());
}

TEST_F(DrainTest, stops_when_it_is_taken_back_and_begins_anew_with_all_its_patience) {
  come(100);
  pass(Drain::kGraceMs + 1'000);
  const auto left = sessions_.size();
  EXPECT_EQ(pass(10'000, false), 0u);
  EXPECT_EQ(sessions_.size(), left);
  EXPECT_EQ(pass(Drain::kGraceMs), 0u);
  pass(10'000);
  EXPECT_TRUE(drain_.done());
  pass(20, false);
  EXPECT_FALSE(drain_.done());
}

}  // namespace
}  // namespace latchkey::hub::app
