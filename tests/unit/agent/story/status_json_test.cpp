// SPDX-License-Identifier: Apache-2.0
#include "agent/story/status_json.h"

#include <gtest/gtest.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <random>

namespace latchkey::agent {
namespace {

std::string date(UnixMs time) {
  std::array<std::uint8_t, 32> room;
  TextWriter out(room);
  put_rfc3339(out, time);
  return std::string(out.finish().value_or("<does not fit>"));
}

std::string status(const Summary& summary, std::string_view registration_id = "dev-1", UnixMs since = 0) {
  std::array<std::uint8_t, kMaxStatus> room;
  TextWriter out(room);
  put_status(out, summary, registration_id, since);
  return std::string(out.finish().value_or("<does not fit>"));
}

TEST(StatusDate, known_days) {
  EXPECT_EQ(date(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(date(-5), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(date(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(date(1'709'164'800'007), "2024-02-29T00:00:00.007Z");
  EXPECT_EQ(date(1'735'689'599'999), "2024-12-31T23:59:59.999Z");
  EXPECT_EQ(date(4'107'542'400'000), "2100-03-01T00:00:00.000Z");
}

// Against the C library, on any day up to the year 2199.
TEST(StatusDate, agrees_with_gmtime) {
  std::mt19937_64 random(7);
  const std::uint64_t end = sizeof(std::time_t) == 8 ? 7'258'118'400 : INT32_MAX;  // as far as the system can count
  for (int i = 0; i < 20'000; ++i) {
    const auto seconds = static_cast<std::time_t>(random() % end);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char expected[40];
    std::strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
    ASSERT_EQ(date(static_cast<UnixMs>(seconds) * 1000), expected);
  }
}

TEST(Status, longest_one_fits_and_is_json) {
  Credential credential;
  credential.generation = UINT32_MAX;
  credential.hub.assign(std::string(128, 'h'));
  credential.serial.assign(std::string(40, 'f'));
  credential.not_before = 1'700'000'000'000;
  credential.not_after = 1'800'000'000'000;
  Summary summary;
  summary.state = State::kDpsRegisterWait;
  summary.credential = &credential;
  summary.telemetry_sent = summary.telemetry_acked = summary.devicebound = UINT64_MAX;
  summary.provisioned = summary.renewed = UINT64_MAX;
  summary.last_refusal = {RefusedBy::kOwnClock, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, {}};
  summary.last_refusal.message.assign(std::string(160, '"'));
  const std::string text = status(summary, std::string(128, 'd'), 1'700'000'000'000);
  const auto json = nlohmann::json::parse(text, nullptr, false);
  ASSERT_FALSE(json.is_discarded()) << text;
  EXPECT_EQ(json["last_refusal"]["message"], std::string(160, '"'));
  EXPECT_EQ(json["telemetry_sent"], UINT64_MAX);
  EXPECT_EQ(json["state"], "dps-register-wait");
}

TEST(Status, is_one_line_whatever_a_peer_says) {
  Summary summary;
  summary.last_refusal.who = RefusedBy::kDps;
  summary.last_refusal.message.assign("a\n\x1b\x7f b");
  const std::string text = status(summary);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(text)["last_refusal"]["message"], "a??? b");
}

}  // namespace
}  // namespace latchkey::agent
