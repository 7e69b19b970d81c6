// SPDX-License-Identifier: Apache-2.0
// Lists in pages: every item once, by links that need not be understood.
#include "tests/unit/hub/management/arm_support.h"

namespace latchkey::hub::management {
namespace {

using testing::StartsWith;

class Paging : public ArmTest {
 protected:
  void SetUp() override {
    furnish();
    for (int i = 0; i < 7; ++i) {
      ASSERT_TRUE(registry->create_device({"test", clock.now()}, "default", "dev:" + std::to_string(i)));
    }
  }
  // Names over all pages, and how many pages there were.
  std::pair<std::vector<std::string>, int> walk(Answered page) {
    std::vector<std::string> names;
    for (int pages = 1;; ++pages) {
      EXPECT_EQ(page.status, 200) << page.body;
      for (const auto& item : page.body["value"]) names.push_back(item["name"]);
      if (!page.body.contains("nextLink")) return {names, pages};
      page = follow(page.body["nextLink"]);
    }
  }
};

// Rows: R-3-12
TEST_F(Paging, link_is_absolute_and_leads_through_all_items_once) {
  const auto first = arm(Method::kGet, ns("/devices?$top=3"));
  EXPECT_THAT(first.body["nextLink"].get<std::string>(), StartsWith(base + ns("/devices?api-version=")));
  const auto [names, pages] = walk(first);
  EXPECT_EQ(pages, 3);
  ASSERT_EQ(names.size(), 7u);
  EXPECT_EQ(names.front(), "dev:0");
  EXPECT_EQ(names.back(), "dev:6");
}

TEST_F(Paging, item_deleted_between_pages_hides_no_other) {
  const auto first = arm(Method::kGet, ns("/devices?$top=3"));
  ASSERT_EQ(remove(kDevices + "/dev%3A2").status, 204);
  ASSERT_EQ(remove(kDevices + "/dev%3A3").status, 204);
  EXPECT_EQ(walk(first).first.size(), 6u);
}

// Rows: R-3-12
TEST_F(Paging, lists_of_namespaces_and_policies_have_pages) {
  for (const char* name : {"plant-b", "plant-a"}) ASSERT_EQ(put(std::string("/namespaces/") + name).status, 201);
  const auto all = walk(arm(Method::kGet, group() + "/providers/Microsoft.DeviceRegistry/namespaces?$top=1"));
  EXPECT_EQ(all.first, (std::vector<std::string>{"default", "plant-a", "plant-b"}));
  EXPECT_EQ(all.second, 3);
  ASSERT_EQ(put(kPolicies + "/another").status, 201);
  EXPECT_EQ(walk(arm(Method::kGet, ns("/credentials/default/policies?$top=1"))).first.size(), 2u);
}

TEST_F(Paging, page_size_and_token_that_make_no_sense_are_refused) {
  for (const auto* bad : {"$top=0", "$top=-1", "$top=1001", "$top=many", "$skipToken=***", "$top=1&$top=2"}) {
    EXPECT_EQ(arm(Method::kGet, ns(std::string("/devices?") + bad)).status, 400) << bad;
  }
}

}  // namespace
}  // namespace latchkey::hub::management
