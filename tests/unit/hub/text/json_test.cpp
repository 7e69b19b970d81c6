// SPDX-License-Identifier: Apache-2.0
#include "hub/text/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace latchkey::hub::text {
namespace {

std::optional<Json> parse(const std::string& text) { return parse_object({text.begin(), text.end()}); }

TEST(JsonText, stands_on_one_line_with_members_as_they_were_put) {
  EXPECT_EQ(dump(Json{{"b", 1}, {"a", {{"c", nullptr}}}}), R"({"b":1,"a":{"c":null}})");
}

TEST(JsonText, text_that_is_no_utf8_is_replaced_and_does_not_throw) {
  EXPECT_EQ(dump(Json("bad \xff text")), "\"bad \xef\xbf\xbd text\"");
  EXPECT_EQ(dump(nlohmann::json("bad \xff text")), "\"bad \xef\xbf\xbd text\"");
}

TEST(JsonText, error_has_the_four_members_and_a_fresh_tracking_id) {
  const Json error = error_json(401002, "Unauthorized", 0);
  EXPECT_EQ(error.size(), 4u);
  EXPECT_EQ(error["errorCode"], 401002);
  EXPECT_EQ(error["message"], "Unauthorized");
  EXPECT_EQ(error["timestampUtc"], "1970-01-01T00:00:00.0000000Z");
  EXPECT_NE(error["trackingId"], error_json(401002, "Unauthorized", 0)["trackingId"]);
}

TEST(JsonText, certificates_keep_their_order) {
  EXPECT_EQ(certificates_json({{1, 2, 3}, {4}}), (Json{"AQID", "BA=="}));
  EXPECT_EQ(certificates_json({}), Json::array());
}

TEST(JsonText, only_an_object_is_parsed) {
  EXPECT_TRUE(parse("{}"));
  for (const char* text : {"", " ", "x", "[]", "1", "null", "\"{}\"", "{}}", "{"}) EXPECT_FALSE(parse(text)) << text;
}

TEST(JsonText, members_of_another_type_are_not_there) {
  const Json object = *parse(R"({"text":"a","count":7,"below":-7,"part":1.5,"nothing":null})");
  EXPECT_EQ(text_member(object, "text"), "a");
  EXPECT_EQ(unsigned_member(object, "count"), 7u);
  EXPECT_EQ(integer_member(object, "below"), -7);
  EXPECT_EQ(integer_member(object, "count"), 7);
  for (const char* name : {"count", "nothing", "absent"}) EXPECT_FALSE(text_member(object, name)) << name;
  for (const char* name : {"text", "below", "part", "nothing", "absent"}) {
    EXPECT_FALSE(unsigned_member(object, name)) << name;
  }
  for (const char* name : {"text", "part", "nothing", "absent"}) EXPECT_FALSE(integer_member(object, name)) << name;
}

}  // namespace
}  // namespace latchkey::hub::text
