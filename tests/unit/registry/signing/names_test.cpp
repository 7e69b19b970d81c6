// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/names.h"

#include <gtest/gtest.h>

#include <string>

#include "registry/signing/regions.h"
#include "registry/signing/sku.h"

namespace latchkey::registry::signing {
namespace {

// Rows: S-6-01, S-6-02, S-6-03, S-6-04
TEST(SigningNames, account_name_keeps_both_rules) {
  for (const auto* good : {"abc", "Contoso", "a1b", "ab-c", "ab-c-d9", "on3", "abcdefghijklmnopqrstuvwx"}) {
    EXPECT_TRUE(valid_account_name(good)) << good;
  }
  for (const auto* bad :
       {"", "ab", "abcdefghijklmnopqrstuvwxy", "1abc", "-abc", "abc-", "ab--c", "a-bc", "a_bc", "ab c", "ab.c",
        "\xc3\xa9"
        "abc",
        "abc\n"}) {
    EXPECT_FALSE(valid_account_name(bad)) << bad;
  }
}

// Rows: S-6-05
TEST(SigningNames, account_name_does_not_begin_with_one_in_any_case) {
  for (const auto* bad : {"one", "onecorp", "One-two", "ONEX", "oNe"}) EXPECT_FALSE(valid_account_name(bad)) << bad;
  EXPECT_TRUE(valid_account_name("phone"));
}

// Rows: S-6-20, S-6-21
TEST(SigningNames, profile_name_has_5_to_100_characters_and_keeps_the_same_rules) {
  EXPECT_TRUE(valid_profile_name("abcde"));
  EXPECT_TRUE(valid_profile_name(std::string(100, 'a')));
  EXPECT_TRUE(valid_profile_name("oneProfile"));
  EXPECT_FALSE(valid_profile_name("abcd"));
  EXPECT_FALSE(valid_profile_name(std::string(101, 'a')));
  for (const auto* bad : {"1abcd", "abcd-", "ab--cd", "a-bcd", "abc_d"}) EXPECT_FALSE(valid_profile_name(bad)) << bad;
}

TEST(SigningNames, group_name_has_its_own_rule) {
  EXPECT_TRUE(valid_group_name("My_Resource.Group(1)-x"));
  EXPECT_TRUE(valid_group_name(std::string(90, 'g')));
  for (const std::string& bad :
       {std::string(), std::string("a."), std::string("a/b"), std::string("a b"), std::string(91, 'g')}) {
    EXPECT_FALSE(valid_group_name(bad)) << bad;
  }
}

// Rows: S-6-08
TEST(SigningRegions, are_the_six_with_their_codes_and_endpoints) {
  const Region expected[] = {{"East US", "EastUS", "https://eus.codesigning.azure.net"},
                             {"West US", "WestUS", "https://wus.codesigning.azure.net"},
                             {"West Central US", "WestCentralUS", "https://wcus.codesigning.azure.net"},
                             {"West US 2", "WestUS2", "https://wus2.codesigning.azure.net"},
                             {"North Europe", "NorthEurope", "https://neu.codesigning.azure.net"},
                             {"West Europe", "WestEurope", "https://weu.codesigning.azure.net"}};
  ASSERT_EQ(regions().size(), std::size(expected));
  for (std::size_t i = 0; i < regions().size(); ++i) {
    EXPECT_EQ(regions()[i].name, expected[i].name);
    EXPECT_EQ(regions()[i].code, expected[i].code);
    EXPECT_EQ(regions()[i].endpoint, expected[i].endpoint);
  }
  EXPECT_EQ(regions()[2].short_name(), "wcus");
}

// Rows: S-6-09
TEST(SigningRegions, code_compares_without_case) {
  for (const auto* same : {"EastUS", "eastus", "EASTUS", "East US"}) {
    ASSERT_NE(region(same), nullptr) << same;
    EXPECT_EQ(region(same)->code, "EastUS");
  }
  for (const auto* none : {"", "eus", "EastUS2", "Mars"}) EXPECT_EQ(region(none), nullptr) << none;
}

TEST(SigningSkus, have_their_quotas) {
  EXPECT_EQ(quota_of(Sku::kBasic).profiles_of_a_type, 1);
  EXPECT_EQ(quota_of(Sku::kPremium).profiles_of_a_type, 10);
  EXPECT_EQ(quota_of(Sku::kBasic).signatures_per_month, 5'000);
  EXPECT_EQ(quota_of(Sku::kPremium).signatures_per_month, 100'000);
  EXPECT_EQ(sku_by_name("Basic"), Sku::kBasic);
  EXPECT_EQ(sku_by_name("basic"), std::nullopt);
}

}  // namespace
}  // namespace latchkey::registry::signing
