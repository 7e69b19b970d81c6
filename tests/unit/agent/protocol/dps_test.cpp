// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/dps.h"

#include <gtest/gtest.h>

#include <string>

namespace latchkey::agent::dps {
namespace {

std::array<std::uint8_t, 512> buffer;

TEST(DpsUsername, is_written_as_the_service_wants_it_and_read_back) {
  const auto text = write_username("0ne00ABCDEF", "dev-1", buffer);
  EXPECT_EQ(*text, "0ne00ABCDEF/registrations/dev-1/api-version=2025-07-01-preview");
  const auto parsed = parse_username(*text);
  EXPECT_EQ(parsed->id_scope, "0ne00ABCDEF");
  EXPECT_EQ(parsed->registration_id, "dev-1");
  EXPECT_EQ(parsed->api_version, kApiVersion);
}

TEST(DpsUsername, of_the_node_sdk_is_read) {
  const auto parsed =
      parse_username("0ne1/registrations/a.b:c_d-1/api-version=2019-03-31&ClientVersion=azure-iot%2F1.8.1");
  EXPECT_EQ(parsed->registration_id, "a.b:c_d-1");
  EXPECT_EQ(parsed->api_version, "2019-03-31");
  EXPECT_EQ(parsed->client_version, "azure-iot%2F1.8.1");
}

TEST(DpsUsername, that_lacks_a_part_or_breaks_a_rule_is_refused) {
  for (const char* text : {"", "scope", "/registrations/dev/api-version=1", "s/registrations//api-version=1",
                           "s/registrations/dev", "s/registrations/dev/", "s/registrations/dev/api-version=",
                           "s/registrations/-dev/api-version=1", "s/registrations/de#v/api-version=1",
                           "s/registrations/de+v/api-version=1", "s+/registrations/dev/api-version=1",
                           "s t/registrations/dev/api-version=1", "a/b/registrations/dev/api-version=1"}) {
    EXPECT_EQ(parse_username(text).error(), Status::kMalformed) << text;
  }
}

TEST(DpsUsername, is_not_written_for_ids_that_would_break_it) {
  EXPECT_EQ(write_username("0ne/x", "dev", buffer).error(), Status::kInvalidArgument);
  EXPECT_EQ(write_username("0ne", "dev/x", buffer).error(), Status::kInvalidArgument);
  EXPECT_EQ(write_username("", "dev", buffer).error(), Status::kInvalidArgument);
  std::array<std::uint8_t, 10> small;
  EXPECT_EQ(write_username("0ne", "dev", small).error(), Status::kTooLarge);
}

TEST(DpsVersion, carries_a_csr_from_july_2025_on) {
  for (const char* version : {"2025-07-01-preview", "2025-07-01", "2026-11-02-preview"}) {
    EXPECT_TRUE(version_carries_csr(version)) << version;
  }
  for (const char* version :
       {"2019-03-31", "2021-11-01-preview", "2025-06-30", "", "latest", "2025-07-01-beta", "2025/07/01", "9999"}) {
    EXPECT_FALSE(version_carries_csr(version)) << version;
  }
}

TEST(DpsRequestTopic, written_by_the_device_is_read_by_the_hub) {
  auto request = parse_request_topic(*write_register_topic("7", buffer));
  EXPECT_EQ(request->kind, RequestKind::kRegister);
  EXPECT_EQ(request->request_id, "7");
  request = parse_request_topic(*write_poll_topic("8", "5.71cf.0f1c-2d", buffer));
  EXPECT_EQ(request->kind, RequestKind::kPoll);
  EXPECT_EQ(request->request_id, "8");
  EXPECT_EQ(request->operation_id, "5.71cf.0f1c-2d");
}

TEST(DpsRequestTopic, takes_parameters_in_either_order) {
  const auto request =
      parse_request_topic("$dps/registrations/GET/iotdps-get-operationstatus/?operationId=5.x&$rid=uuid-1");
  EXPECT_EQ(request->request_id, "uuid-1");
  EXPECT_EQ(request->operation_id, "5.x");
}

TEST(DpsRequestTopic, of_another_kind_is_not_found) {
  for (const char* topic : {"", "$dps/registrations/PUT/iotdps-register", "$dps/registrations/PUT/other/?$rid=1",
                            "$dps/registrations/res/200/?$rid=1", "devices/x/messages/events/", "$SYS/#"}) {
    EXPECT_EQ(parse_request_topic(topic).error(), Status::kNotFound) << topic;
  }
}

TEST(DpsRequestTopic, without_what_it_needs_is_malformed) {
  for (const char* topic :
       {"$dps/registrations/PUT/iotdps-register/?",
        "$dps/registrations/PUT/iotdps-register/?$rid=", "$dps/registrations/PUT/iotdps-register/?rid=1",
        "$dps/registrations/PUT/iotdps-register/?$rid=a/b", "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1",
        "$dps/registrations/GET/iotdps-get-operationstatus/?operationId=1"}) {
    EXPECT_EQ(parse_request_topic(topic).error(), Status::kMalformed) << topic;
  }
  const std::string long_id(kMaxRequestId + 1, 'r');
  EXPECT_FALSE(parse_request_topic("$dps/registrations/PUT/iotdps-register/?$rid=" + long_id).has_value());
}

TEST(DpsPollTopic, refuses_an_operation_id_that_would_change_the_topic) {
  for (const char* id : {"", "a&b", "a/b", "a+b", "#", "a b", "a?b"}) {
    EXPECT_EQ(write_poll_topic("1", id, buffer).error(), Status::kInvalidArgument) << id;
  }
}

TEST(DpsResponseTopic, carries_status_rid_and_wait) {
  EXPECT_EQ(*write_response_topic(202, "1", 3, buffer), "$dps/registrations/res/202/?$rid=1&retry-after=3");
  auto response = parse_response_topic("$dps/registrations/res/202/?$rid=1&retry-after=3");
  EXPECT_EQ(response->status, 202);
  EXPECT_EQ(response->request_id, "1");
  EXPECT_EQ(response->retry_after_s, 3u);
  response = parse_response_topic(*write_response_topic(401, "x-1", std::nullopt, buffer));
  EXPECT_EQ(response->status, 401);
  EXPECT_FALSE(response->retry_after_s.has_value());
}

TEST(DpsResponseTopic, that_cannot_be_read_is_malformed) {
  for (const char* topic :
       {"$dps/registrations/res/", "$dps/registrations/res/2/?$rid=1", "$dps/registrations/res/abc/?$rid=1",
        "$dps/registrations/res/020/?$rid=1", "$dps/registrations/res/200?$rid=1", "$dps/registrations/res/200/?x=1",
        "$dps/registrations/res/200/?$rid=1&retry-after=soon",
        "$dps/registrations/res/200/?$rid=1&retry-after=99999999999"}) {
    EXPECT_EQ(parse_response_topic(topic).error(), Status::kMalformed) << topic;
  }
  EXPECT_EQ(parse_response_topic("$iothub/credentials/res/200/?$rid=1").error(), Status::kNotFound);
}

TEST(DpsRegisterBody, holds_the_csr_only_if_there_is_one) {
  EXPECT_EQ(*write_register_body("dev-1", "MIIB+/=", buffer), R"({"registrationId":"dev-1","csr":"MIIB+/="})");
  EXPECT_EQ(*write_register_body("dev-1", "", buffer), R"({"registrationId":"dev-1"})");
}

}  // namespace
}  // namespace latchkey::agent::dps
