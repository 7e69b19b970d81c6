// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/faults.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/unit/hub/rehearsal/documents.h"

namespace latchkey::hub::rehearsal {
namespace {

using nlohmann::json;
using registry::Reason;
using testing::HasSubstr;
using testing::StartsWith;

const json kThrottleAll = rule({{"operation", "dps.register"}}, {{"kind", "throttled"}});

Target registering(std::string_view device, std::string_view policy = "line-a") {
  return {.operation = Operation::kDpsRegister, .device = device, .policy = policy};
}

TEST(Faults, without_a_document_nothing_strikes) {
  Faults faults;
  EXPECT_FALSE(faults.any());
  EXPECT_FALSE(faults.strike(registering("a")));
}

TEST(Faults, rule_strikes_its_operation_and_no_other) {
  Faults faults;
  ASSERT_TRUE(faults.set(document({kThrottleAll})));
  const auto effect = faults.strike(registering("a"));
  ASSERT_TRUE(effect);
  EXPECT_EQ(effect->kind, EffectKind::kThrottled);
  EXPECT_FALSE(faults.strike({.operation = Operation::kDpsPoll, .device = "a"}));
}

TEST(Faults, patterns_all_have_to_match) {
  Faults faults;
  ASSERT_TRUE(faults.set(document(
      {rule({{"operation", "dps.register"}, {"device", "pump-*"}, {"policy", "line-?"}}, {{"kind", "failed"}})})));
  EXPECT_TRUE(faults.strike(registering("pump-7", "line-a")));
  EXPECT_FALSE(faults.strike(registering("valve-7", "line-a")));
  EXPECT_FALSE(faults.strike(registering("pump-7", "line-ab")));
}

TEST(Faults, first_rule_that_matches_wins) {
  Faults faults;
  ASSERT_TRUE(faults.set(
      document({rule({{"operation", "dps.register"}, {"device", "a"}}, {{"kind", "failed"}}), kThrottleAll})));
  EXPECT_EQ(faults.strike(registering("a"))->kind, EffectKind::kFailed);
  EXPECT_EQ(faults.strike(registering("b"))->kind, EffectKind::kThrottled);
}

TEST(Faults, count_is_how_often_it_strikes) {
  Faults faults;
  auto twice = kThrottleAll;
  twice["count"] = 2;
  ASSERT_TRUE(faults.set(document({twice})));
  EXPECT_TRUE(faults.strike(registering("a")));
  EXPECT_TRUE(faults.strike(registering("b")));
  EXPECT_FALSE(faults.strike(registering("c")));
  EXPECT_EQ(faults.document()["rules"][0]["struck"], 2);
}

TEST(Faults, same_seed_strikes_the_same_and_another_one_otherwise) {
  auto often = kThrottleAll;
  often["probability"] = 0.5;
  const auto run = [&](std::int64_t seed) {
    Faults faults;
    EXPECT_TRUE(faults.set(document({often}, seed)));
    std::string seen;
    for (int i = 0; i < 200; ++i) seen += faults.strike(registering("a")) ? '1' : '0';
    return seen;
  };
  const auto first = run(7);
  EXPECT_EQ(first, run(7));
  EXPECT_NE(first, run(8));
  const auto struck = std::count(first.begin(), first.end(), '1');
  EXPECT_GT(struck, 60);
  EXPECT_LT(struck, 140);
}

TEST(Faults, probability_of_nothing_never_strikes) {
  Faults faults;
  auto never = kThrottleAll;
  never["probability"] = 0;
  ASSERT_TRUE(faults.set(document({never})));
  for (int i = 0; i < 1000; ++i) ASSERT_FALSE(faults.strike(registering("a")));
}

TEST(Faults, rule_stands_until_the_document_is_replaced) {
  Faults faults;
  ASSERT_TRUE(faults.set(document({kThrottleAll})));
  const auto before = faults.strike(registering("a"))->rule;
  EXPECT_TRUE(faults.stands(before));
  ASSERT_TRUE(faults.set(document({kThrottleAll})));
  EXPECT_FALSE(faults.stands(before)) << "the same words are another rule";
  faults.clear();
  EXPECT_FALSE(faults.any());
  EXPECT_EQ(faults.document(), json({{"rules", json::array()}}));
}

TEST(Faults, refused_document_leaves_the_old_one) {
  Faults faults;
  ASSERT_TRUE(faults.set(document({kThrottleAll})));
  EXPECT_FALSE(faults.set("[]"));
  EXPECT_TRUE(faults.strike(registering("a")));
}

TEST(Faults, effects_take_their_parameters) {
  Faults faults;
  const std::vector<json> rules = {
      rule({{"operation", "dps.poll"}}, {{"kind", "throttled"}, {"retryAfterSeconds", 7}}),
      rule({{"operation", "dps.register"}}, {{"kind", "stuck"}}),
      rule({{"operation", "hub.sync"}}, {{"kind", "late"}, {"seconds", 3}, {"old", "kept"}}),
      rule({{"operation", "store.commit"}}, {{"kind", "slow"}, {"milliseconds", 250}}),
      rule({{"operation", "management.request"}}, {{"kind", "resultFailed"}, {"code", "C"}, {"message", "m"}})};
  ASSERT_TRUE(faults.set(document(rules)));
  EXPECT_EQ(faults.strike({.operation = Operation::kDpsPoll})->seconds, 7);
  EXPECT_TRUE(faults.strike({.operation = Operation::kDpsRegister})->until_released);
  const auto late = faults.strike({.operation = Operation::kHubSync});
  EXPECT_EQ(late->seconds, 3);
  EXPECT_TRUE(late->keeps_old);
  EXPECT_EQ(faults.strike({.operation = Operation::kStoreCommit})->milliseconds, 250);
  const auto failed = faults.strike({.operation = Operation::kManagement});
  EXPECT_EQ(failed->code + failed->message, "Cm");
}

TEST(Faults, bad_documents_are_refused_by_the_pointer_of_what_is_wrong) {
  for (const auto& [text, pointer] : bad_faults()) {
    Faults faults;
    const auto set = faults.set(text);
    ASSERT_FALSE(set) << text;
    EXPECT_EQ(set.error().reason, Reason::kMalformedRequest) << text;
    EXPECT_THAT(set.error().detail, StartsWith(pointer)) << text;
    EXPECT_FALSE(faults.any()) << text;
  }
}

}  // namespace
}  // namespace latchkey::hub::rehearsal
