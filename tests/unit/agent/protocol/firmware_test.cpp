// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/firmware.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace latchkey::agent::firmware {
namespace {

std::array<std::uint8_t, kReportMax> buffer;

BundleId id_of(std::uint8_t first) {
  BundleId id{};
  id[0] = first;
  id[31] = 0xEF;
  return id;
}
const std::string kHex = "ab" + std::string(60, '0') + "ef";

TEST(FirmwareTopic, of_each_kind_is_told_apart) {
  EXPECT_EQ(kind_of(kReportTopic), TopicKind::kReport);
  EXPECT_EQ(kind_of(kOfferTopic), TopicKind::kOffer);
  EXPECT_EQ(kind_of(kWithdrawTopic), TopicKind::kWithdraw);
  EXPECT_EQ(kind_of(kStatementTopic), TopicKind::kStatement);
  EXPECT_EQ(kind_of("$iothub/latchkey/firmware/GET/?$rid=1"), TopicKind::kFetch);
  EXPECT_EQ(kind_of("$iothub/latchkey/firmware/res/200/?$rid=1"), TopicKind::kAnswer);
  for (const char* topic :
       {"$iothub/latchkey/firmware/", "$iothub/latchkey/firmware/offer/", "$iothub/latchkey/firmware/offers",
        "$iothub/latchkey/firmware/GET", "$iothub/latchkey/firmware/res"}) {
    EXPECT_EQ(kind_of(topic), TopicKind::kUnknown) << topic;
  }
  for (const char* topic :
       {"", "$iothub/latchkey/firmware", "$iothub/twin/res/200/?$rid=1", "x$iothub/latchkey/firmware/offer"}) {
    EXPECT_EQ(kind_of(topic), TopicKind::kOther) << topic;
  }
}

TEST(FirmwareFetch, is_written_and_read_back) {
  const auto topic = write_fetch_topic("7", {id_of(0xAB), 81'920, 4096}, buffer);
  ASSERT_TRUE(topic);
  EXPECT_EQ(*topic, "$iothub/latchkey/firmware/GET/?$rid=7&id=" + kHex + "&at=81920&length=4096");
  const auto read = parse_fetch_topic(*topic);
  ASSERT_TRUE(read && read->piece);
  EXPECT_EQ(read->request_id, "7");
  EXPECT_EQ(read->piece->id, id_of(0xAB));
  EXPECT_EQ(read->piece->at, 81'920u);
  EXPECT_EQ(read->piece->length, 4096u);
  EXPECT_LE(write_fetch_topic(std::string(36, '9'), {id_of(1), UINT64_MAX, kPieceMax}, buffer)->size(), kTopicMax);
}

TEST(FirmwareFetch, that_would_be_no_request_is_not_written) {
  EXPECT_EQ(write_fetch_topic("", {id_of(1), 0, 1}, buffer).error(), Status::kInvalidArgument);
  EXPECT_EQ(write_fetch_topic("a&b", {id_of(1), 0, 1}, buffer).error(), Status::kInvalidArgument);
  EXPECT_EQ(write_fetch_topic("1", {id_of(1), 0, 0}, buffer).error(), Status::kInvalidArgument);
  EXPECT_EQ(write_fetch_topic("1", {id_of(1), 0, kPieceMax + 1}, buffer).error(), Status::kInvalidArgument);
  std::array<std::uint8_t, 60> small;
  EXPECT_EQ(write_fetch_topic("1", {id_of(1), 0, 1}, small).error(), Status::kTooLarge);
}

TEST(FirmwareFetch, with_an_unreadable_question_still_has_somebody_to_answer) {
  const std::string head = "$iothub/latchkey/firmware/GET/?$rid=r1";
  for (const std::string& tail : std::vector<std::string>{
           std::string(), "&id=" + kHex, "&id=" + kHex + "&at=1", "&at=0&length=1", "&id=" + kHex + "&at=-1&length=1",
           "&id=" + kHex + "&at=0&length=0", "&id=" + kHex + "&at=0&length=4097", "&id=" + kHex + "0&at=0&length=1",
           "&id=" + kHex.substr(1) + "g&at=0&length=1", "&id=" + kHex + "&at=18446744073709551616&length=1"}) {
    const std::string topic = head + tail;
    const auto read = parse_fetch_topic(topic);
    ASSERT_TRUE(read) << tail;
    EXPECT_EQ(read->request_id, "r1") << tail;
    EXPECT_FALSE(read->piece) << tail;
  }
}

TEST(FirmwareFetch, without_a_request_id_is_refused) {
  for (const char* query : {"", "id=1", "$rid=", "$rid=a/b&at=0", "$rid=1234567890123456789012345678901234567"}) {
    EXPECT_EQ(parse_fetch_topic("$iothub/latchkey/firmware/GET/?" + std::string(query)).error(), Status::kMalformed)
        << query;
  }
  EXPECT_EQ(parse_fetch_topic("$iothub/twin/GET/?$rid=1").error(), Status::kNotFound);
}

TEST(FirmwareAnswer, is_written_and_read_back) {
  const auto topic = write_answer_topic({200, "7", std::nullopt}, buffer);
  ASSERT_TRUE(topic);
  EXPECT_EQ(*topic, "$iothub/latchkey/firmware/res/200/?$rid=7");
  auto read = parse_answer_topic(*topic);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->status, 200);
  EXPECT_EQ(read->request_id, "7");
  EXPECT_FALSE(read->retry_after_s);
  EXPECT_EQ(*write_answer_topic({429, "7", 30}, buffer), "$iothub/latchkey/firmware/res/429/?$rid=7&retry-after=30");
  read = parse_answer_topic("$iothub/latchkey/firmware/res/429/?$rid=7&retry-after=30");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->retry_after_s, 30u);
}

TEST(FirmwareAnswer, that_cannot_be_read_is_refused) {
  for (const char* rest :
       {"", "200", "20/?$rid=1", "2000/?$rid=1", "020/?$rid=1", "200/$rid=1", "200/?rid=1",
        "200/?$rid=", "200/?$rid=a/b", "429/?$rid=1&retry-after=soon", "429/?$rid=1&retry-after=4294967296"}) {
    EXPECT_EQ(parse_answer_topic("$iothub/latchkey/firmware/res/" + std::string(rest)).error(), Status::kMalformed)
        << rest;
  }
  EXPECT_EQ(parse_answer_topic("$iothub/credentials/res/200/?$rid=abcd").error(), Status::kNotFound);
  EXPECT_EQ(write_answer_topic({99, "1", std::nullopt}, buffer).error(), Status::kInvalidArgument);
  EXPECT_EQ(write_answer_topic({200, "a&b", std::nullopt}, buffer).error(), Status::kInvalidArgument);
}

TEST(FirmwareOffer, is_written_and_read_back) {
  const auto body = write_offer({id_of(0xAB), 1'048'577}, buffer);
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, R"({"id":")" + kHex + R"(","size":1048577})");
  const auto read = parse_offer(*body);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, id_of(0xAB));
  EXPECT_EQ(read->size, 1'048'577u);
  EXPECT_EQ(write_offer({id_of(1), 0}, buffer).error(), Status::kInvalidArgument);
  EXPECT_TRUE(parse_offer(R"({"later":{"a":[1]},"size":1,"id":")" + kHex + R"("})"));
}

