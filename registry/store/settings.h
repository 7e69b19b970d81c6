// SPDX-License-Identifier: Apache-2.0
// Named settings of the data folder.
#pragma once

#include "registry/store/sql.h"

namespace latchkey::registry::store {

Outcome<std::optional<std::string>> find_setting(Database& database, std::string_view name);
Outcome<Nothing> put_setting(Database& database, std::string_view name, std::string_view value);

}  // namespace latchkey::registry::store
