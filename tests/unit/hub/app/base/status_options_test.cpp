// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/status_options.h"

#include <gmock/gmock.h>

namespace latchkey::hub::app {
namespace {

using registry::Reason;

StatusOptions parsed(const std::string& listen, const std::string& url = "") {
  auto options = parse_status(listen, url);
  EXPECT_TRUE(options) << options.error().detail;
  return options ? *options : StatusOptions{};
}

TEST(StatusOptions, address_is_what_certificates_name) {
  EXPECT_EQ(status_url(parsed("127.0.0.1:8080")), "http://127.0.0.1:8080");
  EXPECT_EQ(status_url(parsed("[::1]:8080")), "http://[::1]:8080");
}

TEST(StatusOptions, url_is_named_in_its_place_without_a_slash_at_its_end) {
  EXPECT_EQ(status_url(parsed("127.0.0.1:0", "http://pki.example.com/a/")), "http://pki.example.com/a");
  EXPECT_EQ(status_url(parsed("127.0.0.1:0", "https://pki.example.com:8443")), "https://pki.example.com:8443");
}

TEST(StatusOptions, off_serves_and_names_nothing) {
  EXPECT_FALSE(parsed("off").served);
  EXPECT_EQ(status_url(parsed("off", "http://pki.example.com")), "");
}

TEST(StatusOptions, text_of_an_address_is_read_back) {
  for (const char* text : {"127.0.0.1:8080", "[::1]:8080"}) {
    EXPECT_EQ(host_and_port(*parse_address(text)), text);
  }
}

TEST(StatusOptions, what_is_no_address_is_refused) {
  for (const char* listen : {"", "OFF", "localhost:80", "127.0.0.1:65536", "127.0.0.1:x", "::1:80"}) {
    const auto options = parse_status(listen, "");
    ASSERT_FALSE(options) << listen;
    EXPECT_EQ(options.error().reason, Reason::kInvalidArgument);
  }
}

TEST(StatusOptions, url_that_would_end_in_the_middle_of_a_certificate_is_refused) {
  for (const char* url : {"pki.example.com", "ftp://pki.example.com", "http://a,OCSP;URI:http://b", "http://a b",
                          "http://a\n", "http://a?b", "http://a#b", "HTTP://a"}) {
    const auto options = parse_status("127.0.0.1:0", url);
    ASSERT_FALSE(options) << url;
    EXPECT_EQ(options.error().reason, Reason::kInvalidArgument);
    EXPECT_THAT(options.error().detail, testing::HasSubstr("--status-url"));
  }
}

}  // namespace
}  // namespace latchkey::hub::app
