// SPDX-License-Identifier: Apache-2.0
#include "hub/twin/initial.h"

#include <gtest/gtest.h>

#include "hub/twin/document.h"

namespace latchkey::hub::twin {
namespace {

using registry::Reason;

constexpr UnixMs kBorn = 1'768'730'400'123;  // 2026-01-18T10:00:00.123Z
constexpr const char* kBornText = "2026-01-18T10:00:00.1230000Z";

Reason refusal(const std::string& json) {
  const auto twin = read_initial(json);
  return twin ? Reason::kNone : twin.error().reason;
}

TEST(InitialTwin, both_documents_are_read_and_what_a_service_adds_is_left_out) {
  const auto twin = read_initial(
      R"({"tags":{"floor":3,"$metadata":{}},"properties":{"desired":{"a":{"b":1,"c":null},"$version":7}}})");
  ASSERT_TRUE(twin) << twin.error().detail;
  EXPECT_EQ(Json::parse(twin->tags), Json::parse(R"({"floor":3})"));
  EXPECT_EQ(Json::parse(twin->desired), Json::parse(R"({"a":{"b":1}})"));
}

TEST(InitialTwin, nothing_in_it_is_none) {
  for (const char* json : {"{}", R"({"tags":{}})", R"({"properties":{}})", R"({"properties":{"desired":{}}})",
                           R"({"tags":{"a":null},"properties":{"desired":{"$version":1}}})"}) {
    const auto twin = read_initial(json);
    ASSERT_TRUE(twin) << json;
    EXPECT_TRUE(twin->empty()) << json;
  }
}

TEST(InitialTwin, what_is_no_initial_twin_is_refused) {
  for (const char* json : {"", "[]", "1", "{", R"({"tags":1})", R"({"tags":[]})", R"({"properties":[]})",
                           R"({"properties":{"desired":"x"}})", R"({"properties":{"reported":{}}})", R"({"more":{}})",
                           R"({"tags":{},"desired":{}})"}) {
    EXPECT_EQ(refusal(json), Reason::kMalformedRequest) << json;
  }
}

TEST(InitialTwin, rules_and_limits_of_twins_hold_and_the_refusal_names_the_place) {
  const auto sized = [](const char* before, std::size_t size, const char* after) {
    std::string json = before;
    for (std::size_t i = 0; i < size / 1024; ++i) {
      json += (i == 0 ? "\"k" : ",\"k") + std::to_string(1000 + i) + "\":\"" + std::string(1024 - 5, 'x') + "\"";
    }
    return json + after;
  };
  EXPECT_EQ(refusal(sized(R"({"tags":{)", kMaxTags, "}}")), Reason::kNone);
  EXPECT_EQ(refusal(sized(R"({"tags":{)", kMaxTags + 1024, "}}")), Reason::kInvalidArgument);
  EXPECT_EQ(refusal(sized(R"({"properties":{"desired":{)", kMaxProperties, "}}}")), Reason::kNone);
  EXPECT_EQ(refusal(sized(R"({"properties":{"desired":{)", kMaxProperties + 1024, "}}}")), Reason::kInvalidArgument);
  for (const char* json : {R"({"tags":{"a.b":1}})", R"({"tags":{"$x":1}})", R"({"tags":{"":1}})",
                           R"({"properties":{"desired":{"n":4503599627370496}}})"}) {
    EXPECT_EQ(refusal(json), Reason::kInvalidArgument) << json;
  }
  EXPECT_EQ(read_initial(R"({"tags":{"a b":1}})").error().detail.find("in 'initialTwin': 'a b'"), 0u);
}

// What the registry made of it (registry::Twin).
TEST(InitialTwin, document_that_a_device_was_born_with_was_all_changed_then) {
  const auto desired = load(R"({"born":)" + std::to_string(kBorn) + R"(,"version":1,"value":{"a":{"b":1},"c":[2]}})");
  ASSERT_TRUE(desired) << desired.error().detail;
  EXPECT_EQ(desired->value, Json::parse(R"({"a":{"b":1},"c":[2]})"));
  EXPECT_EQ(desired->metadata["$lastUpdated"], kBornText);
  EXPECT_EQ(desired->metadata["a"]["b"]["$lastUpdated"], kBornText);
  EXPECT_EQ(desired->metadata["c"]["$lastUpdatedVersion"], 1);
  const auto tags = load(R"({"born":)" + std::to_string(kBorn) + R"(,"value":{"a":1}})");
  ASSERT_TRUE(tags);
  EXPECT_FALSE(tags->metadata["a"].contains("$lastUpdatedVersion"));
  EXPECT_EQ(load(store(*desired))->metadata, desired->metadata);
}

TEST(InitialTwin, damaged_wrapping_is_refused) {
  for (const char* text : {R"({"born":"x","value":{}})", R"({"born":1})", R"({"born":1,"value":[]})"}) {
    const auto section = load(text);
    ASSERT_FALSE(section) << text;
    EXPECT_EQ(section.error().reason, Reason::kStorage);
  }
}

}  // namespace
}  // namespace latchkey::hub::twin
