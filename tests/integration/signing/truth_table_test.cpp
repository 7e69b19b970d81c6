// SPDX-License-Identifier: Apache-2.0
// The truth table over real files, and OpenSSL's command line as the second judge. public_truth_table_test.cpp is the
// same over what a whole hub signs, stamps and revokes.
#include "tests/unit/hub/signing/truth_table.h"

#include <gtest/gtest.h>

#include "tests/integration/signing/second_judge.h"

namespace latchkey::tests {
namespace {

using namespace hub::signing;        // NOLINT: the test is about that room
using namespace hub::signing::test;  // NOLINT

const ByteView kFile = text("firmware 1.2.0");

class TruthTable : public testing::TestWithParam<Row> {};

// Rows: S-6-117
TEST_P(TruthTable, both_judges_say_what_the_row_says) {
  const Row& row = GetParam();
  World world;
  const Case one = make_case(world, row, kFile);
  const RevocationLists lists = world.lists(one.entries);
  const Verdict verdict = judge_detached(one.signature, kFile, world.trust(lists), moment(row.now));
  EXPECT_EQ(verdict.valid, row.valid) << sentence(verdict);
  Workbench bench;
  SecondJudge judge(
      bench,
      {bench.put("file", kFile), bench.put("signature", one.signature), bench.certificates("root", {world.root.x509()}),
       bench.certificates("issuing", {world.issuing.x509()}), bench.certificates("leaf", {one.leaf.x509()}),
       bench.list("list", world.list_of(world.issuing, one.entries.leaves)),
       bench.certificates("tsa-root", {world.timestamp_root.x509()})});
  EXPECT_EQ(judge.valid(row.stamped.has_value(), row.accuracy_ms, moment(row.now)), row.valid);
  EXPECT_EQ(judge.on_list_by_crl_check(kStart + kHour), row.revoked.has_value());
}

INSTANTIATE_TEST_SUITE_P(, TruthTable, testing::ValuesIn(truth_table()),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace latchkey::tests
