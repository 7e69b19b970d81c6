// SPDX-License-Identifier: Apache-2.0
// The subscription in which a hub's resources lie: one for each data folder, made when it is first opened. Ids of
// resources and scopes of roles begin with it.
#pragma once

#include <string>

#include "registry/store/sql.h"

namespace latchkey::registry {

// And the tenant that it belongs to, with a name.
Outcome<Nothing> ensure_subscription(store::Database& db);
// kInternal when there is none.
Outcome<std::string> subscription_of_folder(store::Database& db);

}  // namespace latchkey::registry
