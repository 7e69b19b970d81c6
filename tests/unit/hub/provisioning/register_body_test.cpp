// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/register_body.h"

#include <gtest/gtest.h>

#include <random>

namespace latchkey::hub::provisioning {
namespace {

registry::Outcome<RegisterBody> read(std::string_view text) { return read_register_body(ByteView(text)); }

TEST(RegisterBody, what_sdks_send_is_read) {
  struct Sent {
    const char* text;
    std::optional<std::string> id;
    std::optional<std::string> csr;
  };
  const Sent all[] = {
      {"", {}, {}},
      {" ", {}, {}},
      {"\r\n\t ", {}, {}},
      {"{}", {}, {}},
      {R"({"registrationId":"dev-1"})", "dev-1", {}},
      {R"({"registrationId":"dev-1","csr":"MIIB"})", "dev-1", "MIIB"},
      {R"({"csr":"MIIB"})", {}, "MIIB"},
      {R"({"payload":{"a":[1,2,{"b":null}]},"csr":"MIIB"})", {}, "MIIB"},
      {R"({"registrationId":null,"csr":null,"payload":null})", {}, {}},
      {R"({"csr":"a\/b\u002b"})", {}, "a/b+"},
      {R"( { "tpm" : {} , "csr" : "MIIB" } )", {}, "MIIB"},
      {R"({"clientCertificateCsr":"-----BEGIN"})", {}, {}},
      {R"({"csr":""})", {}, ""},
  };
  for (const auto& sent : all) {
    const auto body = read(sent.text);
    ASSERT_TRUE(body) << sent.text;
    EXPECT_EQ(body->registration_id, sent.id) << sent.text;
    EXPECT_EQ(body->csr, sent.csr) << sent.text;
  }
}

TEST(RegisterBody, anything_else_is_refused) {
  for (const char* text : {"null",
                           "1",
                           "\"x\"",
                           "[]",
                           "{",
                           "}",
                           "{]",
                           "{\"csr\"}",
                           "{\"csr\":}",
                           "{\"csr\":1}",
                           "{\"csr\":[\"a\"]}",
                           "{\"csr\":{}}",
                           "{\"csr\":true}",
                           "{\"registrationId\":7}",
                           "{\"registrationId\":{}}",
                           "{\"csr\":\"a\"} x",
                           "{\"csr\":\"a\",}",
                           "{'csr':'a'}",
                           "{\"csr\":\"\\x\"}",
                           "{\"csr\":\"\xff\"}",
                           "-----BEGIN",
                           "{\"csr\":\"a",
                           "{\"a\":1e}",
                           "{\"a\":nul}"}) {
    const auto body = read(text);
    ASSERT_FALSE(body) << text;
    EXPECT_EQ(body.error().reason, registry::Reason::kMalformedRequest) << text;
  }
}

TEST(RegisterBody, deep_nesting_is_refused) {
  std::string text = "{\"payload\":";
  for (int i = 0; i < 40'000; ++i) text += '[';
  EXPECT_FALSE(read(text));
  for (int i = 0; i < 40'000; ++i) text += ']';
  EXPECT_FALSE(read(text + "}"));
}

TEST(RegisterBody, more_than_96_kb_is_refused) {
  const std::string head = "{\"payload\":\"";
  const std::string tail = "\"}";
  EXPECT_TRUE(read(head + std::string(kMaxMessage - head.size() - tail.size(), 'x') + tail));
  EXPECT_FALSE(read(head + std::string(kMaxMessage - head.size() - tail.size() + 1, 'x') + tail));
  EXPECT_FALSE(read(std::string(kMaxMessage + 1, ' ')));
}

TEST(RegisterBody, mutated_bodies_are_read_or_refused_but_never_more) {
  const std::string good = R"({"registrationId":"dev-1","payload":{"a":[1,-2.5e3,true,null]},"csr":"MIIB\u0041"})";
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    for (unsigned n = 0; n < 1 + random() % 3; ++n) text[random() % text.size()] = static_cast<char>(random());
    if (random() % 4 == 0) text.resize(random() % text.size());
    const auto body = read(text);
    refused += body ? 0 : 1;
    if (!body) continue;
    EXPECT_LE(body->csr.value_or("").size(), text.size());
  }
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace latchkey::hub::provisioning
