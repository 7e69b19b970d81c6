// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/front_config.h"

#include <gtest/gtest.h>

namespace latchkey::hub::brokers {
namespace {

FrontConfig example() {
  FrontConfig config;
  config.address = "127.0.0.2";
  config.port = 8883;
  config.control = "/data/brokers/front/ctl";
  config.brokers = {"/data/brokers/hub-1/front.sock", "/data/brokers/hub-2/front.sock"};
  config.descriptors = 20'000;
  return config;
}

bool has_line(const std::string& text, const std::string& line) {
  return text.find("\n  " + line + "\n") != std::string::npos;
}

TEST(FrontConfig, names_the_address_and_every_broker_and_opens_none) {
  const auto text = render(example());
  EXPECT_TRUE(has_line(text, "bind 127.0.0.2:8883 backlog 4096")) << text;
  EXPECT_TRUE(has_line(text, "server b1 unix@/data/brokers/hub-1/front.sock disabled")) << text;
  EXPECT_TRUE(has_line(text, "server b2 unix@/data/brokers/hub-2/front.sock disabled")) << text;
  EXPECT_TRUE(has_line(text, "mode tcp")) << text;
}

TEST(FrontConfig, gives_up_root_only_when_it_is_to) {
  auto config = example();
  EXPECT_EQ(render(config).find("uid"), std::string::npos);
  config.user = FrontConfig::User{101, 102};
  EXPECT_TRUE(has_line(render(config), "uid 101"));
  EXPECT_TRUE(has_line(render(config), "gid 102"));
}

TEST(FrontConfig, brackets_an_address_with_colons) {
  auto config = example();
  config.address = "::1";
  EXPECT_TRUE(has_line(render(config), "bind [::1]:8883 backlog 4096")) << render(config);
}

TEST(FrontConfig, session_takes_two_descriptors) {
  EXPECT_EQ(sessions_of(20'000), 9'950u);
  EXPECT_EQ(sessions_of(0), 1u);
  EXPECT_EQ(sessions_of(UINT64_MAX), 100'000u);
  EXPECT_TRUE(has_line(render(example()), "maxconn 9950"));
}

TEST(FrontConfig, control_line_opens_and_closes_by_number) {
  EXPECT_EQ(control_line(0, true), "set server brokers/b1 state ready\n");
  EXPECT_EQ(control_line(15, false), "set server brokers/b16 state maint\n");
}

}  // namespace
}  // namespace latchkey::hub::brokers
