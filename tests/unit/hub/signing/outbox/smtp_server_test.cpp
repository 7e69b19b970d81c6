// SPDX-License-Identifier: Apache-2.0
// What is taken as a mail server, and what is not. What one hears is tests/integration/signing/mail_test.cpp's.
#include "hub/signing/outbox/smtp_server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "platform/files/file.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::hub::signing {
namespace {

class SmtpOptions : public testing::Test {
 protected:
  static SmtpServer::Options with(const std::string& url) {
    return {.url = url, .from = "hub@contoso.com", .user = {}, .password_file = {}, .ca_file = {}};
  }
  SmtpServer::Options with_password(const std::string& content, mode_t mode = 0600) {
    auto options = with("smtps://mail.contoso.com");
    options.user = "hub";
    options.password_file = folder.file("password");
    EXPECT_TRUE(files::replace_file(options.password_file, ByteView(content), mode));
    return options;
  }
  static void expect_refused(const SmtpServer::Options& options, const std::string& what) {
    const auto checked = SmtpServer::check(options);
    ASSERT_FALSE(checked) << what;
    EXPECT_EQ(checked.error().reason, registry::Reason::kInvalidArgument);
    EXPECT_EQ(checked.error().detail.find("secret"), std::string::npos);
  }
  tests::MemoryFolder folder;
};

TEST_F(SmtpOptions, server_is_a_scheme_a_host_and_perhaps_a_port) {
  for (const char* good :
       {"smtp://127.0.0.1:2525", "smtps://mail.contoso.com", "smtp://[::1]:25", "smtp://localhost/"}) {
    EXPECT_TRUE(SmtpServer::check(with(good))) << good;
  }
  for (const char* bad : {"", "mail.contoso.com", "http://mail.contoso.com", "file:///etc/passwd", "smtp://",
                          "smtp://user:secret@host", "smtp://host/path", "smtp://host?x", "smtp://host#x",
                          "smtp://host:99999", "smtp://ho st", "smtp://host\r\nX: y"}) {
    expect_refused(with(bad), bad);
  }
  expect_refused(with("smtp://" + std::string(600, 'a')), "too long");
}

TEST_F(SmtpOptions, sender_is_an_address) {
  auto options = with("smtp://127.0.0.1");
  options.from = "hub@contoso.com>\r\nDATA";
  expect_refused(options, "a sender that ends its line");
}

TEST_F(SmtpOptions, password_lies_in_a_file_that_is_closed_to_others) {
  EXPECT_TRUE(SmtpServer::check(with_password("secret\n")));
  expect_refused(with_password("secret\n", 0640), "the group may read it");
  expect_refused(with_password("secret\n", 0604), "others may read it");
  expect_refused(with_password(""), "it is empty");
  expect_refused(with_password("\nsecret"), "its first line is empty");
  auto options = with_password("secret");
  options.password_file = folder.file("nothing");
  expect_refused(options, "it is not there");
  const std::string link = folder.file("link");
  ASSERT_EQ(::symlink(folder.file("password").c_str(), link.c_str()), 0);
  options.password_file = link;
  expect_refused(options, "it is a link");
}

TEST_F(SmtpOptions, user_and_password_go_together) {
  auto options = with_password("secret");
  options.user.clear();
  expect_refused(options, "nobody");
  options = with_password("secret");
  options.password_file.clear();
  expect_refused(options, "no password");
}

TEST_F(SmtpOptions, certificates_to_check_by_are_there) {
  auto options = with("smtps://localhost");
  options.ca_file = folder.file("nothing");
  expect_refused(options, "no such file");
}

}  // namespace
}  // namespace latchkey::hub::signing
