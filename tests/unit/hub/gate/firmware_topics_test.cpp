// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string_view>

#include "hub/gate/throttle.h"
#include "hub/gate/topics.h"
#include "hub/wire/firmware.h"

namespace latchkey::hub::gate {
namespace {

Publish kind(std::string_view topic) { return classify_publish(Endpoint::kHub, "dev-1", topic).kind; }

TEST(FirmwareTopics, device_reports_and_asks_for_pieces) {
  EXPECT_EQ(kind("$iothub/latchkey/firmware/report"), Publish::kFirmwareReport);
  const auto piece = "$iothub/latchkey/firmware/GET/?$rid=7&id=ab&at=0&length=4096";
  EXPECT_EQ(kind(piece), Publish::kFirmwarePiece);
  EXPECT_EQ(classify_publish(Endpoint::kHub, "dev-1", piece).request_id, "7");
}

TEST(FirmwareTopics, what_the_hub_says_and_what_nobody_could_answer_is_denied) {
  for (const char* topic :
       {"$iothub/latchkey/firmware/offer", "$iothub/latchkey/firmware/withdraw", "$iothub/latchkey/firmware/statement",
        "$iothub/latchkey/firmware/res/200/?$rid=1", "$iothub/latchkey/firmware/report/", "$iothub/latchkey/firmware/",
        "$iothub/latchkey/firmware/GET/", "$iothub/latchkey/firmware/GET/?", "$iothub/latchkey/firmware/GET/?id=ab",
        "$iothub/latchkey/firmware/GET/?$rid=", "$iothub/latchkey/firmware/GET/?$rid=a+b", "$iothub/latchkey"}) {
    EXPECT_EQ(kind(topic), Publish::kDenied) << topic;
  }
}

TEST(FirmwareTopics, filter_is_that_one_to_the_letter) {
  EXPECT_TRUE(may_subscribe(Endpoint::kHub, "dev-1", "$iothub/latchkey/firmware/#"));
  for (const char* filter :
       {"$iothub/latchkey/#", "$iothub/latchkey/firmware/res/#", "$iothub/latchkey/firmware/offer",
        "$iothub/latchkey/firmware/+", "$iothub/latchkey/firmware", "$share/g/$iothub/latchkey/firmware/#"}) {
    EXPECT_FALSE(may_subscribe(Endpoint::kHub, "dev-1", filter)) << filter;
  }
}

TEST(FirmwareTopics, dps_knows_no_firmware) {
  EXPECT_EQ(classify_publish(Endpoint::kDps, "dev-1", "$iothub/latchkey/firmware/report").kind, Publish::kClose);
  EXPECT_FALSE(may_subscribe(Endpoint::kDps, "dev-1", "$iothub/latchkey/firmware/#"));
}

TEST(FirmwareTopics, everything_for_the_device_may_be_read_by_it) {
  for (const auto topic : {wire::kFirmwareOffer, wire::kFirmwareWithdraw, wire::kFirmwareStatement}) {
    EXPECT_TRUE(may_read(Endpoint::kHub, "dev-1", topic)) << topic;
    EXPECT_FALSE(is_answer(topic)) << topic;
  }
  const auto answer = wire::piece_answer_topic(200, "7");
  EXPECT_EQ(answer, "$iothub/latchkey/firmware/res/200/?$rid=7");
  EXPECT_TRUE(may_read(Endpoint::kHub, "dev-1", answer));
  EXPECT_TRUE(is_answer(answer));
}

TEST(FirmwareTopics, throttled_request_for_a_piece_is_told_429_and_when_to_come_again) {
  const auto answer = too_many_requests({Publish::kFirmwarePiece, "7"}, 0xab, 0);
  EXPECT_EQ(answer.topic, "$iothub/latchkey/firmware/res/429/?$rid=7&retry-after=5");
  EXPECT_EQ(answer.body, "");
}

}  // namespace
}  // namespace latchkey::hub::gate
