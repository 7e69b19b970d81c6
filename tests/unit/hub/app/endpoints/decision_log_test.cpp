// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/decision_log.h"

#include <gtest/gtest.h>

namespace latchkey::hub::app {
namespace {

using registry::Reason;

wire::Decision decision(std::uint64_t number, const std::string& client, Reason reason) {
  wire::Decision one;
  one.number = number;
  one.client_id = client;
  one.reason = reason;
  return one;
}

wire::Decisions piece(std::vector<wire::Decision> decisions, std::uint64_t accepted, std::uint64_t mismatched) {
  wire::Decisions all;
  all.decisions = std::move(decisions);
  all.counts[static_cast<std::size_t>(Reason::kNone)] = accepted;
  all.counts[static_cast<std::size_t>(Reason::kIdentifierMismatch)] = mismatched;
  return all;
}

TEST(DecisionLog, answers_newest_first_by_device_and_by_reason) {
  DecisionLog log;
  log.add("hub", piece({decision(1, "a", Reason::kNone), decision(2, "b", Reason::kNone),
                        decision(3, "a", Reason::kIdentifierMismatch)},
                       2, 1));
  const auto of_a = log.find({.device = "a", .reason = {}, .limit = 10});
  ASSERT_EQ(of_a.size(), 2u);
  EXPECT_EQ(of_a[0].decision.number, 3u);
  EXPECT_EQ(of_a[1].decision.number, 1u);
  const auto accepted = log.find({.device = "", .reason = Reason::kNone, .limit = 10});
  ASSERT_EQ(accepted.size(), 2u);
  EXPECT_EQ(accepted[0].decision.client_id, "b");
  EXPECT_EQ(log.find({.device = "", .reason = {}, .limit = 1}).size(), 1u);
  EXPECT_TRUE(log.find({.device = "c", .reason = {}, .limit = 10}).empty());
}

TEST(DecisionLog, forgets_the_oldest_beyond_its_limit) {
  DecisionLog log(3);
  for (std::uint64_t i = 1; i <= 5; ++i) log.add("hub", piece({decision(i, "a", Reason::kNone)}, i, 0));
  const auto all = log.find({.device = "", .reason = {}, .limit = 10});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all.back().decision.number, 3u);
}

TEST(DecisionLog, counts_go_on_over_a_new_broker_process) {
  DecisionLog log;
  log.add("hub", piece({}, 10, 4));
  log.add("dps", piece({}, 5, 0));
  log.add("hub", piece({}, 1, 0));  // restarted: counts from zero
  log.add("hub", piece({}, 2, 1));
  const auto counts = log.counts();
  EXPECT_EQ(counts[static_cast<std::size_t>(Reason::kNone)], 17u);
  EXPECT_EQ(counts[static_cast<std::size_t>(Reason::kIdentifierMismatch)], 5u);
}

}  // namespace
}  // namespace latchkey::hub::app
