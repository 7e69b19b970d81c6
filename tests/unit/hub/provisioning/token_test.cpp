// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/token.h"

#include <random>

#include "tests/unit/hub/provisioning/fixture.h"

namespace latchkey::hub::provisioning {
namespace {

using registry::Reason;
using test::token;

constexpr std::int64_t kExpiry = test::kNow / 1000 + 3600;
const registry::Bytes kKey = test::bytes("0123456789abcdef0123456789abcdef");

// Everything that decides: signature, resource, expiry.
bool accepted(const std::string& text, const registry::Bytes& key = kKey, UnixMs now = test::kNow) {
  const auto shown = ShownToken::read(text);
  return shown && shown->signed_by(ByteView(key)) && shown->check("0ne00ABCDEF", "dev-1", now);
}

TEST(Token, published_vector_of_group_key_derivation_is_met) {
  const auto group_key =
      test::from_base64("8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==");
  DeviceKey derived;
  ASSERT_TRUE(derive_device_key(ByteView(group_key), "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6", derived));
  EXPECT_EQ(test::base64({derived.bytes.begin(), derived.bytes.end()}), "Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=");
}

TEST(Token, derivation_takes_the_id_as_the_device_writes_it) {
  DeviceKey lower, upper;
  ASSERT_TRUE(derive_device_key(ByteView(kKey), "dev-a", lower));
  ASSERT_TRUE(derive_device_key(ByteView(kKey), "DEV-A", upper));
  EXPECT_NE(lower.bytes, upper.bytes);
}

TEST(Token, group_without_key_derives_nothing) {
  DeviceKey out;
  EXPECT_FALSE(derive_device_key(ByteView(), "dev-1", out));
}

TEST(Token, raw_and_encoded_resources_are_accepted) {
  EXPECT_TRUE(accepted(token(kKey, "0ne00ABCDEF/registrations/dev-1", kExpiry)));
  EXPECT_TRUE(accepted(token(kKey, "0ne00ABCDEF%2Fregistrations%2Fdev-1", kExpiry)));
  EXPECT_TRUE(accepted(token(kKey, "0ne00ABCDEF%2fregistrations%2fdev-1", kExpiry)));
}

TEST(Token, resource_compares_case_insensitively) {
  EXPECT_TRUE(accepted(token(kKey, "0NE00abcdef/Registrations/DEV-1", kExpiry)));
}

TEST(Token, fields_may_come_in_any_order) {
  const std::string resource = "0ne00ABCDEF/registrations/dev-1";
  const std::string expiry = std::to_string(kExpiry);
  const std::string signature = test::percent(test::base64(test::hmac(kKey, resource + "\n" + expiry)));
  EXPECT_TRUE(
      accepted("SharedAccessSignature se=" + expiry + "&skn=registration&sig=" + signature + "&sr=" + resource));
  EXPECT_TRUE(accepted("SharedAccessSignature sig=" + signature + "&se=" + expiry + "&sr=" + resource));
}

TEST(Token, resource_of_another_device_scope_or_shape_is_refused) {
  for (const std::string resource :
       {"0ne00ABCDEF/registrations/dev-2", "0ne00OTHER/registrations/dev-1", "0ne00ABCDEF/registrations/dev-1/",
        "0ne00ABCDEF/registrations", "dev-1", "0ne00ABCDEF/registrations/dev-11", "hub/devices/dev-1"}) {
    EXPECT_FALSE(accepted(token(kKey, resource, kExpiry))) << resource;
  }
}

TEST(Token, resource_is_decoded_once_only) {
  EXPECT_FALSE(accepted(token(kKey, "0ne00ABCDEF%252Fregistrations%252Fdev-1", kExpiry)));
}

TEST(Token, broken_escape_in_resource_is_refused) {
  EXPECT_FALSE(accepted(token(kKey, "0ne00ABCDEF%2registrations/dev-1", kExpiry)));
}

TEST(Token, expiry_is_exclusive_and_has_its_own_reason) {
  const std::string text = token(kKey, "0ne00ABCDEF/registrations/dev-1", kExpiry);
  EXPECT_TRUE(accepted(text, kKey, kExpiry * 1000 - 1));
  EXPECT_FALSE(accepted(text, kKey, kExpiry * 1000));
  const auto check = ShownToken::read(text)->check("0ne00ABCDEF", "dev-1", kExpiry * 1000);
  EXPECT_EQ(check.error().reason, Reason::kTokenExpired);
}

TEST(Token, clock_before_1970_does_not_wrap) {
  EXPECT_TRUE(accepted(token(kKey, "0ne00ABCDEF/registrations/dev-1", kExpiry), kKey, -1));
}

TEST(Token, wrong_key_and_empty_key_sign_nothing) {
  const std::string text = token(kKey, "0ne00ABCDEF/registrations/dev-1", kExpiry);
  EXPECT_FALSE(accepted(text, test::bytes("another key that is long enough")));
  EXPECT_FALSE(accepted(text, {}));
  EXPECT_FALSE(accepted(token({}, "0ne00ABCDEF/registrations/dev-1", kExpiry), {}));
}

TEST(Token, lengthened_expiry_is_refused) {
  std::string text = token(kKey, "0ne00ABCDEF/registrations/dev-1", kExpiry);
  text += "0";
  EXPECT_FALSE(accepted(text));
}

TEST(Token, unreadable_tokens_are_refused) {
  for (const std::string text :
       {"", "SharedAccessSignature", "SharedAccessSignature ", "Bearer x", "SharedAccessSignature sr=a&sig=b",
        "SharedAccessSignature sr=a&se=1", "SharedAccessSignature sig=YQ%3D%3D&se=1",
        "SharedAccessSignature sr=a&sig=!!!&se=1", "SharedAccessSignature sr=a&sig=YQ%3D%3D&se=1",
        "SharedAccessSignature sr=a&sr=b&sig=YQ%3D%3D&se=1", "SharedAccessSignature sr=a&sig=YQ%3D%3D&se=soon"}) {
    const auto read = ShownToken::read(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().reason, Reason::kTokenInvalid) << text;
  }
}

// Whatever single character is changed, the token is refused, or still says the same. (What `skn` says is not signed.)
TEST(Token, no_mutation_is_accepted) {
  const std::string good = token(kKey, "0ne00ABCDEF/registrations/dev-1", kExpiry);
  const std::size_t skn = good.find("skn=");
  const std::size_t skn_end = good.find('&', skn);
  for (std::size_t at = 0; at < good.size(); ++at) {
    if (at >= skn && at < skn_end) continue;
    for (const char replacement : {'x', 'A', '0', '%', '&', '=', '\xff', '\0'}) {
      std::string bad = good;
      if (bad[at] == replacement) continue;
      bad[at] = replacement;
      EXPECT_FALSE(accepted(bad)) << at << " " << bad;
    }
  }
}

TEST(Token, random_text_is_never_accepted) {
  std::mt19937 random(20260118);
  for (int i = 0; i < 2000; ++i) {
    std::string text = "SharedAccessSignature ";
    const std::size_t size = random() % 300;
    for (std::size_t n = 0; n < size; ++n) text += static_cast<char>(random());
    EXPECT_FALSE(accepted(text));
  }
}

}  // namespace
}  // namespace latchkey::hub::provisioning
