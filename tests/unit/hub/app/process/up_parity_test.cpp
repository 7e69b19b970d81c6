// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/up_parity.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

namespace latchkey::hub::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

UpOptions following(const std::vector<std::string>& values) {
  UpOptions options;
  follow(values, options);
  return options;
}

// 10000 as "10,000".
std::string grouped(std::uint64_t number) {
  auto text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

TEST(Parity, nothing_is_limited_unless_it_is_asked_for) {
  for (const auto& options : {following({}), following({kAzureRoles})}) {
    EXPECT_FALSE(options.limits.policies_a_credential);
    EXPECT_FALSE(options.limits.devices_a_namespace);
    EXPECT_FALSE(options.limits.usual_validity);
    EXPECT_EQ(options.quotas.device_creations, 0U);
    EXPECT_EQ(options.quotas.identity_acts, 0U);
    EXPECT_EQ(options.registrations_per_minute, 0U);
    EXPECT_EQ(options.polls_per_minute, 0U);
    EXPECT_FALSE(options.p384_alone);
    EXPECT_TRUE(options.renewal_windows);
    EXPECT_EQ(options.key_profile, registry::KeyProfile::kEcP256);
  }
}

// Rows: R-12-01, R-12-02, R-12-04, R-12-05, R-12-06
TEST(Parity, preview_has_the_documented_numbers) {
  const auto options = following({kAzurePreview});
  EXPECT_EQ(options.limits.policies_a_credential, 1U);
  EXPECT_EQ(options.limits.devices_a_namespace, 10'000U);
  EXPECT_TRUE(options.limits.usual_validity);
  EXPECT_EQ(options.quotas.device_creations, 1000U);
  EXPECT_EQ(options.quotas.device_enables, 1000U);
  EXPECT_EQ(options.quotas.device_disables, 1000U);
  EXPECT_EQ(options.quotas.identity_acts, 100U);
  EXPECT_EQ(options.registrations_per_minute, 1000U);
  EXPECT_EQ(options.polls_per_minute, 1000U);
  EXPECT_TRUE(options.p384_alone);
  EXPECT_FALSE(options.renewal_windows) << "the real service tells none";
  EXPECT_EQ(options.key_profile, registry::KeyProfile::kEcP384);
  EXPECT_EQ(options.role_parity, registry::roles::Parity::kSeed) << "roles are another value";
}

TEST(Parity, values_add_up_and_are_told_once_each) {
  const auto both = following({kAzureRoles, kAzurePreview, kAzureRoles});
  EXPECT_THAT(both.parity, ElementsAre(kAzurePreview, kAzureRoles));
  EXPECT_EQ(both.role_parity, registry::roles::Parity::kAzureRoles);
  EXPECT_TRUE(both.p384_alone);
  EXPECT_THAT(following({kAzureRoles}).parity, ElementsAre(kAzureRoles));
  EXPECT_THAT(following({}).parity, IsEmpty());
}

TEST(Parity, page_tells_the_numbers_that_are_set) {
  std::ifstream file(LATCHKEY_PARITY_PAGE);
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  const auto options = following({kAzurePreview});
  for (const auto& words :
       {std::string(kAzurePreview), std::string(kAzureRoles), grouped(*options.limits.devices_a_namespace) + " devices",
        grouped(options.quotas.device_creations) + " a minute", grouped(options.quotas.identity_acts) + " a minute",
        grouped(options.registrations_per_minute) + " registrations"}) {
    EXPECT_THAT(page, HasSubstr(words));
  }
}

}  // namespace
}  // namespace latchkey::hub::app
