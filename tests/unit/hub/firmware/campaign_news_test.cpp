// SPDX-License-Identifier: Apache-2.0
#include "hub/firmware/campaign_news.h"

#include <gmock/gmock.h>

namespace latchkey::hub::firmware {
namespace {

using registry::firmware::Standing;
using testing::ElementsAre;
using testing::IsEmpty;

Standing campaign(std::uint64_t number, int percent = 100, const std::string& ns = "default", UnixMs created = 1000) {
  Standing one;
  one.namespace_name = ns;
  one.bundle = registry::Bytes(32, static_cast<std::uint8_t>(number));
  one.number = number;
  one.created = created;
  one.percent = percent;
  return one;
}

std::vector<std::uint64_t> numbers(const std::vector<Standing>& all) {
  std::vector<std::uint64_t> numbers;
  for (const auto& one : all) numbers.push_back(one.number);
  return numbers;
}

TEST(CampaignNewsTest, nothing_changed_is_no_news) {
  for (const auto& same : {std::vector<Standing>{}, {campaign(1, 10), campaign(2)}}) {
    const auto news = news_between(same, same);
    EXPECT_THAT(news.withdrawn, IsEmpty());
    EXPECT_THAT(news.fresh, IsEmpty());
    EXPECT_THAT(news.namespaces, IsEmpty());
  }
}

TEST(CampaignNewsTest, one_that_came_is_offered_in_its_namespace_alone) {
  const auto news = news_between({campaign(1)}, {campaign(1), campaign(2, 1, "plant-2")});
  EXPECT_THAT(numbers(news.fresh), ElementsAre(2));
  EXPECT_THAT(news.namespaces, ElementsAre("plant-2"));
  EXPECT_THAT(news.withdrawn, IsEmpty());
}

TEST(CampaignNewsTest, one_that_was_raised_is_offered_and_not_fetched_again) {
  const auto news =
      news_between({campaign(1, 10), campaign(2, 10, "plant-2")}, {campaign(1, 10), campaign(2, 11, "plant-2")});
  EXPECT_THAT(news.fresh, IsEmpty());
  EXPECT_THAT(news.namespaces, ElementsAre("plant-2"));
}

TEST(CampaignNewsTest, one_that_went_is_withdrawn) {
  const auto news = news_between({campaign(1), campaign(2)}, {campaign(2)});
  EXPECT_THAT(numbers(news.withdrawn), ElementsAre(1));
  EXPECT_THAT(news.namespaces, IsEmpty());
}

// Also when nobody looked in between; the newest one begins anew with its number.
TEST(CampaignNewsTest, one_that_was_withdrawn_and_begun_anew_is_both) {
  for (const auto& anew : {campaign(2, 50, "default", 2000), campaign(1, 50, "default", 2000)}) {
    auto same_bundle = anew;
    same_bundle.bundle = campaign(1).bundle;
    const auto news = news_between({campaign(1)}, {same_bundle});
    EXPECT_THAT(numbers(news.withdrawn), ElementsAre(1));
    EXPECT_THAT(numbers(news.fresh), ElementsAre(anew.number));
    EXPECT_THAT(news.namespaces, ElementsAre("default"));
  }
}

}  // namespace
}  // namespace latchkey::hub::firmware
