// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/balancer.h"

#include <gtest/gtest.h>

namespace latchkey::hub::app {
namespace {

using registry::Reason;

const Endpoints kEndpoints{{"10.0.0.1", 8883}, {"10.0.0.2", 8883}};

TEST(Balancer, prints_what_it_was_told) {
  const auto text = balancer_configuration(
      kEndpoints, {"a=10.0.0.11:8883,10.0.0.11:8884,10.0.0.11:8080", "b.2=[::1]:1,[::1]:2,[::1]:3"});
  ASSERT_TRUE(text) << text.error().detail;
  EXPECT_NE(text->find("server a 10.0.0.11:8884 check"), std::string::npos) << *text;
  EXPECT_NE(text->find("server b.2 [::1]:2 check"), std::string::npos) << *text;
}

TEST(Balancer, refuses_nodes_that_are_none_and_says_which) {
  for (const std::string node :
       {"", "a", "a=", "=1.1.1.1:1,1.1.1.1:2,1.1.1.1:3", "a=1.1.1.1:1", "a=1.1.1.1:1,1.1.1.1:2",
        "a,b=1.1.1.1:1,1.1.1.1:2", "a=1.1.1.1:1,1.1.1.1:2,1.1.1.1", "a=1.1.1.1:1,1.1.1.1:2,1.1.1.1:0",
        "a=1.1.1.1:1,host:2,1.1.1.1:3", "a b=1.1.1.1:1,1.1.1.1:2,1.1.1.1:3", "a\nserver=1.1.1.1:1,1.1.1.1:2,1.1.1.1:3",
        "a=1.1.1.1:1,1.1.1.1:2,1.1.1.1:3,1.1.1.1:4"}) {
    const auto text = balancer_configuration(kEndpoints, {node});
    ASSERT_FALSE(text) << node;
    EXPECT_EQ(text.error().reason, Reason::kInvalidArgument);
    EXPECT_FALSE(text.error().detail.empty());
  }
}

TEST(Balancer, refuses_one_name_for_two_nodes) {
  const auto text =
      balancer_configuration(kEndpoints, {"a=1.1.1.1:1,1.1.1.1:2,1.1.1.1:3", "a=1.1.1.2:1,1.1.1.2:2,1.1.1.2:3"});
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().detail.find("'a'"), std::string::npos);
}

TEST(Balancer, refuses_endpoints_that_it_could_not_listen_at) {
  const std::vector<std::string> nodes{"a=1.1.1.1:1,1.1.1.1:2,1.1.1.1:3"};
  EXPECT_FALSE(balancer_configuration({{"10.0.0.1", 8883}, {"10.0.0.1", 8883}}, nodes));
  EXPECT_FALSE(balancer_configuration({{"10.0.0.1", 0}, {"10.0.0.2", 8883}}, nodes));
  EXPECT_FALSE(balancer_configuration({{"10.0.0.1", 8883}, {"10.0.0.2", 0}}, nodes));
  EXPECT_TRUE(balancer_configuration({{"10.0.0.1", 8883}, {"10.0.0.1", 8884}}, nodes));
}

}  // namespace
}  // namespace latchkey::hub::app
