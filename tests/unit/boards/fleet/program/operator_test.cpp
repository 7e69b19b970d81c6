// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/operator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

namespace latchkey::boards::fleet::program {
namespace {

using scenario::Act;
using scenario::ActKind;
using Words = std::vector<std::string>;

std::vector<Words> words_of(const Act& act, const std::vector<std::string>& names = {}) {
  std::vector<Words> all;
  for (const auto& command : commands_of(act, names)) all.push_back(command.arguments);
  return all;
}

Act act_of(ActKind kind) {
  Act act;
  act.kind = kind;
  return act;
}

TEST(OperatorTest, acts_on_devices_are_one_command_each) {
  EXPECT_EQ(words_of(act_of(ActKind::kRevokeDevices), {"a", "b"}),
            (std::vector<Words>{{"device", "revoke", "-n", "a", "-y"}, {"device", "revoke", "-n", "b", "-y"}}));
  Act act = act_of(ActKind::kRevokeDevices);
  act.disable = true;
  EXPECT_EQ(words_of(act, {"a"}), (std::vector<Words>{{"device", "revoke", "-n", "a", "-y", "--disable"}}));
  EXPECT_EQ(words_of(act_of(ActKind::kDisableDevices), {"a"}),
            (std::vector<Words>{{"device", "update", "-n", "a", "--enabled", "false"}}));
  EXPECT_EQ(words_of(act_of(ActKind::kEnableDevices), {"a"}),
            (std::vector<Words>{{"device", "update", "-n", "a", "--enabled", "true"}}));
  EXPECT_EQ(words_of(act_of(ActKind::kDeleteDevices), {"a"}),
            (std::vector<Words>{{"device", "delete", "-n", "a", "-y"}}));
}

TEST(OperatorTest, policy_is_the_default_one_unless_the_scenario_names_another) {
  Act act = act_of(ActKind::kRevokePolicy);
  EXPECT_EQ(words_of(act), (std::vector<Words>{{"policy", "revoke", "-n", "default", "-y"}}));
  act.policy = "line-a";
  EXPECT_EQ(words_of(act), (std::vector<Words>{{"policy", "revoke", "-n", "line-a", "-y"}}));
}

TEST(OperatorTest, fault_document_goes_to_the_standard_input) {
  Act act = act_of(ActKind::kSetFaults);
  act.faults = R"({"faults": []})";
  const auto commands = commands_of(act, {});
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].arguments, (Words{"rehearsal", "faults", "set", "-f", "-"}));
  EXPECT_EQ(commands[0].input, act.faults);
}

TEST(OperatorTest, clock_is_advanced_by_whole_seconds) {
  Act act = act_of(ActKind::kAdvanceClock);
  act.advance = 90'000'001;
  EXPECT_EQ(words_of(act), (std::vector<Words>{{"rehearsal", "clock", "advance", "--seconds", "91"}}));
}

// No `latchkey` lies beside this test program: the act is answered all the same.
TEST(OperatorTest, act_that_cannot_be_done_is_answered_as_refused) {
  Operator somebody("/nonexistent");
  somebody.begin(7, commands_of(act_of(ActKind::kSync), {}));
  pollfd wait{somebody.descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&wait, 1, 60'000), 1);
  const auto answers = somebody.take_answers();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].act, 7u);
  EXPECT_FALSE(answers[0].succeeded);
  EXPECT_FALSE(answers[0].text.empty());
  EXPECT_TRUE(somebody.take_answers().empty());
}

}  // namespace
}  // namespace latchkey::boards::fleet::program
