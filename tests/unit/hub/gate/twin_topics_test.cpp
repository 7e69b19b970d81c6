// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string_view>

#include "hub/gate/throttle.h"
#include "hub/gate/topics.h"

namespace latchkey::hub::gate {
namespace {

Publish kind(std::string_view topic) { return classify_publish(Endpoint::kHub, "dev-1", topic).kind; }

TEST(TwinTopics, a_device_reads_and_reports_its_twin_and_answers_methods) {
  EXPECT_EQ(kind("$iothub/twin/GET/?$rid=1"), Publish::kTwin);
  EXPECT_EQ(kind("$iothub/twin/PATCH/properties/reported/?$rid=1"), Publish::kTwin);
  EXPECT_EQ(kind("$iothub/twin/PATCH/properties/reported/?$rid=1&$version=3"), Publish::kTwin);
  EXPECT_EQ(kind("$iothub/methods/res/200/?$rid=1"), Publish::kMethod);
  EXPECT_EQ(classify_publish(Endpoint::kHub, "dev-1", "$iothub/twin/GET/?$rid=abc").request_id, "abc");
}

TEST(TwinTopics, what_the_service_says_and_what_nobody_could_answer_is_denied) {
  for (const char* topic :
       {"$iothub/twin/res/200/?$rid=1", "$iothub/twin/PATCH/properties/desired/?$version=2",
        "$iothub/twin/PATCH/properties/?$rid=1", "$iothub/methods/POST/reboot/?$rid=1", "$iothub/twin/GET/",
        "$iothub/twin/GET/?", "$iothub/twin/GET/?$rid=", "$iothub/twin/GET/?$rid=a+b", "$iothub/methods/res/200/",
        "$iothub/methods/res/ok/?$rid=1", "$iothub/", "$iothub"}) {
    EXPECT_EQ(kind(topic), Publish::kDenied) << topic;
  }
}

TEST(TwinTopics, dps_knows_no_twins) {
  EXPECT_EQ(classify_publish(Endpoint::kDps, "dev-1", "$iothub/twin/GET/?$rid=1").kind, Publish::kClose);
  EXPECT_FALSE(may_subscribe(Endpoint::kDps, "dev-1", "$iothub/twin/res/#"));
}

TEST(TwinTopics, filters_are_the_documented_ones_to_the_letter) {
  for (const char* filter :
       {"$iothub/twin/res/#", "$iothub/methods/POST/#", "$iothub/twin/PATCH/properties/desired/#"}) {
    EXPECT_TRUE(may_subscribe(Endpoint::kHub, "dev-1", filter)) << filter;
  }
  for (const char* filter :
       {"$iothub/#", "$iothub/twin/#", "$iothub/twin/GET/#", "$iothub/methods/res/#", "$iothub/methods/#",
        "$iothub/twin/PATCH/properties/reported/#", "$iothub/+/res/#", "$share/g/$iothub/twin/res/#"}) {
    EXPECT_FALSE(may_subscribe(Endpoint::kHub, "dev-1", filter)) << filter;
  }
}

TEST(TwinTopics, a_twin_request_has_one_answer_and_a_method_none) {
  EXPECT_TRUE(is_answer("$iothub/twin/res/200/?$rid=1"));
  EXPECT_FALSE(is_answer("$iothub/twin/PATCH/properties/desired/?$version=2"));
  EXPECT_FALSE(is_answer("$iothub/methods/POST/reboot/?$rid=1"));
}

TEST(TwinTopics, a_throttled_twin_request_is_told_429_in_the_words_of_the_hub) {
  const auto answer = too_many_requests({Publish::kTwin, "abc"}, 0xab, 0);
  EXPECT_EQ(answer.topic, "$iothub/twin/res/429/?$rid=abc");
  EXPECT_NE(answer.body.find("\"errorCode\":429002"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("retryAfter"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::hub::gate
