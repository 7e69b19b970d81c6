// SPDX-License-Identifier: Apache-2.0
#include "hub/app/nodes/elsewhere.h"

#include "registry/cluster/claim_rows.h"

namespace latchkey::hub::app {

using registry::cluster::claimed_by_others;
using registry::store::Database;

bool Elsewhere::connected(const std::string& hub, const std::string& device) const {
  return rows_.looked<bool>([&](Database& database) {
                return claimed_by_others(database, {hub, device}, own_);
              })
      .value_or(false);
}

std::vector<std::string> Elsewhere::connected(const std::string& hub) const {
  return rows_
      .looked<std::vector<std::string>>([&](Database& database) { return claimed_by_others(database, hub, own_); })
      .value_or(std::vector<std::string>());
}

}  // namespace latchkey::hub::app
