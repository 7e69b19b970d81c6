// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/renewal_window.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "agent/protocol/dps_answer.h"
#include "agent/protocol/renewal_answer.h"

namespace latchkey::agent {
namespace {

std::string utc(std::time_t at) {
  std::tm parts{};
  gmtime_r(&at, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

RenewalWindow of_dps(const std::string& value) {
  const std::string body = R"({"registrationState":{"issuedCertificateChain":["A"],"renewalWindow":)" + value + "}}";
  const auto answer = dps::parse_answer(body);
  EXPECT_TRUE(answer.has_value()) << body;
  EXPECT_EQ(answer->chain.count, 1u) << "the certificate counts, whatever the window is: " << body;
  return answer->renewal_window;
}

RenewalWindow of_renewal(const std::string& value) {
  const std::string body = R"({"certificates":["A"],"renewalWindow":)" + value + "}";
  const auto answer = hub::parse_renewal_answer(body);
  EXPECT_TRUE(answer.has_value()) << body;
  EXPECT_EQ(answer->certificates.count, 1u) << body;
  return answer->renewal_window;
}

TEST(UtcSeconds, agree_with_the_system_on_every_day_from_1970_to_2105) {
  constexpr std::time_t kDay = 86'400;
  constexpr std::time_t kDays = sizeof(std::time_t) == 8 ? 49'672 : 24'854;  // a system of 32 bits counts to 2038
  for (std::time_t day = 1; day < kDays; ++day) {
    const std::time_t at = day * kDay + day % kDay;
    ASSERT_EQ(parse_utc_seconds(utc(at)), static_cast<std::uint32_t>(at)) << utc(at);
  }
}

TEST(UtcSeconds, fraction_is_cut_off) {
  EXPECT_EQ(parse_utc_seconds("2026-11-21T13:22:18.999Z"), parse_utc_seconds("2026-11-21T13:22:18Z"));
  EXPECT_EQ(parse_utc_seconds("2026-11-21T13:22:18.1234567Z"), 1'795'267'338u);
}

TEST(UtcSeconds, what_is_no_date_is_none) {
  for (const char* text : {"",
                           "Z",
                           "2026-11-21",
                           "2026-11-21T13:22:18",
                           "2026-11-21 13:22:18Z",
                           "2026-11-21T13:22:18+00:00",
                           "2026-11-21T13:22:18.Z",
                           "2026-11-21T13:22:18,5Z",
                           "2026-11-21T13:22:18.5xZ",
                           "2026-11-21T13:22:18ZZ",
                           "2026-13-21T13:22:18Z",
                           "2026-00-21T13:22:18Z",
                           "2026-11-31T13:22:18Z",
                           "2026-11-00T13:22:18Z",
                           "2026-02-29T13:22:18Z",
                           "2100-02-29T00:00:00Z",
                           "2026-11-21T24:22:18Z",
                           "2026-11-21T13:60:18Z",
                           "2026-11-21T13:22:60Z",
                           "1969-12-31T23:59:59Z",
                           "2106-01-01T00:00:00Z",
                           "9999-12-31T23:59:59Z",
                           "+026-11-21T13:22:18Z",
                           "20x6-11-21T13:22:18Z",
                           "2026-11-21t13:22:18z",
                           "tomorrow"}) {
    EXPECT_EQ(parse_utc_seconds(text), 0u) << text;
  }
  EXPECT_NE(parse_utc_seconds("2028-02-29T13:22:18Z"), 0u);
}

TEST(RenewalWindow, comes_with_the_certificates_of_dps_and_of_a_renewal) {
  const char* value = R"({"start":"2026-11-21T13:15:00.000Z","explanation":"x","end":"2026-11-21T13:30:00.000Z"})";
  for (const auto& window : {of_dps(value), of_renewal(value)}) {
    EXPECT_EQ(window.start_s, parse_utc_seconds("2026-11-21T13:15:00Z"));
    EXPECT_EQ(window.end_s, window.start_s + 900);
  }
}

TEST(RenewalWindow, that_is_none_costs_nobody_a_certificate) {
  for (const char* value :
       {"null", "true", "7", "\"soon\"", "[]", "[{\"start\":1}]", "{}", R"({"start":"2026-11-21T13:15:00Z"})",
        R"({"end":"2026-11-21T13:15:00Z"})", R"({"start":1,"end":2})", R"({"start":null,"end":null})",
        R"({"start":"x","end":"2026-11-21T13:15:00Z"})", R"({"start":{"end":"2026-11-21T13:15:00Z"},"end":[[]]})"}) {
    EXPECT_EQ(of_dps(value).end_s, 0u) << value;
    EXPECT_EQ(of_renewal(value).end_s, 0u) << value;
    EXPECT_EQ(of_dps(value).start_s, 0u) << value;
  }
}

TEST(RenewalWindow, absent_is_none_and_broken_json_is_refused) {
  EXPECT_EQ(dps::parse_answer(R"({"registrationState":{}})")->renewal_window.end_s, 0u);
  for (const char* body : {R"({"renewalWindow":{"start":"2026})", R"({"renewalWindow":{"start"}})",
                           R"({"renewalWindow":nul})", R"({"renewalWindow":)"}) {
    EXPECT_EQ(hub::parse_renewal_answer(body).error(), Status::kMalformed) << body;
  }
}

TEST(RenewalWindow, of_several_the_last_one_counts) {
  const auto answer = hub::parse_renewal_answer(
      R"({"renewalWindow":{"start":"2026-11-21T13:15:00Z","end":"2026-11-21T13:30:00Z"},"renewalWindow":{}})");
  EXPECT_EQ(answer->renewal_window.end_s, 0u);
}

}  // namespace
}  // namespace latchkey::agent
