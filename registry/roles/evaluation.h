// SPDX-License-Identifier: Apache-2.0
// May somebody with these roles do this there? Pure: it knows no token, no clock and no database.
//
// A role allows an action when a pattern of its `actions` matches and none of its `notActions` does (for the data
// plane: `dataActions`, `notDataActions`). Assignments add up: what one withholds another may give. An assignment
// counts when its scope is the resource or lies above it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "registry/roles/action.h"
#include "registry/roles/role.h"

namespace latchkey::registry::roles {

// The sources disagree with the published role definitions in two places; which of them to follow. kSeed:
//  - Azure Device Registry Credentials Contributor suffices for revoking and for switching devices off, although its
//    definition names nothing below devices/;
//  - Contributor may not revoke signing certificates: that takes an Owner.
enum class Parity : std::uint8_t {
  kSeed,        // the default
  kAzureRoles,  // the definitions, to the letter: `latchkey up --parity azure-roles`
};
std::string_view to_string(Parity parity);  // "seed", "azure-roles"

// A role and where it is held.
struct Grant {
  RoleDefinition role;
  std::string scope;
};

bool permits(const RoleDefinition& role, const Action& action, Parity parity);
bool allowed(const std::vector<Grant>& grants, const Action& action, std::string_view resource, Parity parity);

}  // namespace latchkey::registry::roles
