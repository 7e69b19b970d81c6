// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/keys_option.h"

#include <gtest/gtest.h>

namespace latchkey::hub::app {
namespace {

using Kind = KeysOption::Kind;

TEST(KeysOption, files_is_all_that_it_needs) {
  const auto option = parse_keys("files", "");
  ASSERT_TRUE(option);
  EXPECT_EQ(option->kind, Kind::kFiles);
}

TEST(KeysOption, sealed_names_node_keys_newest_first) {
  const auto one = parse_keys("sealed:/etc/node.key", "");
  ASSERT_TRUE(one) << one.error().detail;
  EXPECT_EQ(one->kind, Kind::kSealed);
  EXPECT_EQ(one->node_keys, std::vector<std::filesystem::path>{"/etc/node.key"});
  EXPECT_TRUE(one->folder.empty());
  const auto two = parse_keys("sealed:/new,old", "/shared");
  ASSERT_TRUE(two) << two.error().detail;
  EXPECT_EQ(two->node_keys, (std::vector<std::filesystem::path>{"/new", std::filesystem::absolute("old")}));
  EXPECT_EQ(two->folder, "/shared");
}

TEST(KeysOption, token_is_a_uri_that_can_be_read) {
  const std::string uri = "pkcs11:token=a?module-path=/m.so&pin-source=/pin";
  const auto option = parse_keys(uri, "");
  ASSERT_TRUE(option) << option.error().detail;
  EXPECT_EQ(option->kind, Kind::kPkcs11);
  EXPECT_EQ(option->token, uri);
}

TEST(KeysOption, anything_else_is_refused) {
  const std::pair<std::string, std::string> cases[] = {{"", ""},
                                                       {"file", ""},
                                                       {"files:/x", ""},
                                                       {"sealed", ""},
                                                       {"sealed:", ""},
                                                       {"sealed:/a,", ""},
                                                       {"sealed:,/a", ""},
                                                       {"sealed:/a,,/b", ""},
                                                       {"pkcs11:", ""},
                                                       {"pkcs11:token=a", ""},
                                                       {"pkcs11:token=a?module-path=/m&pin-value=1", ""},
                                                       {"files", "/shared"},
                                                       {"pkcs11:token=a?module-path=/m&pin-source=/p", "/shared"}};
  for (const auto& [keys, folder] : cases) {
    const auto option = parse_keys(keys, folder);
    ASSERT_FALSE(option) << keys;
    EXPECT_EQ(option.error().reason, registry::Reason::kInvalidArgument) << keys;
  }
}

}  // namespace
}  // namespace latchkey::hub::app
