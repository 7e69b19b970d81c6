// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/pkcs11_uri.h"

#include <gtest/gtest.h>

namespace latchkey::hub::ca {
namespace {

using registry::Reason;

const std::string kQuery = "?module-path=/lib/m.so&pin-source=file:/etc/pin";

TEST(Pkcs11Uri, names_token_module_and_pin_file) {
  const auto uri = parse_pkcs11_uri("pkcs11:token=latchkey" + kQuery);
  ASSERT_TRUE(uri) << uri.error().detail;
  EXPECT_EQ(uri->token, "latchkey");
  EXPECT_EQ(uri->module, "/lib/m.so");
  EXPECT_EQ(uri->pin, "/etc/pin");
  EXPECT_FALSE(uri->serial || uri->slot || uri->model || uri->manufacturer);
}

TEST(Pkcs11Uri, every_attribute_in_any_order_with_percent_escapes) {
  const auto uri = parse_pkcs11_uri(
      "pkcs11:slot-id=7;serial=0a%2fb;model=M%20x;manufacturer=Who;token=a%3Bb?pin-source=/etc/pin%26&module-path=/m");
  ASSERT_TRUE(uri) << uri.error().detail;
  EXPECT_EQ(uri->token, "a;b");
  EXPECT_EQ(uri->manufacturer, "Who");
  EXPECT_EQ(uri->model, "M x");
  EXPECT_EQ(uri->serial, "0a/b");
  EXPECT_EQ(uri->slot, 7U);
  EXPECT_EQ(uri->pin, "/etc/pin&");
  EXPECT_TRUE(parse_pkcs11_uri("pkcs11:serial=1" + kQuery));
  EXPECT_TRUE(parse_pkcs11_uri("pkcs11:slot-id=0" + kQuery));
}

TEST(Pkcs11Uri, whatever_it_does_not_know_or_does_not_say_is_refused) {
  const std::string cases[] = {
      "",
      "pkcs11:",
      "token=a" + kQuery,
      "PKCS11:token=a" + kQuery,
      "pkcs11:" + kQuery,
      "pkcs11:model=a" + kQuery,
      "pkcs11:token=" + kQuery,
      "pkcs11:token" + kQuery,
      "pkcs11:token=a;token=b" + kQuery,
      "pkcs11:token=a;object=key" + kQuery,
      "pkcs11:token=a;id=%01" + kQuery,
      "pkcs11:token=a;type=private" + kQuery,
      "pkcs11:token=a;Token=b" + kQuery,
      "pkcs11:token=a;pin-source=/x?module-path=/m",
      "pkcs11:token=a%" + kQuery,
      "pkcs11:token=a%2" + kQuery,
      "pkcs11:token=a%zz" + kQuery,
      "pkcs11:token=a%00" + kQuery,
      "pkcs11:slot-id=x" + kQuery,
      "pkcs11:slot-id=-1" + kQuery,
      "pkcs11:slot-id=1x" + kQuery,
      "pkcs11:token=a",
      "pkcs11:token=a?module-path=/m",
      "pkcs11:token=a?pin-source=/p",
      "pkcs11:token=a?module-path=m.so&pin-source=/p",
      "pkcs11:token=a?module-path=/m&pin-source=p",
      "pkcs11:token=a?module-path=/m&pin-source=|/bin/sh",
      "pkcs11:token=a?module-name=m&pin-source=/p",
      "pkcs11:token=a?module-path=/m&token=b&pin-source=/p",
  };
  for (const auto& text : cases) {
    const auto uri = parse_pkcs11_uri(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().reason, Reason::kInvalidArgument);
  }
}

TEST(Pkcs11Uri, pin_on_the_command_line_is_refused_and_not_repeated) {
  const auto uri = parse_pkcs11_uri("pkcs11:token=a?module-path=/m&pin-value=sesame");
  ASSERT_FALSE(uri);
  EXPECT_NE(uri.error().detail.find("pin-source"), std::string::npos);
  EXPECT_EQ(uri.error().detail.find("sesame"), std::string::npos);
}

}  // namespace
}  // namespace latchkey::hub::ca
