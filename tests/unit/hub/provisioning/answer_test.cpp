// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace latchkey::hub::provisioning {
namespace {

using Json = nlohmann::json;

std::set<std::string> members(const Json& json) {
  std::set<std::string> names;
  for (const auto& [name, value] : json.items()) names.insert(name);
  return names;
}

TEST(Answer, operation_ids_are_short_safe_and_different) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = new_operation_id();
    EXPECT_LT(id.size(), 64U);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef.-"), std::string::npos) << id;
    EXPECT_TRUE(seen.insert(id).second);
  }
}

// Rows: R-10-20
TEST(Answer, error_has_exactly_the_documented_members) {
  const Json json = Json::parse(error_body(401002, "Unauthorized", 0));
  EXPECT_EQ(members(json), (std::set<std::string>{"errorCode", "trackingId", "message", "timestampUtc"}));
  EXPECT_EQ(json["errorCode"], 401002);
  EXPECT_EQ(json["message"], "Unauthorized");
  EXPECT_EQ(json["trackingId"].get<std::string>().size(), 36U);
}

TEST(Answer, message_that_is_no_utf8_does_not_throw) {
  EXPECT_TRUE(Json::parse(error_body(400012, "bad \xff text", 0), nullptr, false).is_object());
}

RegistrationState assigned_state() {
  RegistrationState state;
  state.operation_id = "5.op";
  state.registration_id = "dev-1";
  state.status = "assigned";
  state.assigned_hub = "hub.example";
  state.device_id = "dev-1";
  state.substatus = "initialAssignment";
  state.chain = {{1, 2, 3}, {4}, {5}};
  return state;
}

TEST(Answer, assigned_has_exactly_the_documented_members) {
  auto state = assigned_state();
  state.attestation = registry::AttestationKind::kX509;
  const Json json = Json::parse(state_body(state));
  EXPECT_EQ(members(json), (std::set<std::string>{"operationId", "status", "registrationState"}));
  EXPECT_EQ(members(json["registrationState"]),
            (std::set<std::string>{"x509", "registrationId", "createdDateTimeUtc", "assignedHub", "deviceId", "status",
                                   "substatus", "lastUpdatedDateTimeUtc", "etag", "issuedCertificateChain"}));
  EXPECT_EQ(json["registrationState"]["x509"], Json::object());
  EXPECT_EQ(json["registrationState"]["issuedCertificateChain"], (Json{"AQID", "BA==", "BQ=="}));
}

TEST(Answer, symmetric_key_names_its_group) {
  auto state = assigned_state();
  state.enrollment_group = "line-1";
  EXPECT_EQ(Json::parse(state_body(state))["registrationState"]["symmetricKey"],
            (Json{{"enrollmentGroupId", "line-1"}}));
  state.enrollment_group.clear();
  EXPECT_EQ(Json::parse(state_body(state))["registrationState"]["symmetricKey"], Json::object());
}

TEST(Answer, chain_is_left_out_when_nothing_was_issued) {
  auto state = assigned_state();
  state.chain.clear();
  EXPECT_FALSE(Json::parse(state_body(state))["registrationState"].contains("issuedCertificateChain"));
}

TEST(Answer, stored_answer_comes_back) {
  const auto loaded = load_answer(store_answer({77, 88, R"({"a":"b"})"}));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->sequence, 77U);
  EXPECT_EQ(loaded->orphan_at, 88);
  EXPECT_EQ(loaded->body, R"({"a":"b"})");
}

TEST(Answer, stored_body_is_taken_as_it_is) {
  for (const std::string body : {"", "\n", "{}\n1\n2\n", R"({"a":"\"\\"})"}) {
    const auto loaded = load_answer(store_answer({1, -2, body}));
    ASSERT_TRUE(loaded) << body;
    EXPECT_EQ(loaded->orphan_at, -2);
    EXPECT_EQ(loaded->body, body);
  }
}

// A poll may come a day after the registration, and another version of the hub may have started meanwhile.
TEST(Answer, answer_that_a_former_version_stored_is_loaded) {
  const std::string text = R"({"sequence":77,"orphanAt":88,"body":"{\"a\":\"b\"}"})";
  const auto loaded = load_answer({text.begin(), text.end()});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->sequence, 77U);
  EXPECT_EQ(loaded->orphan_at, 88);
  EXPECT_EQ(loaded->body, R"({"a":"b"})");
}

TEST(Answer, what_was_not_stored_by_us_is_not_loaded) {
  for (const std::string text : {"", "x", "1", "1\n", "1\n2", "\n2\n", "1\n\nx", "-1\n2\nx", "1 \n2\nx", "1\n2x\n",
                                 "99999999999999999999\n2\nx", "[]", "{}", R"({"sequence":-1,"orphanAt":0,"body":""})",
                                 R"({"sequence":1,"orphanAt":"0","body":""})", R"({"sequence":1,"orphanAt":0})"}) {
    EXPECT_FALSE(load_answer({text.begin(), text.end()})) << text;
  }
}

}  // namespace
}  // namespace latchkey::hub::provisioning