TEST(FirmwareOffer, that_is_none_is_refused) {
  for (const std::string& body : std::vector<std::string>{
           std::string(), std::string("{}"), std::string("[]"), std::string("null"), R"({"id":")" + kHex + R"("})",
           std::string(R"({"size":1})"), R"({"id":")" + kHex + R"(","size":0})",
           R"({"id":")" + kHex + R"(","size":-1})", R"({"id":")" + kHex + R"(","size":"1"})",
           R"({"id":")" + kHex + R"(","size":1.5})", R"({"id":")" + kHex.substr(2) + R"(","size":1})",
           R"({"id":null,"size":1})", R"({"id":7,"size":1})", R"({"id":")" + kHex + R"(","size":1}x)",
           R"({"id":"\u0061b)" + kHex.substr(2) + R"(","size":1})"}) {
    EXPECT_EQ(parse_offer(body).error(), Status::kMalformed) << body;
  }
}

TEST(FirmwareWithdrawal, is_written_and_read_back_or_refused) {
  const auto body = write_withdrawal(id_of(0xAB), buffer);
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, R"({"id":")" + kHex + R"("})");
  EXPECT_EQ(*parse_withdrawal(*body), id_of(0xAB));
  for (const char* bad : {"", "{}", R"({"id":""})", R"({"id":null})", R"({"id":"ab"})", R"(["id"])"}) {
    EXPECT_EQ(parse_withdrawal(bad).error(), Status::kMalformed) << bad;
  }
}

