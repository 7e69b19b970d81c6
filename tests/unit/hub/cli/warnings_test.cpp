// SPDX-License-Identifier: Apache-2.0
// What was done all the same: warnings of the hub, said to people and kept out of what programs read.
#include <gmock/gmock.h>

#include "hub/cli/internal/exchange.h"
#include "tests/unit/hub/cli/support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;

class Warnings : public CommandLineTest<ManagementTest> {};

// Rows: R-13-08
TEST_F(Warnings, name_that_the_portal_would_not_take_is_warned_of_beside_the_answer) {
  furnish();
  ASSERT_EQ(run("-o json policy create -n " + std::string(51, 'p')), 0) << err;
  EXPECT_THAT(err, HasSubstr("latchkey: warning: "));
  EXPECT_THAT(err, HasSubstr("50 characters"));
  EXPECT_TRUE(json::accept(out)) << out;
}

TEST_F(Warnings, nothing_is_said_where_there_is_nothing_to_warn_of) {
  furnish();
  ASSERT_EQ(run("policy create -n " + std::string(50, 'p')), 0) << err;
  EXPECT_EQ(err, "");
}

TEST(WarningText, is_what_stands_between_the_quotes) {
  EXPECT_EQ(cli::warning_text(R"(299 latchkey "too long")"), "too long");
  for (const char* other : {"", "299", R"(299 - ")", "plain words"}) EXPECT_EQ(cli::warning_text(other), other);
}

TEST_F(Warnings, status_shows_what_is_followed) {
  ASSERT_EQ(run("status"), 0) << err;
  EXPECT_THAT(out, testing::ContainsRegex("PARITY +-\n"));
  played.state.parity = {"azure-preview", "azure-roles"};
  ASSERT_EQ(run("status"), 0) << err;
  EXPECT_THAT(out, testing::ContainsRegex("PARITY +azure-preview, azure-roles\n"));
}

}  // namespace
}  // namespace latchkey::hub::management
