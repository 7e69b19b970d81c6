// SPDX-License-Identifier: Apache-2.0
// Finding a principal, or refusing in the same words everywhere.
#pragma once

#include "registry/roles/role.h"
#include "registry/store/sql.h"

namespace latchkey::registry {

// By its name or its id; kNotFound.
Outcome<roles::Principal> existing_principal(store::Database& db, const std::string& principal);

}  // namespace latchkey::registry
