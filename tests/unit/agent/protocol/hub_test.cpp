// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/hub.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace latchkey::agent::hub {
namespace {

std::array<std::uint8_t, 512> buffer;

TEST(HubUsername, keeps_the_port_and_is_read_back) {
  const auto text = write_username("localhost:8883", "dev-1", buffer);
  EXPECT_EQ(*text, "localhost:8883/dev-1/?api-version=2025-08-01-preview");
  const auto parsed = parse_username(*text);
  EXPECT_EQ(parsed->host, "localhost:8883");
  EXPECT_EQ(parsed->device_id, "dev-1");
  EXPECT_EQ(parsed->module_id, "");
  EXPECT_EQ(parsed->api_version, kApiVersion);
}

TEST(HubUsername, of_the_node_sdk_and_of_a_module_are_read) {
  auto parsed = parse_username("h/dev/?api-version=2021-04-12&DeviceClientType=azure-iot-device%2F1.18");
  EXPECT_EQ(parsed->client_type, "azure-iot-device%2F1.18");
  parsed = parse_username("h/dev/mod/?api-version=2021-04-12");
  EXPECT_EQ(parsed->device_id, "dev");
  EXPECT_EQ(parsed->module_id, "mod");
}

TEST(HubUsername, that_lacks_a_part_is_refused) {
  for (const char* text : {"", "h", "h/dev", "h/dev/", "h/dev/?", "h/dev/?x=1", "h/dev?api-version=1",
                           "/dev/?api-version=1", "h//?api-version=1", "h/#/?api-version=1",
                           "h/dev/mod/more/?api-version=1", "h/a b/?api-version=1", "/?api-version=1"}) {
    EXPECT_EQ(parse_username(text).error(), Status::kMalformed) << text;
  }
}

TEST(TelemetryTopic, written_by_the_device_is_read_by_the_hub) {
  const auto topic = write_telemetry_topic("dev-1", kContentType, buffer);
  EXPECT_EQ(*topic, "devices/dev-1/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8");
  const auto request = parse_request_topic(*topic);
  EXPECT_EQ(request->kind, RequestKind::kTelemetry);
  EXPECT_EQ(request->device_id, "dev-1");
  EXPECT_EQ(find_parameter(request->bag, "%24.ce"), "utf-8");
}

TEST(TelemetryTopic, with_wildcards_is_neither_written_nor_read) {
  EXPECT_EQ(write_telemetry_topic("+", "", buffer).error(), Status::kInvalidArgument);
  EXPECT_EQ(write_telemetry_topic("dev", "a=#", buffer).error(), Status::kInvalidArgument);
  EXPECT_EQ(parse_request_topic("devices/+/messages/events/").error(), Status::kMalformed);
  EXPECT_EQ(parse_request_topic("devices//messages/events/").error(), Status::kMalformed);
}

TEST(RequestTopic, of_another_kind_is_not_found) {
  for (const char* topic : {"", "#", "$SYS/#", "$CONTROL/x", "devices/dev-1", "devices/dev-1/messages/devicebound/",
                            "devices/dev-1/messages/events", "$iothub/credential/POST/issueCertificate/?$rid=abcd",
                            "$iothub/twin/res/200/?$rid=1"}) {
    EXPECT_EQ(parse_request_topic(topic).error(), Status::kNotFound) << topic;
  }
}

TEST(IssueTopic, written_by_the_device_is_read_by_the_hub) {
  const auto topic = write_issue_topic("lk-12345", buffer);
  EXPECT_EQ(*topic, "$iothub/credentials/POST/issueCertificate/?$rid=lk-12345");
  const auto request = parse_request_topic(*topic);
  EXPECT_EQ(request->kind, RequestKind::kIssueCertificate);
  EXPECT_EQ(request->request_id, "lk-12345");
}

TEST(IssueTopic, without_a_good_request_id_is_malformed) {
  for (const char* rid : {"", "abc", "-abc", "abc-", "ab_c", "a.bc", "1234567890123456789012345678901234567"}) {
    EXPECT_FALSE(valid_issue_request_id(rid)) << rid;
    EXPECT_FALSE(write_issue_topic(rid, buffer).has_value()) << rid;
    const std::string topic = "$iothub/credentials/POST/issueCertificate/?$rid=" + std::string(rid);
    EXPECT_EQ(parse_request_topic(topic).error(), Status::kMalformed) << rid;
  }
  EXPECT_TRUE(valid_issue_request_id("abcd"));
  EXPECT_TRUE(valid_issue_request_id("0f1c2d3e-0000-4000-8000-1a2b3c4d5e6f"));
}

TEST(CredentialResponseTopic, has_five_levels_and_ends_behind_the_rid) {
  const auto topic = write_credential_response_topic(202, "abcd-1", buffer);
  EXPECT_EQ(*topic, "$iothub/credentials/res/202/?$rid=abcd-1");
  EXPECT_EQ(std::count(topic->begin(), topic->end(), '/'), 4);
  const auto parsed = parse_credential_response_topic(*topic);
  EXPECT_EQ(parsed->status, 202);
  EXPECT_EQ(parsed->request_id, "abcd-1");
  EXPECT_EQ(parse_credential_response_topic("$iothub/credentials/res/202/?$rid=abcd-1&x=1").error(),
            Status::kMalformed);
  EXPECT_EQ(parse_credential_response_topic("$iothub/credentials/res/202/?x=1&$rid=abcd").error(), Status::kMalformed);
  EXPECT_EQ(parse_credential_response_topic("$iothub/credentials/res/020/?$rid=abcd").error(), Status::kMalformed);
  EXPECT_EQ(parse_credential_response_topic("$iothub/twin/res/200/?$rid=abcd").error(), Status::kNotFound);
}

TEST(IssueBody, leaves_out_an_empty_replace) {
  EXPECT_EQ(*write_issue_body("dev-1", "MIIB", "", buffer), R"({"id":"dev-1","csr":"MIIB"})");
  EXPECT_EQ(*write_issue_body("dev-1", "MIIB", "*", buffer), R"({"id":"dev-1","csr":"MIIB","replace":"*"})");
}

TEST(DeviceboundTopic, is_only_for_the_device_itself) {
  EXPECT_EQ(*write_devicebound_filter("dev-1", buffer), "devices/dev-1/messages/devicebound/#");
  EXPECT_EQ(*parse_devicebound_topic(*write_devicebound_topic("dev-1", "a=b", buffer), "dev-1"), "a=b");
  EXPECT_FALSE(parse_devicebound_topic("devices/dev-12/messages/devicebound/", "dev-1").has_value());
  EXPECT_FALSE(parse_devicebound_topic("devices/dev-1/messages/events/", "dev-1").has_value());
  EXPECT_FALSE(parse_devicebound_topic("devices//messages/devicebound/", "").has_value());
}

}  // namespace
}  // namespace latchkey::agent::hub
