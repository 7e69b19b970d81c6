// SPDX-License-Identifier: Apache-2.0
// The small parts of the core: endpoints, back-off, onboarding.
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/core/backoff.h"
#include "agent/core/endpoint.h"
#include "agent/core/onboarding.h"
#include "agent/protocol/sas.h"
#include "platform/crypto/digest.h"
#include "platform/sim/entropy.h"

namespace latchkey::agent {
namespace {

TEST(Endpoint, host_with_and_without_port) {
  EXPECT_EQ(parse_endpoint("hub.example")->port, 8883);
  EXPECT_EQ(parse_endpoint("127.0.0.1:1234")->host, "127.0.0.1");
  EXPECT_EQ(parse_endpoint("127.0.0.1:1234")->port, 1234);
  EXPECT_EQ(parse_endpoint("[::1]:99")->host, "::1");
  EXPECT_EQ(parse_endpoint("[::1]")->port, 8883);
}

TEST(Endpoint, what_is_none_is_refused) {
  for (const char* text :
       {"", ":1", "h:", "h:0", "h:65536", "h:x", "h:1:2", "h h", "h\n", "[::1", "[]", "[::1]x", "h/x"}) {
    EXPECT_FALSE(parse_endpoint(text).has_value()) << text;
  }
  EXPECT_FALSE(parse_endpoint(std::string(129, 'h')).has_value());
}

TEST(Backoff, doubles_up_to_its_limit_with_a_fifth_of_jitter) {
  sim::SeededEntropy entropy(7);
  Backoff backoff(1'000, 60'000);
  std::uint64_t expected = 1'000;
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t wait = backoff.next(entropy);
    EXPECT_GE(wait, expected * 4 / 5);
    EXPECT_LE(wait, expected * 6 / 5);
    expected = std::min<std::uint64_t>(expected * 2, 60'000);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(entropy), 1'200u);
}

TEST(Backoff, differs_from_device_to_device) {
  sim::SeededEntropy one(1), two(2);
  EXPECT_NE(with_jitter(60'000, one), with_jitter(60'000, two));
}

// The published test vector of group enrollments.
TEST(Onboarding, device_key_of_a_group_is_derived_as_published) {
  ASSERT_TRUE(crypto::init().has_value());
  std::array<std::uint8_t, 64> group_key;
  ASSERT_EQ(*base64_decode("8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==",
                           group_key),
            64u);
  Config config;
  config.registration_id = "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6";
  ASSERT_TRUE(derive_device_key(group_key, config).has_value());
  std::array<std::uint8_t, 44> text;
  ASSERT_TRUE(base64_encode(ByteView(config.symmetric_key.data(), config.symmetric_key_size), text).has_value());
  EXPECT_EQ(ByteView(text).text(), "Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=");
}

TEST(Onboarding, token_is_signed_over_its_own_resource_and_expiry) {
  ASSERT_TRUE(crypto::init().has_value());
  Config config;
  config.registration_id = "dev:1";
  config.id_scope = "0ne00TEST";
  config.symmetric_key_size = 32;
  std::array<std::uint8_t, 512> buffer;
  const auto token = sas::parse(*write_dps_token(config, 1'700'003'600, buffer));
  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(token->resource, "0ne00TEST%2Fregistrations%2Fdev%3A1");
  EXPECT_EQ(token->policy_name, "registration");
  std::array<std::uint8_t, 256> text_buffer;
  const auto text = sas::write_text_to_sign(token->resource, token->expiry_text, text_buffer);
  crypto::Sha256 expected;
  ASSERT_TRUE(crypto::hmac_sha256(ByteView(config.symmetric_key.data(), 32), *text, expected).has_value());
  crypto::Sha256 signature;
  ASSERT_TRUE(sas::decode_signature(token->signature, signature).has_value());
  EXPECT_EQ(signature, expected);
}

TEST(Onboarding, without_a_key_there_is_no_token) {
  Config config;
  config.registration_id = "dev-1";
  config.id_scope = "0ne";
  std::array<std::uint8_t, 512> buffer;
  EXPECT_FALSE(write_dps_token(config, 1, buffer).has_value());
}

}  // namespace
}  // namespace latchkey::agent
