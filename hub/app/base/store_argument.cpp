// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/store_argument.h"

#include <cstdlib>

#include "registry/store/location.h"

namespace latchkey::hub::app {

registry::Outcome<registry::Nothing> check_store_argument(const std::string& location) {
  if (!registry::store::has_password(location)) return registry::Nothing{};
  const char* const variable = std::getenv(kStoreVariable);
  if (variable != nullptr && location == variable) return registry::Nothing{};
  return registry::refuse(
      registry::Reason::kInvalidArgument,
      "a password on the command line is in the list of processes for all to read: take it out of " +
          registry::store::shown(location) + " and put it into ~/.pgpass (0600) or PGPASSWORD, or the whole URL into " +
          kStoreVariable);
}

}  // namespace latchkey::hub::app
