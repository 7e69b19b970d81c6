// SPDX-License-Identifier: Apache-2.0
#include "hub/firmware/campaign_news.h"

#include <algorithm>

namespace latchkey::hub::firmware {

using registry::firmware::Standing;

namespace {

const Standing* find(const std::vector<Standing>& all, const Standing& wanted) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Standing& one) {
    return one.number == wanted.number && one.created == wanted.created && one.bundle == wanted.bundle &&
           one.namespace_name == wanted.namespace_name;
  });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

CampaignNews news_between(const std::vector<Standing>& before, const std::vector<Standing>& now) {
  CampaignNews news;
  for (const auto& one : before) {
    if (find(now, one) == nullptr) news.withdrawn.push_back(one);
  }
  for (const auto& one : now) {
    const auto* was = find(before, one);
    if (was == nullptr) news.fresh.push_back(one);
    if (was == nullptr || was->percent < one.percent) news.namespaces.insert(one.namespace_name);
  }
  return news;
}

}  // namespace latchkey::hub::firmware
