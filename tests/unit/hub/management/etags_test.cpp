// SPDX-License-Identifier: Apache-2.0
// Conditions: an entity tag says which state its holder saw, and an act on another state is refused (412).
#include "hub/management/internal/etags.h"

#include <atomic>
#include <thread>

#include "tests/unit/hub/management/arm_support.h"

namespace latchkey::hub::management {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(EtagsInField, lists_weak_ones_and_unquoted_ones_are_read) {
  EXPECT_THAT(*etags_in("\"a-1\""), ElementsAre("a-1"));
  EXPECT_THAT(*etags_in("W/\"a-1\" , b-2"), ElementsAre("a-1", "b-2"));
  for (const auto* any : {"", "*", "\"*\"", "  "}) EXPECT_THAT(*etags_in(any), IsEmpty()) << any;
}

TEST(EtagsInField, what_is_no_list_of_tags_is_refused) {
  for (const auto& bad : {std::string("\"a"), std::string("a b"), std::string(","), std::string("a,"),
                          std::string("\"\""), std::string("W/"), std::string(2000, 'x')}) {
    EXPECT_FALSE(etags_in(bad)) << bad;
  }
}

class Etags : public ArmTest {
 protected:
  void SetUp() override {
    furnish();
    ASSERT_EQ(arm(Method::kPut, device, json::object()).status, 201);
  }
  const std::string device = ns("/devices/pump");
  Answered enable(bool enabled, const std::string& if_match) {
    return arm(Method::kPatch, device, {{"properties", {{"enabled", enabled}}}}, {.if_match = if_match});
  }
};

// Rows: R-1-05
TEST_F(Etags, device_is_changed_by_who_saw_its_state_and_by_nobody_else) {
  const auto seen = arm(Method::kGet, device);
  ASSERT_FALSE(seen.etag.empty());
  EXPECT_EQ(seen.body["etag"], seen.etag);
  const auto first = enable(false, '"' + seen.etag + '"');
  EXPECT_EQ(first.status, 200);
  EXPECT_NE(first.etag, seen.etag);
  const auto second = enable(true, '"' + seen.etag + '"');
  EXPECT_EQ(second.status, 412);
  EXPECT_EQ(second.code(), "PreconditionFailed");
  EXPECT_EQ(arm(Method::kGet, device).body["properties"]["enabled"], false);
  EXPECT_EQ(enable(true, "*").status, 200);
}

// Rows: R-1-05
TEST_F(Etags, stale_tag_neither_revokes_nor_deletes) {
  const auto stale = arm(Method::kGet, device).etag;
  const auto credential = arm(Method::kPatch, device, {{"tags", {{"a", "b"}}}}).body["properties"]["credentialId"];
  EXPECT_EQ(arm(Method::kPost, device + "/revoke", json::object(), {.if_match = stale}).status, 412);
  EXPECT_EQ(arm(Method::kDelete, device, {}, {.if_match = stale}).status, 412);
  const auto now = arm(Method::kGet, device);
  EXPECT_EQ(now.body["properties"]["credentialId"], credential);
  EXPECT_EQ(arm(Method::kDelete, device, {}, {.if_match = now.etag}).status, 202);
}

TEST_F(Etags, device_that_was_made_again_has_another_tag) {
  const auto before = arm(Method::kGet, device).etag;
  ASSERT_EQ(arm(Method::kDelete, device).status, 202);
  ASSERT_EQ(arm(Method::kPut, device, json::object()).status, 201);
  EXPECT_NE(arm(Method::kGet, device).etag, before);
}

TEST_F(Etags, presence_is_a_condition) {
  EXPECT_EQ(arm(Method::kPut, device, json::object(), {.if_none_match = "*"}).status, 412);
  EXPECT_EQ(arm(Method::kPut, ns("/devices/fan-1"), json::object(), {.if_match = "*"}).status, 412);
  EXPECT_EQ(arm(Method::kGet, ns("/devices/fan-1")).status, 404);
  EXPECT_EQ(arm(Method::kPut, ns("/devices/fan-1"), json::object(), {.if_none_match = "*"}).status, 201);
}

// Rows: R-7-14, R-9-04
TEST_F(Etags, hub_certificate_is_deleted_only_by_who_says_which) {
  const auto listed = arm(Method::kGet, hub("/certificates")).body["value"][0];
  const auto path = hub("/certificates/" + listed["name"].get<std::string>());
  EXPECT_EQ(arm(Method::kDelete, path).status, 412);
  EXPECT_EQ(arm(Method::kDelete, path, {}, {.if_match = "\"other\""}).status, 412);
  EXPECT_EQ(arm(Method::kGet, path).etag, listed["etag"]);
  EXPECT_EQ(arm(Method::kDelete, path, {}, {.if_match = listed["etag"]}).status, 204);
  EXPECT_EQ(arm(Method::kGet, path).status, 404);
}

TEST_F(Etags, of_many_writers_with_one_tag_one_comes_through) {
  const auto tag = arm(Method::kGet, device).etag;
  std::atomic<int> changed{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&, i] {
      const auto seen = arm(Method::kPatch, device, {{"tags", {{"writer", std::to_string(i)}}}}, {.if_match = tag});
      EXPECT_TRUE(seen.status == 200 || seen.status == 412) << seen.status;
      (seen.status == 200 ? changed : refused)++;
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(changed, 1);
  EXPECT_EQ(refused, 7);
}

TEST_F(Etags, writers_of_different_attributes_lose_none) {
  std::vector<std::thread> writers;
  const char* names[] = {"manufacturer", "model", "operatingSystemVersion"};
  for (const char* name : names) {
    writers.emplace_back([&, name] {
      const auto seen = arm(Method::kPatch, device, {{"properties", {{name, "x"}}}});
      EXPECT_EQ(seen.status, 200) << seen.body;
    });
  }
  for (auto& writer : writers) writer.join();
  const auto properties = arm(Method::kGet, device).body["properties"];
  for (const char* name : names) EXPECT_EQ(properties[name], "x");
}

}  // namespace
}  // namespace latchkey::hub::management
