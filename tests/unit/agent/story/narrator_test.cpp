// SPDX-License-Identifier: Apache-2.0
#include "agent/story/narrator.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "platform/sim/clock.h"

namespace latchkey::agent {
namespace {

std::vector<std::string>& lines() {
  static std::vector<std::string> written;
  return written;
}

class NarratorTest : public testing::Test {
 protected:
  NarratorTest() {
    lines().clear();
    clock.advance(12'345);
  }
  void flush(State state) { narrator.flush(state, summary, "dev-1"); }

  sim::SimClock clock;
  Narrator narrator{clock, [](std::string_view line) { lines().emplace_back(line); }};
  Summary summary;
};

TEST_F(NarratorTest, transition_is_one_line_with_what_led_there) {
  narrator.on_report({Occurrence::kProvisioning, 0, {}, 0});
  narrator.on_report(
      {Occurrence::kConnectionFailed, static_cast<std::uint32_t>(ports::LinkFailure::kUnreachable), "hub", 500});
  EXPECT_TRUE(lines().empty());
  narrator.on_state(State::kHubConnecting, State::kMakingKey);
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_EQ(lines()[0].find("12.345 hub-connecting -> making-key: "), 0u) << lines()[0];
  EXPECT_NE(lines()[0].find("; "), std::string::npos) << lines()[0];
  flush(State::kMakingKey);
  EXPECT_EQ(lines().size(), 1u) << lines().back();
}

TEST_F(NarratorTest, transition_without_a_report_has_no_reason) {
  narrator.on_state(State::kOff, State::kMakingKey);
  EXPECT_EQ(lines(), std::vector<std::string>{"12.345 off -> making-key"});
}

TEST_F(NarratorTest, report_that_moves_nothing_stands_for_itself_once) {
  narrator.on_report({Occurrence::kDevicebound, 0, "hello", 0});
  flush(State::kLive);
  flush(State::kLive);
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_EQ(lines()[0].find("12.345 live: "), 0u) << lines()[0];
}

TEST_F(NarratorTest, status_follows_once_when_the_device_has_come_to_rest) {
  for (const State state : {State::kLive, State::kSlowWait, State::kStopped}) {
    lines().clear();
    narrator.on_state(State::kHubConnecting, state);
    flush(state);
    flush(state);
    ASSERT_EQ(lines().size(), 2u) << to_string(state);
    EXPECT_EQ(lines()[1].find("12.345 status {"), 0u) << lines()[1];
    EXPECT_NE(lines()[1].find("\"dev-1\""), std::string::npos) << lines()[1];
  }
}

TEST_F(NarratorTest, device_on_its_way_has_no_status) {
  narrator.on_state(State::kMakingKey, State::kHubConnecting);
  flush(State::kHubConnecting);
  EXPECT_EQ(lines().size(), 1u);
}

// A peer that sends much gets a line that is cut between two reports, never one that is lost or breaks into another.
TEST_F(NarratorTest, reports_that_do_not_fit_are_left_out_and_the_line_is_written) {
  const std::string much(4'000, '\n');
  for (int i = 0; i < 20; ++i) narrator.on_report({Occurrence::kDevicebound, 0, much, 0});
  narrator.on_state(State::kLive, State::kHubConnecting);
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_EQ(lines()[0].find("12.345 live -> hub-connecting: "), 0u) << lines()[0];
  EXPECT_EQ(lines()[0].find('\n'), std::string::npos);
  EXPECT_LE(lines()[0].size(), 384u);
}

TEST_F(NarratorTest, line_of_the_board_has_the_time) {
  clock.advance(55);
  narrator.say("no time from the network yet");
  EXPECT_EQ(lines(), std::vector<std::string>{"12.400 no time from the network yet"});
}

}  // namespace
}  // namespace latchkey::agent
