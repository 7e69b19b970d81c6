// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/outbox/letter.h"

#include <gmock/gmock.h>

namespace latchkey::hub::signing {
namespace {

using testing::HasSubstr;
using testing::Not;

registry::signing::Mail mail(std::string body, std::string subject = "Completed") {
  registry::signing::Mail one;
  one.number = 7;
  one.recipient = "legal@contoso.com";
  one.subject = std::move(subject);
  one.body = std::move(body);
  one.created = 1'900'000'000'000;
  return one;
}

TEST(Letter, name_that_is_not_ascii_is_encoded_in_the_header) {
  EXPECT_THAT(letter_file(mail("", "M\xc3\xbcller")), HasSubstr("\nSubject: =?utf-8?B?TcO8bGxlcg==?=\n"));
}

TEST(Letter, for_a_server_has_its_line_ends_and_its_sender) {
  const auto letter = letter_for_server(mail("one\ntwo\n"), "hub@contoso.com");
  EXPECT_THAT(letter, HasSubstr("From: Latchkey signing <hub@contoso.com>\r\nTo: <legal@contoso.com>\r\n"));
  EXPECT_THAT(letter, HasSubstr("Content-Transfer-Encoding: 7bit\r\n\r\none\r\ntwo\r\n"));
  for (std::size_t at = letter.find('\n'); at != std::string::npos; at = letter.find('\n', at + 1)) {
    ASSERT_GT(at, 0u);
    EXPECT_EQ(letter[at - 1], '\r');
  }
}

TEST(Letter, body_that_is_not_plain_is_encoded_in_short_lines) {
  for (const std::string& body : {std::string(300, 'x') + "\xc3\xbc", std::string(999, 'x'), std::string("a\rb")}) {
    const auto letter = letter_for_server(mail(body), kUsualSender);
    EXPECT_THAT(letter, HasSubstr("Content-Transfer-Encoding: base64\r\n"));
    EXPECT_THAT(letter, Not(HasSubstr(body)));
    std::size_t line = 0;
    for (const char c : letter.substr(letter.find("\r\n\r\n") + 4)) {
      line = c == '\n' ? 0 : line + 1;
      EXPECT_LE(line, 77u);  // with the CR
    }
  }
}

TEST(Letter, names_are_those_of_the_mail) {
  EXPECT_EQ(name_of(mail("a")), "1900000000.M7.latchkey");
  EXPECT_THAT(letter_for_server(mail("a"), kUsualSender),
              HasSubstr("Message-ID: <1900000000.M7.latchkey@latchkey.invalid>"));
}

TEST(Letter, addresses_that_would_end_something_on_the_wire_are_none) {
  EXPECT_TRUE(is_plain_address("legal@contoso.com"));
  EXPECT_TRUE(is_plain_address("a+b.c-d_e'f@x"));
  for (const char* bad : {"", "@", "a@", "@b", "ab", "a@b@c", "a b@c", "a@b>", "<a@b", "a@b\r\nRCPT TO:<c@d>", "a@b\n",
                          "\xc3\xbc@b", "\"a\"@b", "a,b@c", "a@[1.2.3.4]"}) {
    EXPECT_FALSE(is_plain_address(bad)) << bad;
  }
  EXPECT_TRUE(is_plain_address(std::string(252, 'a') + "@b"));
  EXPECT_FALSE(is_plain_address(std::string(253, 'a') + "@b"));
}

}  // namespace
}  // namespace latchkey::hub::signing
