// SPDX-License-Identifier: Apache-2.0
// What devices have to hear of, between what they were told last and what stands now, whoever changed it. A pure
// function.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "registry/firmware/campaigns.h"

namespace latchkey::hub::firmware {

struct CampaignNews {
  std::vector<registry::firmware::Standing> withdrawn;  // as they stood; they may have begun anew since
  std::vector<registry::firmware::Standing> fresh;      // that were not there, or were withdrawn in between
  std::set<std::string> namespaces;                     // where some campaign reaches more devices than it did
};
CampaignNews news_between(const std::vector<registry::firmware::Standing>& before,
                          const std::vector<registry::firmware::Standing>& now);

}  // namespace latchkey::hub::firmware
