// SPDX-License-Identifier: Apache-2.0
#include "hub/twin/document.h"

#include <gtest/gtest.h>

#include <string>

namespace latchkey::hub::twin {
namespace {

using registry::Reason;

constexpr UnixMs kNow = 1'768'730'400'123;  // 2026-01-18T10:00:00.123Z
constexpr const char* kNowText = "2026-01-18T10:00:00.1230000Z";

Section section(const Json& value) { return *replaced({}, value, {kNow - 1000, {}}, kMaxProperties); }

struct MergeCase {
  const char* claim;
  const char* before;
  const char* patch;
  const char* after;
};

TEST(TwinDocument, patch_changes_what_the_documentation_says) {
  const MergeCase cases[] = {
      {"a new property is added", R"({})", R"({"a":1})", R"({"a":1})"},
      {"what is not named stays", R"({"a":1,"b":2})", R"({"a":3})", R"({"a":3,"b":2})"},
      {"null removes", R"({"a":1,"b":2})", R"({"a":null})", R"({"b":2})"},
      {"null for what is not there does nothing", R"({"b":2})", R"({"a":null})", R"({"b":2})"},
      {"objects are merged", R"({"o":{"x":1,"y":2}})", R"({"o":{"y":3}})", R"({"o":{"x":1,"y":3}})"},
      {"null removes inside an object", R"({"o":{"x":1,"y":2}})", R"({"o":{"x":null}})", R"({"o":{"y":2}})"},
      {"an object may become empty", R"({"o":{"x":1}})", R"({"o":{"x":null}})", R"({"o":{}})"},
      {"an object takes the place of a value", R"({"o":5})", R"({"o":{"x":1}})", R"({"o":{"x":1}})"},
      {"a value takes the place of an object", R"({"o":{"x":1}})", R"({"o":5})", R"({"o":5})"},
      {"nulls in a new object are left out", R"({})", R"({"o":{"x":null,"y":{"z":null}}})", R"({"o":{"y":{}}})"},
      {"an array is replaced as a whole", R"({"l":[1,2,3]})", R"({"l":[4]})", R"({"l":[4]})"},
      {"names are case-sensitive", R"({"a":1})", R"({"A":2})", R"({"A":2,"a":1})"},
      {"types are kept", R"({})", R"({"b":true,"n":1.5,"s":"x","i":-3})", R"({"b":true,"n":1.5,"s":"x","i":-3})"},
      {"an empty patch changes nothing", R"({"a":1})", R"({})", R"({"a":1})"},
  };
  for (const auto& one : cases) {
    const auto after = merged(section(Json::parse(one.before)), Json::parse(one.patch), {kNow, {}}, kMaxProperties);
    ASSERT_TRUE(after) << one.claim;
    EXPECT_EQ(after->value, Json::parse(one.after)) << one.claim;
  }
}

TEST(TwinDocument, difference_makes_the_one_of_the_other) {
  const char* pairs[][2] = {{R"({})", R"({"a":1})"},
                            {R"({"a":1,"b":{"c":1,"d":2}})", R"({"b":{"d":3}})"},
                            {R"({"a":{"b":1}})", R"({"a":5})"},
                            {R"({"a":5})", R"({"a":{"b":{"c":[1]}}})"},
                            {R"({"a":[1],"b":{}})", R"({"a":[1,2],"b":{}})"},
                            {R"({"same":{"x":1}})", R"({"same":{"x":1}})"}};
  for (const auto& [from, to] : pairs) {
    const Json before = Json::parse(from);
    const Json after = Json::parse(to);
    const Json patch = difference(before, after);
    EXPECT_EQ(merged(section(before), patch, {kNow, {}}, kMaxProperties)->value, after) << patch.dump();
    EXPECT_EQ(patch.empty(), before == after);
  }
}

TEST(TwinDocument, replacing_forgets_what_was_there) {
  const auto after = replaced(section({{"a", 1}}), {{"b", nullptr}, {"c", 2}}, {kNow, 7}, kMaxProperties);
  EXPECT_EQ(after->value, Json({{"c", 2}}));
  EXPECT_FALSE(after->metadata.contains("a"));
}

TEST(TwinDocument, metadata_says_when_each_property_was_changed_last) {
  const auto after = merged(section({{"a", 1}, {"o", {{"x", 1}, {"y", 2}}}}), {{"o", {{"x", 9}, {"y", nullptr}}}},
                            {kNow, 4}, kMaxProperties);
  const Json& metadata = after->metadata;
  EXPECT_EQ(metadata["$lastUpdated"], kNowText);
  EXPECT_EQ(metadata["$lastUpdatedVersion"], 4);
  EXPECT_EQ(metadata["o"]["$lastUpdated"], kNowText);
  EXPECT_EQ(metadata["o"]["x"]["$lastUpdated"], kNowText);
  EXPECT_FALSE(metadata["o"].contains("y"));
  EXPECT_NE(metadata["a"]["$lastUpdated"], kNowText);
  EXPECT_FALSE(metadata["a"].contains("$lastUpdatedVersion"));
}

// Levels of objects below the document.
Json nested(int levels) {
  Json value = 1;
  for (int i = 0; i < levels; ++i) value = Json{{"x", std::move(value)}};
  return Json{{"x", std::move(value)}};
}

TEST(TwinDocument, properties_within_the_rules_are_taken) {
  const Json good[] = {Json::object(),
                       {{"a", nullptr}},
                       {{std::string(1024, 'k'), 1}},
                       {{"grüße_-:/@", "ü"}},
                       {{"s", std::string(4096, 's')}},
                       {{"i", 4'503'599'627'370'495}},
                       {{"i", -4'503'599'627'370'496}},
                       {{"d", 1e300}},
                       {{"l", {1, "two", {{"three", 3}}}}},
                       nested(10)};
  for (const auto& one : good) EXPECT_TRUE(check_properties(one)) << one.dump().substr(0, 80);
}

TEST(TwinDocument, properties_against_the_rules_are_refused) {
  const Json bad[] = {{{"", 1}},
                      {{"a.b", 1}},
                      {{"a$", 1}},
                      {{"$version", 1}},
                      {{"a b", 1}},
                      {{"a\tb", 1}},
                      {{"a\x7f", 1}},
                      {{"a\xc2\x85", 1}},  // C1
                      {{std::string(1025, 'k'), 1}},
                      {{"s", std::string(4097, 's')}},
                      {{"i", 4'503'599'627'370'496}},
                      {{"i", -4'503'599'627'370'497}},
                      {{"i", std::uint64_t{1} << 63}},
                      {{"o", {{"in.side", 1}}}},
                      {{"l", {{{"in.side", 1}}}}},
                      nested(11)};
  for (const auto& one : bad) {
    const auto checked = check_properties(one);
    ASSERT_FALSE(checked) << one.dump().substr(0, 80);
    EXPECT_EQ(checked.error().reason, Reason::kInvalidArgument);
    EXPECT_LT(checked.error().detail.size(), 200u);
  }
}

TEST(TwinDocument, size_counts_as_the_service_does) {
  EXPECT_EQ(size_of({{"ab", "cde"}}), 5u);
  EXPECT_EQ(size_of({{"ab", 1}}), 10u);
  EXPECT_EQ(size_of({{"ab", 1.5}}), 10u);
  EXPECT_EQ(size_of({{"ab", true}}), 6u);
  EXPECT_EQ(size_of({{"o", {{"k", "v"}}}}), 3u);
  EXPECT_EQ(size_of({{"l", {"ab", 1}}}), 11u);
  EXPECT_EQ(size_of({{"ü", "é\n\x7f"}}), 2u);  // characters, not bytes; control characters do not count
  EXPECT_EQ(size_of({{"g", "\xf0\x9d\x84\x9e"}}), 2u);
}

TEST(TwinDocument, document_may_be_as_large_as_the_limit_and_no_larger) {
  Json full = Json::object();
  for (int i = 0; i < 8; ++i) full["k" + std::to_string(i)] = std::string(4094, 'x');  // 8 * 4096
  EXPECT_TRUE(merged({}, full, {kNow, {}}, kMaxProperties));
  full["m"] = "";
  const auto beyond = merged({}, full, {kNow, {}}, kMaxProperties);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().reason, Reason::kInvalidArgument);
}

TEST(TwinDocument, document_that_is_too_large_may_shrink) {
  const Section large = *replaced({}, {{"a", std::string(100, 'x')}, {"b", std::string(100, 'x')}}, {kNow, {}}, 1000);
  EXPECT_TRUE(merged(large, {{"a", nullptr}}, {kNow, {}}, 50));
  EXPECT_FALSE(merged(large, {{"c", 1}}, {kNow, {}}, 50));
}

TEST(TwinDocument, text_that_is_no_object_is_refused) {
  for (const std::string text :
       {"", " ", "nonsense", "[]", "5", "null", "{", "{}x", "{\"a\":1e999}", "{\"a\":\"\xff\"}"}) {
    const auto read = read_object(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().reason, Reason::kMalformedRequest);
  }
  EXPECT_FALSE(read_object("{\"a\":\"" + std::string(kMaxPatch, 'x') + "\"}"));
}

TEST(TwinDocument, deep_text_is_refused_without_harm) {
  const std::size_t levels = kMaxPatch / 8;
  const auto deep = read_object("{\"a\":" + std::string(levels, '[') + std::string(levels, ']') + "}");
  ASSERT_TRUE(deep);
  EXPECT_FALSE(check_properties(*deep));
}

TEST(TwinDocument, stored_section_comes_back_and_damage_is_found) {
  const Section before = section({{"a", {{"b", "ü"}}}, {"l", {1, 2}}});
  const auto after = load(store(before));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->value, before.value);
  EXPECT_EQ(after->metadata, before.metadata);
  EXPECT_TRUE(load("")->value.empty());
  for (const char* text : {"{", "[]", "{}", R"({"value":{}})", R"({"value":1,"metadata":{}})"}) {
    EXPECT_EQ(load(text).error().reason, Reason::kStorage) << text;
  }
}

}  // namespace
}  // namespace latchkey::hub::twin
