// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "agent/protocol/dps_answer.h"
#include "agent/protocol/renewal_answer.h"

namespace latchkey::agent {
namespace {

constexpr const char* kAssigned =
    R"({"operationId":"5.71cf7e385566aa10.0f1c2d3e-0000-4000-8000-1a2b3c4d5e6f","status":"assigned",
 "registrationState":{"x509":{},"registrationId":"dev-1","createdDateTimeUtc":"2026-01-18T10:00:00.1234567Z",
  "assignedHub":"hub.example","deviceId":"dev-1","status":"assigned","substatus":"initialAssignment",
  "lastUpdatedDateTimeUtc":"2026-01-18T10:00:01.1234567Z","etag":"IjAwMDAwMDAwIg==","payload":{},
  "issuedCertificateChain":["TEVBRg==","SUNB","Uk9PVA=="]}})";

TEST(DpsAnswer, assigned_as_the_service_writes_it) {
  const auto answer = dps::parse_answer(kAssigned);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, dps::RegistrationStatus::kAssigned);
  EXPECT_TRUE(answer->assigned_hub.equals("hub.example"));
  EXPECT_TRUE(answer->device_id.equals("dev-1"));
  ASSERT_EQ(answer->chain.count, 3u);
  EXPECT_TRUE(answer->chain.base64[2].equals("Uk9PVA=="));
}

TEST(DpsAnswer, progress_and_failure_and_disabled) {
  auto answer = dps::parse_answer(R"({"operationId":"5.x","status":"assigning"})");
  EXPECT_EQ(answer->status, dps::RegistrationStatus::kAssigning);
  EXPECT_TRUE(answer->operation_id.equals("5.x"));
  answer = dps::parse_answer(R"({"operationId":"5.x","status":"failed","registrationState":{"status":"failed",
      "errorCode":404204,"errorMessage":"policy missing"}})");
  EXPECT_EQ(answer->status, dps::RegistrationStatus::kFailed);
  EXPECT_EQ(answer->error_code, 404204u);
  EXPECT_TRUE(answer->message.equals("policy missing"));
  answer = dps::parse_answer(R"({"operationId":"","status":"disabled","registrationState":null})");
  EXPECT_EQ(answer->status, dps::RegistrationStatus::kDisabled);
  EXPECT_TRUE(answer->operation_id.empty());
}

TEST(DpsAnswer, error_body_and_words_of_later_versions) {
  auto answer = dps::parse_answer(R"({"errorCode":401002,"trackingId":"t","message":"Unauthorized","info":{"a":[1]}})");
  EXPECT_EQ(answer->status, dps::RegistrationStatus::kAbsent);
  EXPECT_EQ(answer->error_code, 401002u);
  answer = dps::parse_answer(R"({"status":"reassigning","connectionProfile":{"x":1}})");
  EXPECT_EQ(answer->status, dps::RegistrationStatus::kUnknown);
}

TEST(DpsAnswer, wrong_types_and_junk_are_refused) {
  for (const char* body :
       {"", " ", "[]", "null", "{\"status\":1}", "{\"operationId\":{}}", "{\"registrationState\":[]}",
        "{\"errorCode\":\"many\"}", "{\"errorCode\":-1}", "{\"errorCode\":99999999999}",
        "{\"registrationState\":{\"issuedCertificateChain\":\"MII\"}}",
        "{\"registrationState\":{\"issuedCertificateChain\":[1]}}", "{\"status\":\"assigned\"} x"}) {
    EXPECT_EQ(dps::parse_answer(body).error(), Status::kMalformed) << body;
  }
}

TEST(DpsAnswer, more_than_three_certificates_are_refused) {
  EXPECT_EQ(dps::parse_answer(R"({"registrationState":{"issuedCertificateChain":["a","b","c","d"]}})").error(),
            Status::kTooLarge);
}

TEST(RenewalAnswer, accepted_issued_and_refused) {
  auto answer = hub::parse_renewal_answer(R"({"correlationId":"c-1","operationExpires":"2026-01-30T12:00:00Z"})");
  EXPECT_TRUE(answer->correlation_id.equals("c-1"));
  answer = hub::parse_renewal_answer(R"({"correlationId":"c-1","certificates":["A","B","C"]})");
  EXPECT_EQ(answer->certificates.count, 3u);
  answer = hub::parse_renewal_answer(R"({"errorCode":409005,"message":"runs","trackingId":"t","retryAfter":7,
      "info":{"correlationId":"c","requestId":"lk-1","operationExpires":"x","credentialError":"E"}})");
  EXPECT_EQ(answer->error_code, 409005u);
  EXPECT_TRUE(answer->pending_request_id.equals("lk-1"));
  EXPECT_TRUE(answer->credential_error.equals("E"));
  EXPECT_EQ(answer->retry_after_s, 7u);
}

TEST(RenewalAnswer, junk_and_wrong_types_are_refused) {
  for (const char* body : {"", "[\"A\"]", "{\"certificates\":{}}", "{\"retryAfter\":-3}", "{\"info\":3}"}) {
    EXPECT_FALSE(hub::parse_renewal_answer(body).has_value()) << body;
  }
}

TEST(RenewalAdvice, both_spellings_of_codes_mean_the_same) {
  using Advice = hub::RenewalAdvice;
  EXPECT_EQ(hub::advise(400, 400037), Advice::kNewKey);
  EXPECT_EQ(hub::advise(400, 400040), Advice::kNewKey);
  EXPECT_EQ(hub::advise(409, 409004), Advice::kReplace);
  EXPECT_EQ(hub::advise(409, 409005), Advice::kReplace);
}

TEST(RenewalAdvice, every_row_of_the_error_table) {
  using Advice = hub::RenewalAdvice;
  EXPECT_EQ(hub::advise(400, 400001), Advice::kFixRequest);
  EXPECT_EQ(hub::advise(400, 400004), Advice::kFixRequest);
  EXPECT_EQ(hub::advise(400, 400006), Advice::kFixRequest);
  EXPECT_EQ(hub::advise(403, 403010), Advice::kBackOffLong);
  EXPECT_EQ(hub::advise(404, 404001), Advice::kProvision);
  EXPECT_EQ(hub::advise(412, 412001), Advice::kRemoveReplace);
  EXPECT_EQ(hub::advise(412, 412005), Advice::kBackOffLong);
  EXPECT_EQ(hub::advise(429, 429002), Advice::kThrottled);
  EXPECT_EQ(hub::advise(429, 429003), Advice::kThrottled);
  EXPECT_EQ(hub::advise(500, 500001), Advice::kServiceFault);
  EXPECT_EQ(hub::advise(503, 503001), Advice::kUnavailable);
  EXPECT_EQ(hub::advise(503, 503102), Advice::kReconnect);
  EXPECT_EQ(hub::advise(502, 0), Advice::kServiceFault);
  EXPECT_EQ(hub::advise(418, 0), Advice::kFixRequest);
}

}  // namespace
}  // namespace latchkey::agent
