// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/sas.h"

#include <gtest/gtest.h>

#include <string>

namespace latchkey::agent::sas {
namespace {

std::array<std::uint8_t, 512> buffer;
constexpr std::string_view kSig = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8%3D";

TEST(Sas, written_token_is_parsed_back_with_its_raw_resource) {
  std::array<std::uint8_t, kSignatureSize> signature;
  for (std::size_t i = 0; i < signature.size(); ++i) signature[i] = static_cast<std::uint8_t>(i);
  const auto text = write("0ne%2Fregistrations%2Fdev", signature, "registration", 1700003600, buffer);
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(*text, "SharedAccessSignature sr=0ne%2Fregistrations%2Fdev&sig=" + std::string(kSig) +
                       "&skn=registration&se=1700003600");
  const auto token = parse(*text);
  EXPECT_EQ(token->resource, "0ne%2Fregistrations%2Fdev");
  EXPECT_EQ(token->policy_name, "registration");
  EXPECT_EQ(token->expiry_s, 1700003600u);
  std::array<std::uint8_t, kSignatureSize> decoded;
  ASSERT_TRUE(decode_signature(token->signature, decoded).has_value());
  EXPECT_EQ(decoded, signature);
}

TEST(Sas, resource_without_url_encoding_stays_as_it_was_signed) {
  const std::string text = "SharedAccessSignature se=1&sr=0ne/registrations/dev&sig=" + std::string(kSig);
  const auto token = parse(text);
  EXPECT_EQ(token->resource, "0ne/registrations/dev");
  EXPECT_EQ(*write_text_to_sign(token->resource, token->expiry_text, buffer), "0ne/registrations/dev\n1");
}

TEST(Sas, tokens_that_lack_or_repeat_a_field_are_refused) {
  for (const char* text : {"", "SharedAccessSignature ", "sr=a&sig=b&se=1", "SharedAccessSignature sr=a&sig=b",
                           "SharedAccessSignature sr=a&se=1", "SharedAccessSignature sig=b&se=1",
                           "SharedAccessSignature sr=a&sig=b&se=soon", "SharedAccessSignature sr=&sig=b&se=1",
                           "SharedAccessSignature sr=a&sr=b&sig=b&se=1", "SharedAccessSignature sr=a&sig=b&se=1&se=2",
                           "SharedAccessSignature sr=a&sig=b&se=-1", "sharedaccesssignature sr=a&sig=b&se=1"}) {
    EXPECT_EQ(parse(text).error(), Status::kMalformed) << text;
  }
  EXPECT_EQ(parse("SharedAccessSignature sr=" + std::string(kMaxToken, 'a')).error(), Status::kTooLarge);
}

TEST(Sas, signatures_that_are_not_32_bytes_of_base64_are_refused) {
  std::array<std::uint8_t, kSignatureSize> out;
  for (const char* text : {"", "AAEC", "%%%", "not base64 at all, not at all, at all, at!!!"}) {
    EXPECT_EQ(decode_signature(text, out).error(), Status::kMalformed) << text;
  }
  const std::string too_long = std::string(kSig) + "AAAA";
  EXPECT_FALSE(decode_signature(too_long, out).has_value());
  EXPECT_TRUE(decode_signature("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", out).has_value());
}

}  // namespace
}  // namespace latchkey::agent::sas
