// SPDX-License-Identifier: Apache-2.0
#include "hub/session/internal/renewal_body.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "hub/session/internal/renewal_text.h"

namespace latchkey::hub::session {
namespace {

Result<RenewalBody, BodyFault> read(std::string_view text) { return read_renewal_body(ByteView(text), "dev-1"); }

TEST(RenewalBody, what_sdks_send_is_read) {
  EXPECT_EQ(read(R"({"id":"dev-1","csr":"MIIB"})")->csr, "MIIB");
  EXPECT_EQ(read(R"({"id":"dev-1","csr":"MIIB","replace":null})")->replace, "");
  EXPECT_EQ(read(R"({"id":"dev-1","csr":"MIIB","replace":"*"})")->replace, "*");
  EXPECT_EQ(read(R"({"replace":"rid-1","csr":"MI\/IB","id":"dev\u002d1"})")->replace, "rid-1");
}

TEST(RenewalBody, text_that_is_no_json_is_400006) {
  for (const char* text : {"", " ", "x", "{", R"({"id":"dev-1","csr":"MIIB"} x)", R"({"id":"dev-1","csr":"MIIB",})",
                           R"({"id" "dev-1"})", "{\"id\":\"\xff\"}", R"({"id":"\q"})"}) {
    const auto body = read(text);
    ASSERT_FALSE(body) << text;
    EXPECT_EQ(body.error().error_code, 400006) << text;
  }
}

TEST(RenewalBody, json_that_is_no_request_is_400004) {
  for (const char* text :
       {"null", "[]", "7", "{}", R"({"id":"dev-1"})", R"({"csr":"MIIB"})", R"({"id":"dev-2","csr":"MIIB"})",
        R"({"id":"DEV-1","csr":"MIIB"})", R"({"id":"dev-1","csr":""})", R"({"id":"dev-1","csr":null})",
        R"({"id":"dev-1","csr":7})", R"({"id":1,"csr":"MIIB"})", R"({"id":"dev-1","csr":["MIIB"]})",
        R"({"id":"dev-1","csr":"MIIB","replace":true})", R"({"id":"dev-1","csr":"MIIB","replace":""})",
        R"({"id":"dev-1","csr":"MIIB","replace":"**"})", R"({"id":"dev-1","csr":"MIIB","replace":"-abc"})",
        R"({"id":"dev-1","csr":"MIIB","other":1})", R"({"id":"dev-1","csr":"MIIB","Csr":"x"})"}) {
    const auto body = read(text);
    ASSERT_FALSE(body) << text;
    EXPECT_EQ(body.error().error_code, 400004) << text;
  }
}

TEST(RenewalBody, mutations_never_pass_for_another_device) {
  const std::string good = R"({"id":"dev-1","csr":"MIIB","replace":"*"})";
  std::mt19937 random(11);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    for (unsigned n = 0; n < 1 + random() % 2; ++n) text[random() % text.size()] = static_cast<char>(random());
    const auto body = read(text);
    refused += body ? 0 : 1;
    if (!body) continue;
    EXPECT_NE(text.find("\"id\":\"dev-1\""), std::string::npos) << text;
  }
  EXPECT_GT(refused, 10'000);
}

TEST(RenewalText, info_has_only_members_that_exist) {
  const auto bare = nlohmann::json::parse(error_body(400004, "m", 0, {}, {}));
  EXPECT_FALSE(bare.contains("info"));
  EXPECT_FALSE(bare.contains("retryAfter"));
  EXPECT_EQ(bare.size(), 4U);
  ErrorInfo info;
  info.request_id = "rid-1";
  const auto full = nlohmann::json::parse(error_body(409005, "m", 0, info, 7));
  EXPECT_EQ(full["info"], (nlohmann::json{{"requestId", "rid-1"}}));
  EXPECT_EQ(full["retryAfter"], 7);
}

TEST(RenewalText, record_comes_back_and_junk_does_not) {
  const auto record = load_record(store_record({"rid-1", "f", "c", 9, "{}"}));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->request_id, "rid-1");
  EXPECT_EQ(record->sequence, 9U);
  for (const std::string text :
       {"", "{}", "[1]", R"({"requestId":1,"fingerprint":"","correlationId":"","answer":""})"}) {
    EXPECT_FALSE(load_record({text.begin(), text.end()})) << text;
  }
}

TEST(RenewalText, sha256_is_the_published_one) {
  EXPECT_EQ(sha256_text("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace latchkey::hub::session
