// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <random>

#include "hub/wire/decision.h"
#include "hub/wire/envelope.h"
#include "hub/wire/feed.h"

namespace latchkey::hub::wire {
namespace {

Uuid uuid(std::uint8_t fill) {
  Uuid id;
  id.bytes.fill(fill);
  return id;
}

Batch full_batch() {
  Batch batch;
  batch.generation = 0x1122334455667788;
  batch.number = 7;
  batch.snapshot_end = true;
  batch.lease_end_ms = 30'000;
  DeviceRecord device{"dev-1", uuid(1), {}, false, 513};
  device.credential_id.bytes.fill(9);
  batch.changes = {device, DeviceGone{"dev-2"}, AnchorAdded{uuid(2), Bytes{0x30, 0x03, 1, 2, 3}}, AnchorGone{uuid(3)},
                   ClockSet{-5, 77, 60.0}};
  return batch;
}

Opened full_opened() {
  Opened opened;
  opened.connection = 0xfeed0000'00000001;
  opened.attempt = true;
  opened.resent = true;
  opened.verified = true;
  opened.client_id = "dev-1";
  opened.username = "scope/registrations/dev-1/api-version=2019-03-31";
  opened.password = "SharedAccessSignature sr=x";
  opened.chain = {Bytes{1, 2, 3}, Bytes{}};
  opened.peer = "127.0.0.1";
  opened.identifier = DeviceIdentifier{uuid(5), {}};
  opened.filters = {"$iothub/twin/res/#", ""};
  opened.kept = true;
  opened.resumes = true;
  opened.since_ms = 0x0102030405060708;
  return opened;
}

Decisions full_decisions() {
  Decisions decisions;
  decisions.dropped = 3;
  decisions.connections = 4;
  decisions.messages = 5;
  decisions.counts[1] = 6;
  decisions.counts[registry::kReasonLimit - 1] = 7;
  Decision decision;
  decision.number = 8;
  decision.at = -1;
  decision.reason = registry::Reason::kExpired;
  decision.checks[0] = CheckOutcome::kPassed;
  decision.checks[7] = CheckOutcome::kFailed;
  decision.client_id = "dev-1";
  decision.peer = "::1";
  decision.serial = {0, 255};
  decision.issuer = uuid(4);
  decisions.decisions = {decision, Decision{}};
  return decisions;
}

// A message, and what decoding and encoding it again makes of given bytes: nothing when they are refused.
struct Sample {
  std::string name;
  Bytes bytes;
  std::function<std::optional<Bytes>(ByteView)> again;
};

template <class Decode>
std::function<std::optional<Bytes>(ByteView)> again(Decode decode) {
  return [decode](ByteView bytes) -> std::optional<Bytes> {
    auto decoded = decode(bytes);
    if (!decoded) {
      EXPECT_EQ(decoded.error(), Status::kMalformed);
      return std::nullopt;
    }
    return encode(*decoded);
  };
}

std::vector<Sample> samples() {
  return {
      {"batch", encode(full_batch()), again(decode_batch)},
      {"empty batch", encode(Batch{}), again(decode_batch)},
      {"ack", encode(Ack{1, 2, 3, true}), again(decode_ack)},
      {"opened", encode(full_opened()), again(decode_opened)},
      {"empty opened", encode(Opened{}), again(decode_opened)},
      {"closed", encode(Closed{{5, 0xfeed0000'00000001}}), again(decode_closed)},
      {"empty closed", encode(Closed{}), again(decode_closed)},
      {"subscribed", encode(Subscribed{5, "$iothub/credentials/res/#"}), again(decode_subscribed)},
      {"unsubscribed", encode(Subscribed{5, "$iothub/methods/POST/#", true}), again(decode_subscribed)},
      {"resumed", encode(Resumed{5, {"devices/dev-1/messages/devicebound/a=b", ""}}), again(decode_resumed)},
      {"empty resumed", encode(Resumed{}), again(decode_resumed)},
      {"attest", encode(Attest{6, true}), again(decode_attest)},
      {"deliver", encode(Deliver{7, "$dps/registrations/res/202/?$rid=1", {'{', '}'}, 1, 9}), again(decode_deliver)},
      {"delivered", encode(Delivered{7, {9, 0xffff'ffff'ffff'ffff}}), again(decode_delivered)},
      {"end", encode(End{0xfeed0000'00000001}), again(decode_end)},
      {"decisions", encode(full_decisions()), again(decode_decisions)},
  };
}

TEST(Codec, every_message_survives_the_way_there_and_back) {
  for (const Sample& sample : samples()) EXPECT_EQ(sample.again(sample.bytes), sample.bytes) << sample.name;
}

TEST(Codec, every_truncation_is_malformed) {
  for (const Sample& sample : samples()) {
    for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
      EXPECT_FALSE(sample.again(ByteView(sample.bytes.data(), size))) << sample.name << " cut to " << size;
    }
  }
}

TEST(Codec, one_byte_more_is_malformed) {
  for (Sample& sample : samples()) {
    sample.bytes.push_back(0);
    EXPECT_FALSE(sample.again(sample.bytes)) << sample.name;
  }
}

TEST(Codec, another_version_is_malformed) {
  for (Sample& sample : samples()) {
    sample.bytes[0] = 2;
    EXPECT_FALSE(sample.again(sample.bytes)) << sample.name;
  }
}

TEST(Codec, a_message_of_one_kind_is_not_read_as_another) {
  const auto all = samples();
  for (const Sample& reader : all) {
    for (const Sample& message : all) {
      if (reader.bytes[1] == message.bytes[1]) continue;
      EXPECT_FALSE(reader.again(message.bytes)) << message.name << " as " << reader.name;
    }
  }
}

// Whatever is accepted has exactly one encoding: a mutation is refused or read as what it says, never as something
// else.
TEST(Codec, mutations_are_malformed_or_read_as_what_they_say) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (const Sample& sample : samples()) {
    for (int round = 0; round < 20'000; ++round) {
      Bytes bytes = sample.bytes;
      for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
        bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
      }
      if (random() % 8 == 0) bytes.resize(random() % (bytes.size() + 8));
      const auto result = sample.again(bytes);
      if (result) {
        ASSERT_EQ(*result, bytes) << sample.name;
        ++accepted;
      } else {
        ++refused;
      }
    }
  }
  EXPECT_GT(accepted, 0u);
  EXPECT_GT(refused, 0u);
}

TEST(Codec, a_count_larger_than_the_message_reserves_nothing) {
  Bytes bytes = encode(Batch{});
  for (std::size_t i = bytes.size() - 4; i < bytes.size(); ++i) bytes[i] = 0xff;
  EXPECT_FALSE(decode_batch(bytes));
}

TEST(Codec, a_batch_carries_every_change) {
  const auto batch = decode_batch(encode(full_batch()));
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->generation, 0x1122334455667788u);
  EXPECT_EQ(batch->number, 7u);
  EXPECT_TRUE(batch->snapshot_end);
  EXPECT_EQ(batch->lease_end_ms, 30'000u);
  ASSERT_EQ(batch->changes.size(), 5u);
  const auto& device = std::get<DeviceRecord>(batch->changes[0]);
  EXPECT_EQ(device.id, "dev-1");
  EXPECT_EQ(device.uuid, uuid(1));
  EXPECT_EQ(device.credential_id.bytes[15], 9);
  EXPECT_FALSE(device.enabled);
  EXPECT_EQ(device.policy, 513);
  EXPECT_EQ(std::get<DeviceGone>(batch->changes[1]).id, "dev-2");
  EXPECT_EQ(std::get<AnchorAdded>(batch->changes[2]).der.size(), 5u);
  EXPECT_EQ(std::get<AnchorGone>(batch->changes[3]).ca, uuid(3));
  EXPECT_EQ(std::get<ClockSet>(batch->changes[4]).rate, 60.0);
}

TEST(Codec, a_clock_that_is_not_a_number_is_malformed) {
  Batch batch;
  batch.changes = {ClockSet{0, 0, std::numeric_limits<double>::quiet_NaN()}};
  EXPECT_FALSE(decode_batch(encode(batch)));
  batch.changes = {ClockSet{0, 0, std::numeric_limits<double>::infinity()}};
  EXPECT_FALSE(decode_batch(encode(batch)));
}

TEST(Codec, quality_of_service_two_is_malformed) {
  EXPECT_FALSE(decode_deliver(encode(Deliver{1, "t", {}, 2})));
  EXPECT_TRUE(decode_deliver(encode(Deliver{1, "t", {}, 0})));
}

TEST(Codec, an_opened_connection_carries_its_proof) {
  const auto opened = decode_opened(encode(full_opened()));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->attempt && opened->resent && opened->verified);
  EXPECT_EQ(opened->password, "SharedAccessSignature sr=x");
  EXPECT_EQ(opened->chain, (std::vector<Bytes>{{1, 2, 3}, {}}));
  EXPECT_EQ(opened->peer, "127.0.0.1");
  ASSERT_TRUE(opened->identifier);
  EXPECT_EQ(opened->identifier->device, uuid(5));
}

TEST(Codec, an_opened_connection_carries_what_is_left_of_its_session) {
  const auto opened = decode_opened(encode(full_opened()));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->filters, (std::vector<std::string>{"$iothub/twin/res/#", ""}));
  EXPECT_TRUE(opened->kept && opened->resumes);
  const auto resumed = decode_resumed(encode(Resumed{5, {"a", "a"}}));
  ASSERT_TRUE(resumed);
  EXPECT_EQ(resumed->unacknowledged, (std::vector<std::string>{"a", "a"}));
}

TEST(Codec, decisions_carry_checks_and_counts) {
  const auto decisions = decode_decisions(encode(full_decisions()));
  ASSERT_TRUE(decisions);
  EXPECT_EQ(decisions->counts[1], 6u);
  EXPECT_EQ(decisions->counts[registry::kReasonLimit - 1], 7u);
  ASSERT_EQ(decisions->decisions.size(), 2u);
  EXPECT_EQ(decisions->decisions[0].reason, registry::Reason::kExpired);
  EXPECT_EQ(decisions->decisions[0].checks[7], CheckOutcome::kFailed);
  EXPECT_EQ(decisions->decisions[0].serial, (Bytes{0, 255}));
}

TEST(RequestTopic, names_connection_and_topic) {
  const std::string topic = request_topic(0xfeed0000'0000001a, "$dps/registrations/PUT/iotdps-register/?$rid=1");
  EXPECT_EQ(topic, "latchkey/v1/request/feed00000000001a/$dps/registrations/PUT/iotdps-register/?$rid=1");
  const auto parsed = parse_request_topic(topic);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->connection, 0xfeed0000'0000001au);
  EXPECT_EQ(parsed->device_topic, "$dps/registrations/PUT/iotdps-register/?$rid=1");
}

TEST(RequestTopic, anything_else_is_malformed) {
  for (const char* topic :
       {"", "latchkey/v1/request/", "latchkey/v1/request/feed00000000001a", "latchkey/v1/request/feed00000000001a/",
        "latchkey/v1/request/feed00000000001/x", "latchkey/v1/request/FEED00000000001a/x",
        "latchkey/v1/request/feed00000000001aa/x", "latchkey/v1/ack", "devices/x/messages/events/"}) {
    EXPECT_FALSE(parse_request_topic(topic)) << topic;
  }
}

TEST(Check, every_check_has_a_name_of_its_own) {
  std::vector<std::string_view> names;
  for (int i = 0; i < kCheckCount; ++i) names.push_back(to_string(static_cast<Check>(i)));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  EXPECT_EQ(std::find(names.begin(), names.end(), "unknown"), names.end());
}

}  // namespace
}  // namespace latchkey::hub::wire