TEST(FirmwareReport, with_everything_is_written_and_read_back) {
  Report report{"refused", "wrongBoard", "1.2.0", "pump-controller-2", 7, 12, id_of(0xAB), id_of(0x01)};
  const auto body = write_report(report, buffer);
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, R"({"report":"refused","reason":"wrongBoard","id":")" + kHex +
                       R"(","version":"1.2.0","board":"pump-controller-2","pins":7,"revocations":12,"image":"01)" +
                       std::string(60, '0') + R"(ef"})");
  const auto read = parse_report(*body);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->report, "refused");
  EXPECT_EQ(read->reason, "wrongBoard");
  EXPECT_EQ(read->version, "1.2.0");
  EXPECT_EQ(read->board, "pump-controller-2");
  EXPECT_EQ(read->pins, 7u);
  EXPECT_EQ(read->revocations, 12u);
  EXPECT_EQ(read->id, id_of(0xAB));
  EXPECT_EQ(read->image, id_of(0x01));
}

TEST(FirmwareReport, leaves_out_what_is_not_known) {
  const auto body = write_report({"hello", "", "1.0.0", "b", 0, 0, std::nullopt, std::nullopt}, buffer);
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, R"({"report":"hello","version":"1.0.0","board":"b","pins":0,"revocations":0})");
  const auto read = parse_report(*body);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->reason, "");
  EXPECT_FALSE(read->id || read->image);
}

TEST(FirmwareReport, largest_one_keeps_its_bound) {
  const std::string name(32, 'n');
  const auto body = write_report({name, name, "4294967295.4294967295.4294967295", std::string(64, '~'), UINT64_MAX,
                                  UINT64_MAX, id_of(1), id_of(2)},
                                 buffer);
  ASSERT_TRUE(body);
  EXPECT_LE(body->size(), 512u);
  EXPECT_TRUE(parse_report(*body));
}

TEST(FirmwareReport, of_another_form_is_not_written) {
  const Report good{"hello", "", "1.0.0", "b", 0, 0, std::nullopt, std::nullopt};
  for (const std::string& name :
       std::vector<std::string>{std::string(), std::string("a b"), std::string("a\"b"), std::string(33, 'a')}) {
    Report bad = good;
    bad.report = name;
    EXPECT_EQ(write_report(bad, buffer).error(), Status::kInvalidArgument) << name;
  }
  for (const std::string& board : std::vector<std::string>{std::string(), std::string("a b"), std::string("a\"b"),
                                                           std::string("a\\b"), std::string(65, 'a')}) {
    Report bad = good;
    bad.board = board;
    EXPECT_EQ(write_report(bad, buffer).error(), Status::kInvalidArgument) << board;
  }
  for (const char* version : {"", "1.0-beta", "v1", "1,0"}) {
    Report bad = good;
    bad.version = version;
    EXPECT_EQ(write_report(bad, buffer).error(), Status::kInvalidArgument) << version;
  }
  Report bad = good;
  bad.reason = "not-a-name";
  EXPECT_EQ(write_report(bad, buffer).error(), Status::kInvalidArgument);
}

TEST(FirmwareReport, that_cannot_be_believed_is_refused) {
  for (const char* body :
       {"", "[]", "{}", R"({"report":"hello","version":"1.0.0"})", R"({"version":"1.0.0","board":"b"})",
        R"({"report":"hello","board":"b"})", R"({"report":"hel\u006co","version":"1.0.0","board":"b"})",
        R"({"report":"hello","version":"1.0.0","board":"a b"})", R"({"report":"hello","version":1,"board":"b"})",
        R"({"report":"hello","version":"1.0.0","board":"b","pins":-1})",
        R"({"report":"hello","version":"1.0.0","board":"b","revocations":"1"})",
        R"({"report":"hello","version":"1.0.0","board":"b","id":"12"})",
        R"({"report":"hello","version":"1.0.0","board":"b","image":true})",
        R"({"report":"hello","version":"1.0.0","board":"b"} {})"}) {
    EXPECT_EQ(parse_report(body).error(), Status::kMalformed) << body;
  }
  const std::string good = R"({"report":"hello","version":"1.0.0","board":"b","later":[{"a":null}]})";
  EXPECT_TRUE(parse_report(good));
  EXPECT_EQ(parse_report(good + std::string(kReportMax, ' ')).error(), Status::kTooLarge);
}

}  // namespace
}  // namespace latchkey::agent::firmware
