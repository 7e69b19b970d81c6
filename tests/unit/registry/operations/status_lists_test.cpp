// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/status_lists.h"

#include <thread>

#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class StatusListsTest : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    lists = std::make_unique<StatusLists>(rows_of(*registry));
  }
  std::vector<std::string> paths_behind(std::int64_t version) {
    std::vector<std::string> paths;
    for (auto next = must(lists->next(version)); next; next = must(lists->next(next->version))) {
      paths.push_back(next->path);
    }
    return paths;
  }

  std::unique_ptr<StatusLists> lists;
};

TEST_F(StatusListsTest, lists_are_found_in_the_order_in_which_they_were_put) {
  EXPECT_FALSE(must(lists->next(0)));
  const auto first = must(lists->put("b.crl", 1, {1}));
  must(lists->put("a.crl", 1, {2}));
  EXPECT_EQ(paths_behind(0), (std::vector<std::string>{"b.crl", "a.crl"}));
  EXPECT_EQ(paths_behind(first), (std::vector<std::string>{"a.crl"}));
  must(lists->put("b.crl", 2, {3}));
  EXPECT_EQ(paths_behind(0), (std::vector<std::string>{"a.crl", "b.crl"})) << "the one before is no more";
  const auto last = must(lists->next(first + 1));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->list, Bytes{3});
}

TEST_F(StatusListsTest, list_of_a_node_that_is_late_does_not_replace_a_newer_one) {
  must(lists->put("a.crl", 5, {5}));
  for (const std::uint64_t number : {5, 4}) {
    const auto late = lists->put("a.crl", number, {9});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().reason, Reason::kPreconditionFailed);
  }
  EXPECT_EQ(must(lists->next(0))->list, Bytes{5});
  EXPECT_TRUE(lists->put("a.crl", 6, {6}));
}

TEST_F(StatusListsTest, who_puts_at_once_has_another_version_each) {
  constexpr int kEach = 25;
  std::vector<std::thread> threads;
  for (int node = 0; node < 4; ++node) {
    threads.emplace_back([this, node] {
      for (int i = 0; i < kEach; ++i) {
        EXPECT_TRUE(lists->put(std::to_string(node) + "/" + std::to_string(i) + ".crl", 1, {1}));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(paths_behind(0).size(), 4u * kEach);
}

}  // namespace
}  // namespace latchkey::registry
