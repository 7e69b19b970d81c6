// SPDX-License-Identifier: Apache-2.0
#include "hub/text/strict_json.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace latchkey::hub::text {
namespace {

using testing::HasSubstr;

std::string problem_of(const std::string& text) {
  const auto parsed = parse_strict(text);
  return parsed ? "" : parsed.error();
}
std::string nested(int depth) {
  const auto count = static_cast<std::size_t>(depth);
  return std::string(count, '[') + std::string(count, ']');
}

TEST(StrictJson, document_is_read_as_it_stands) {
  const auto parsed = parse_strict(R"({"a":[1,{"a":null}],"b":"x"})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->at("a").at(0), 1);
  EXPECT_EQ(parsed->at("b"), "x");
}

TEST(StrictJson, what_is_not_json_is_refused_with_the_place) {
  for (const char* text : {"", " ", "{", "{}}", "{'a':1}", "{\"a\":1,}", "nul", "\"\xff\""}) {
    EXPECT_THAT(problem_of(text), HasSubstr("not JSON (at byte ")) << text;
  }
}

TEST(StrictJson, name_given_twice_in_one_object_is_refused_at_any_depth) {
  EXPECT_EQ(problem_of(R"({"a":1,"a":1})"), "the member 'a' is given twice");
  EXPECT_EQ(problem_of(R"([{"x":{"b":1,"b":2}}])"), "the member 'b' is given twice");
  EXPECT_EQ(problem_of(R"({"a":{"a":1},"b":[{"a":1},{"a":1}]})"), "");
}

TEST(StrictJson, nesting_ends_at_sixteen) {
  EXPECT_EQ(problem_of(nested(16)), "");
  EXPECT_EQ(problem_of(nested(17)), "nested deeper than 16");
}

TEST(StrictJson, long_name_is_not_repeated_whole) {
  EXPECT_EQ(shown(std::string(64, 'n')), std::string(64, 'n'));
  EXPECT_EQ(shown(std::string(65, 'n')), std::string(64, 'n') + "...");
}

}  // namespace
}  // namespace latchkey::hub::text
