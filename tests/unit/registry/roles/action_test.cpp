// SPDX-License-Identifier: Apache-2.0
#include "registry/roles/action.h"

#include <gtest/gtest.h>

#include <string>

namespace latchkey::registry::roles {
namespace {

struct Case {
  const char* pattern;
  const char* action;
  bool matches;
};

TEST(Action, pattern_matches_as_azure_reads_it) {
  const Case cases[] = {
      {"*", "Microsoft.Devices/IotHubs/read", true},
      {"*/read", "Microsoft.Devices/IotHubs/read", true},
      {"*/read", "Microsoft.Devices/IotHubs/write", false},
      {"*/READ", "microsoft.devices/iothubs/Read", true},
      {"Microsoft.Devices/IotHubs/*", "Microsoft.Devices/IotHubs/certificates/delete", true},
      {"Microsoft.Devices/IotHubs/*", "Microsoft.Devices/IotHubs", false},
      {"Microsoft.Devices/IotHubs/*", "Microsoft.Devices/IotHubsOther/read", false},
      {"Microsoft.Authorization/*/Write", "Microsoft.Authorization/roleAssignments/write", true},
      {"Microsoft.Authorization/*/Write", "Microsoft.Authorization/roleAssignments/read", false},
      {"Microsoft.Authorization/*/Write", "Microsoft.Authorization/write", false},
      {"a/*b*c", "a/xbybzc", true},
      {"a/*b*c", "a/xbybz", false},
      {"a/b", "a/b/c", false},
      {"a/b/c", "a/b", false},
      {"", "a/b", false},
      {"**", "a/b", true},
      {"a/b*", "a/b", true},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(matches(one.pattern, one.action), one.matches) << one.pattern << " on " << one.action;
  }
}

TEST(Action, many_stars_against_a_long_action_end_soon) {
  std::string pattern;
  for (int i = 0; i < 60; ++i) pattern += "*a";
  EXPECT_FALSE(matches(pattern + "b", std::string(250, 'a')));
}

TEST(Action, pattern_of_a_custom_role_is_an_action_with_stars) {
  for (const auto* good : {"*", "*/read", "Microsoft.Devices/IotHubs/*", "a/b", "Micro*/x*/read"}) {
    EXPECT_TRUE(valid_pattern(good)) << good;
  }
  const std::string long_one = "a/" + std::string(kPatternMost, 'b');
  for (const std::string& bad :
       {std::string(), std::string("read"), std::string("/read"), std::string("a//b"), std::string("a/b/"),
        std::string("a b/c"), std::string("a/b\nc/d"), std::string("a/\xc3\xa9"), std::string("a/b?c"), long_one}) {
    EXPECT_FALSE(valid_pattern(bad)) << bad;
  }
}

TEST(Action, name_of_an_action_has_no_wildcard) {
  static_assert(names_action("Latchkey/audit/read"));
  static_assert(!names_action("Latchkey/*/read"));
  static_assert(!names_action(""));
  static_assert(!names_action("read"));
  SUCCEED();
}

}  // namespace
}  // namespace latchkey::registry::roles
