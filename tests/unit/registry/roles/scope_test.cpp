// SPDX-License-Identifier: Apache-2.0
#include "registry/roles/scope.h"

#include <gtest/gtest.h>

#include <string>

namespace latchkey::registry::roles {
namespace {

const std::string kSubscription = "/subscriptions/7a1d6a3e-0000-4000-8000-000000000001";
const std::string kGroup = kSubscription + "/resourceGroups/latchkey";
const std::string kNamespace = kGroup + "/providers/Microsoft.DeviceRegistry/namespaces/plant";

TEST(Scope, everything_subscription_group_and_resource_are_scopes) {
  for (const std::string& good : {std::string("/"), kSubscription, kGroup, kNamespace, kNamespace + "/devices/pump%2B7",
                                  std::string("/SUBSCRIPTIONS/s/ResourceGroups/g/Providers/P/t/n")}) {
    EXPECT_TRUE(valid_scope(good)) << good;
  }
}

TEST(Scope, half_paths_tricks_and_unfinished_names_are_none) {
  for (const std::string& bad : {std::string(),
                                 std::string("subscriptions/s"),
                                 std::string("/subscriptions"),
                                 std::string("/subscriptions/"),
                                 kSubscription + "/",
                                 kSubscription + "/resourceGroups",
                                 kSubscription + "//resourceGroups/g",
                                 kSubscription + "/groups/g",
                                 kGroup + "/providers",
                                 kGroup + "/providers/P",
                                 kGroup + "/providers/P/t",
                                 kNamespace + "/devices",
                                 kNamespace + "/..",
                                 kNamespace + "/devices/..",
                                 kNamespace + "/devices/.",
                                 kNamespace + "/devices/a b",
                                 kNamespace + "/devices/%2",
                                 kNamespace + "/devices/%zz",
                                 kNamespace + "/devices/a\n",
                                 std::string("/namespaces/plant"),
                                 kNamespace + "/devices/" + std::string(kScopeMost, 'a')}) {
    EXPECT_FALSE(valid_scope(bad)) << bad;
  }
}

TEST(Scope, covers_itself_and_what_lies_below) {
  EXPECT_TRUE(covers("/", "/"));
  EXPECT_TRUE(covers("/", kNamespace));
  EXPECT_TRUE(covers(kSubscription, kNamespace));
  EXPECT_TRUE(covers(kGroup, kNamespace));
  EXPECT_TRUE(covers(kNamespace, kNamespace));
  EXPECT_TRUE(covers(kNamespace, kNamespace + "/devices/a"));
}

TEST(Scope, covers_nothing_above_or_beside) {
  EXPECT_FALSE(covers(kNamespace, kGroup));
  EXPECT_FALSE(covers(kSubscription, "/"));
  EXPECT_FALSE(covers(kNamespace, kNamespace + "-2"));  // whole segments
  EXPECT_FALSE(covers(kNamespace, kGroup + "/providers/Microsoft.DeviceRegistry/namespaces/other"));
  EXPECT_FALSE(covers("", kNamespace));
  EXPECT_FALSE(covers("/", ""));
}

TEST(Scope, compares_without_regard_to_case) {
  std::string shouted = kNamespace;
  for (char& c : shouted) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_TRUE(covers(shouted, kNamespace + "/devices/a"));
  EXPECT_TRUE(covers(kGroup, shouted));
}

TEST(Scope, encoded_slash_makes_no_segment) { EXPECT_FALSE(covers(kNamespace, kNamespace + "%2Fdevices")); }

TEST(Scope, names_its_subscription) {
  EXPECT_EQ(subscription_of(kNamespace), kSubscription.substr(15));
  EXPECT_EQ(subscription_of(kSubscription), kSubscription.substr(15));
  EXPECT_EQ(subscription_of("/"), "");
}

}  // namespace
}  // namespace latchkey::registry::roles
