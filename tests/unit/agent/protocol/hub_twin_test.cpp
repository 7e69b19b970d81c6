// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "agent/protocol/hub.h"

namespace latchkey::agent::hub {
namespace {

TEST(HubTopics, twin_and_method_requests_are_read) {
  const auto get = parse_request_topic("$iothub/twin/GET/?$rid=0f1c2d3e-0000-4000-8000-1a2b3c4d5e6f");
  ASSERT_TRUE(get);
  EXPECT_EQ(get->kind, RequestKind::kTwinGet);
  EXPECT_EQ(get->request_id, "0f1c2d3e-0000-4000-8000-1a2b3c4d5e6f");

  const auto report = parse_request_topic("$iothub/twin/PATCH/properties/reported/?$rid=1");
  ASSERT_TRUE(report);
  EXPECT_EQ(report->kind, RequestKind::kTwinReport);
  EXPECT_EQ(report->request_id, "1");
  EXPECT_FALSE(report->version);
  EXPECT_EQ(parse_request_topic("$iothub/twin/PATCH/properties/reported/?$rid=1&$version=7")->version, 7u);

  const auto answer = parse_request_topic("$iothub/methods/res/200/?$rid=1f&anything=else");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->kind, RequestKind::kMethodAnswer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->request_id, "1f");
  EXPECT_EQ(parse_request_topic("$iothub/methods/res/0/?$rid=1")->status, 0);
  EXPECT_EQ(parse_request_topic("$iothub/methods/res/-1/?$rid=1")->status, -1);
  EXPECT_EQ(parse_request_topic("$iothub/methods/res/2147483647/?$rid=1")->status, 2147483647);
}

TEST(HubTopics, requests_that_cannot_be_answered_are_malformed) {
  const std::string bad[] = {"$iothub/twin/GET/?",
                             "$iothub/twin/GET/?$rid=",
                             "$iothub/twin/GET/?rid=1",
                             "$iothub/twin/GET/?$rid=a/b",
                             "$iothub/twin/GET/?$rid=a#",
                             "$iothub/twin/GET/?$rid=" + std::string(129, 'a'),
                             "$iothub/twin/PATCH/properties/reported/?$version=1",
                             "$iothub/twin/PATCH/properties/reported/?$rid=1&$version=x",
                             "$iothub/methods/res/",
                             "$iothub/methods/res/200",
                             "$iothub/methods/res/200/?",
                             "$iothub/methods/res//?$rid=1",
                             "$iothub/methods/res/ok/?$rid=1",
                             "$iothub/methods/res/--1/?$rid=1",
                             "$iothub/methods/res/2147483648/?$rid=1",
                             "$iothub/methods/res/1/2/?$rid=1"};
  for (const auto& topic : bad) {
    const auto parsed = parse_request_topic(topic);
    ASSERT_FALSE(parsed) << topic;
    EXPECT_EQ(parsed.error(), Status::kMalformed) << topic;
  }
}

TEST(HubTopics, topics_that_only_the_service_writes_are_no_requests) {
  for (const char* topic :
       {"$iothub/twin/res/200/?$rid=1", "$iothub/twin/PATCH/properties/desired/?$version=1",
        "$iothub/methods/POST/reboot/?$rid=1", "$iothub/twin/PATCH/properties/?$rid=1", "$iothub/twin/get/?$rid=1",
        "$iothub/", "$", "$dps/registrations/PUT/iotdps-register/?$rid=1"}) {
    const auto parsed = parse_request_topic(topic);
    ASSERT_FALSE(parsed) << topic;
    EXPECT_EQ(parsed.error(), Status::kNotFound) << topic;
  }
}

TEST(HubTopics, service_topics_are_written) {
  std::array<std::uint8_t, 256> buffer{};
  EXPECT_EQ(*write_twin_response_topic(200, "abc", {}, buffer), "$iothub/twin/res/200/?$rid=abc");
  EXPECT_EQ(*write_twin_response_topic(204, "1", 12, buffer), "$iothub/twin/res/204/?$rid=1&$version=12");
  EXPECT_EQ(*write_desired_topic(3, buffer), "$iothub/twin/PATCH/properties/desired/?$version=3");
  EXPECT_EQ(*write_method_topic("reboot", "7", buffer), "$iothub/methods/POST/reboot/?$rid=7");
}

TEST(HubTopics, what_would_break_a_service_topic_is_not_written) {
  std::array<std::uint8_t, 256> buffer{};
  EXPECT_FALSE(write_twin_response_topic(200, "a&b", {}, buffer));
  for (const char* name : {"", "a/b", "a b", "a?", "+", "#", "\xc3\xbc"}) {
    EXPECT_EQ(write_method_topic(name, "1", buffer).error(), Status::kInvalidArgument) << name;
  }
  EXPECT_EQ(write_method_topic("x", "", buffer).error(), Status::kInvalidArgument);
  std::array<std::uint8_t, 8> small{};
  EXPECT_EQ(write_desired_topic(3, small).error(), Status::kTooLarge);
}

}  // namespace
}  // namespace latchkey::agent::hub
