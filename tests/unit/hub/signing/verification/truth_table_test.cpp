// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hub/signing/truth_table.h"

#include <gtest/gtest.h>

namespace latchkey::hub::signing::test {
namespace {

const ByteView kFile = text("firmware 1.2.0");

class TruthTable : public testing::TestWithParam<Row> {};

TEST_P(TruthTable, says_what_the_row_says) {
  const Row& row = GetParam();
  World world;
  const Case one = make_case(world, row, kFile);
  const RevocationLists lists = world.lists(one.entries);

  const Verdict verdict = judge_detached(one.signature, kFile, world.trust(lists), moment(row.now));

  EXPECT_EQ(verdict.valid, row.valid) << sentence(verdict);
  EXPECT_EQ(verdict.reason, row.reason) << sentence(verdict);
  EXPECT_EQ(verdict.invalid_since, moment(row.since)) << sentence(verdict);
  EXPECT_EQ(verdict.valid_until, moment(row.until)) << sentence(verdict);
  EXPECT_EQ(verdict.timestamp.has_value(), row.stamped.has_value()) << verdict.timestamp_problem;
}

INSTANTIATE_TEST_SUITE_P(, TruthTable, testing::ValuesIn(truth_table()),
                         [](const auto& tested) { return std::string(tested.param.name); });

// Every combination of few moments against the table as signing.md words it, in one line each.
TEST(TruthTableAsAWhole, holds_for_every_combination) {
  constexpr int kMoments[] = {-1, 0, 30, 50, 72, 73};
  World world;
  for (const bool lifetime : {false, true}) {
    const Certified leaf = world.leaf(lifetime ? ProfileType::kPublicTrustTest : ProfileType::kPublicTrust);
    const Bytes bare = world.sign(leaf, kFile);
    for (const int stamped : {-2, -1, 0, 30, 50, 72, 73}) {  // -2: none
      const bool has_stamp = stamped != -2;
      const Bytes signature = has_stamp ? world.stamp(bare, moment(stamped)) : bare;
      for (const int effective : {-1, 0, 30, 50, 72}) {  // -1: not revoked
        World::Entries entries;
        if (effective >= 0) entries.leaves.push_back(revoked(leaf, moment(effective)));
        const RevocationLists lists = world.lists(entries);
        for (const int now : kMoments) {
          if (has_stamp && now < stamped) continue;  // it cannot have been made yet
          const int proven = has_stamp ? stamped : now;
          const bool expected = proven >= 0 && proven <= 72 && (effective < 0 || proven < effective) &&
                                (has_stamp && !lifetime ? true : now <= 72);
          const Verdict verdict = judge_detached(signature, kFile, world.trust(lists), moment(now));
          EXPECT_EQ(verdict.valid, expected) << "lifetime " << lifetime << ", T " << stamped << ", R " << effective
                                             << ", now " << now << ": " << sentence(verdict);
        }
      }
    }
  }
}

}  // namespace
}  // namespace latchkey::hub::signing::test
