// SPDX-License-Identifier: Apache-2.0
#include "registry/store/memo.h"

#include <gtest/gtest.h>

namespace latchkey::registry::store {
namespace {

class MemoTest : public testing::Test {
 protected:
  // What is found in a table that says how often it was read.
  int recall(std::string_view kind, std::string_view key) {
    const auto found = memo_.recall(kind, key, [this]() -> Outcome<int> { return ++reads_; });
    EXPECT_TRUE(found);
    return *found;
  }

  Memo memo_;
  int reads_ = 0;
};

TEST_F(MemoTest, keeps_nothing_before_it_knows_of_which_edition) {
  EXPECT_EQ(recall("policy", "a"), 1);
  EXPECT_EQ(recall("policy", "a"), 2);
}

TEST_F(MemoTest, reads_once_for_each_kind_and_key_of_an_edition) {
  memo_.begin(7, 1);
  EXPECT_EQ(recall("policy", "a"), 1);
  EXPECT_EQ(recall("policy", "b"), 2);
  EXPECT_EQ(recall("hubs", "a"), 3);
  memo_.begin(7, 1);
  EXPECT_EQ(recall("policy", "a"), 1);
  EXPECT_EQ(recall("policy", "b"), 2);
  EXPECT_EQ(recall("hubs", "a"), 3);
}

TEST_F(MemoTest, another_edition_or_connection_is_read_anew_also_an_older_one) {
  memo_.begin(7, 1);
  EXPECT_EQ(recall("policy", "a"), 1);
  memo_.begin(8, 1);
  EXPECT_EQ(recall("policy", "a"), 2);
  memo_.begin(7, 1);
  EXPECT_EQ(recall("policy", "a"), 3);
  memo_.begin(7, 2);
  EXPECT_EQ(recall("policy", "a"), 4);
}

TEST_F(MemoTest, forgets_and_keeps_nothing_for_the_rest_of_the_transaction) {
  memo_.begin(7, 1);
  EXPECT_EQ(recall("policy", "a"), 1);
  memo_.forget();
  EXPECT_EQ(recall("policy", "a"), 2);
  EXPECT_EQ(recall("policy", "a"), 3);
  memo_.begin(7, 1);
  EXPECT_EQ(recall("policy", "a"), 4);
  EXPECT_EQ(recall("policy", "a"), 4);
}

TEST_F(MemoTest, error_is_asked_for_again) {
  memo_.begin(7, 1);
  const auto failed = memo_.recall("policy", "a", []() -> Outcome<int> { return refuse(Reason::kStorage, "gone"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().detail, "gone");
  EXPECT_EQ(recall("policy", "a"), 1);
}

TEST_F(MemoTest, grows_by_no_more_than_a_transaction_asks_for) {
  memo_.begin(7, 1);
  for (int i = 0; i < 1'001; ++i) recall("enrollment", std::to_string(i));
  memo_.begin(7, 1);
  EXPECT_EQ(recall("enrollment", "0"), 1'002);
}

}  // namespace
}  // namespace latchkey::registry::store
