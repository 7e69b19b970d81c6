// SPDX-License-Identifier: Apache-2.0
// The roles that every hub has, with the ids, names and actions that Azure gives them.
#pragma once

#include <string_view>
#include <vector>

#include "registry/roles/role.h"

namespace latchkey::registry::roles {

// In the order of docs/roles.md.
const std::vector<RoleDefinition>& built_in_roles();
// By its id, or by its name; nullptr when there is none.
const RoleDefinition* built_in_role(const Uuid& id);
const RoleDefinition* built_in_role(std::string_view name);

// Ids that rules speak of.
inline constexpr std::string_view kContributorId = "b24988ac-6180-42a0-ab88-20f7382dd24c";
inline constexpr std::string_view kCredentialsContributorId = "09267e11-2e06-40b5-8fe4-68cea20794c9";

}  // namespace latchkey::registry::roles
