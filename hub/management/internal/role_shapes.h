// SPDX-License-Identifier: Apache-2.0
// Roles as JSON: definitions and assignments in the shape of Microsoft.Authorization, principals in our own.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "hub/management/internal/resource_id.h"
#include "registry/roles/role.h"

namespace latchkey::hub::management {

nlohmann::json role_definition_json(const Place& place, const registry::roles::RoleDefinition& role);
nlohmann::json role_assignment_json(const Place& place, const registry::roles::RoleAssignment& assignment,
                                    const std::string& principal, const std::string& role);
// Never with its digest; the token itself stands in one answer only, which adds it.
nlohmann::json principal_json(const registry::roles::Principal& principal, UnixMs now);

}  // namespace latchkey::hub::management
