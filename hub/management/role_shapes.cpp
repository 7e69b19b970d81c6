// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/role_shapes.h"

#include <nlohmann/json.hpp>

#include "hub/management/internal/text.h"
#include "platform/base/percent.h"
#include "registry/roles/scope.h"

namespace latchkey::hub::management {

using nlohmann::json;

namespace {

const std::string kProvider = "/providers/Microsoft.Authorization/";

std::string definition_id(const Place& place, const Uuid& role) {
  return subscription_id(place) + kProvider + "roleDefinitions/" + uuid_text(role);
}

}  // namespace

json role_definition_json(const Place& place, const registry::roles::RoleDefinition& role) {
  json permission = {{"actions", role.actions},
                     {"notActions", role.not_actions},
                     {"dataActions", role.data_actions},
                     {"notDataActions", role.not_data_actions}};
  json properties = {{"roleName", role.name},
                     {"type", role.built_in ? "BuiltInRole" : "CustomRole"},
                     {"description", role.description},
                     {"assignableScopes", role.assignable_scopes},
                     {"permissions", json::array({std::move(permission)})}};
  if (role.created != 0) properties["createdOn"] = iso8601(role.created);
  return {{"id", definition_id(place, role.id)},
          {"name", uuid_text(role.id)},
          {"type", "Microsoft.Authorization/roleDefinitions"},
          {"properties", std::move(properties)}};
}

json role_assignment_json(const Place& place, const registry::roles::RoleAssignment& assignment,
                          const std::string& principal, const std::string& role) {
  const std::string above = assignment.scope == registry::roles::kEverything ? "" : assignment.scope;
  return {{"id", above + kProvider + "roleAssignments/" + uuid_text(assignment.id)},
          {"name", uuid_text(assignment.id)},
          {"type", "Microsoft.Authorization/roleAssignments"},
          {"properties",
           {{"roleDefinitionId", definition_id(place, assignment.role)},
            {"roleDefinitionName", role},
            {"principalId", uuid_text(assignment.principal)},
            {"principalName", principal},
            {"principalType", "ServicePrincipal"},
            {"scope", assignment.scope},
            {"createdOn", iso8601(assignment.created)}}}};
}

json principal_json(const registry::roles::Principal& principal, UnixMs now) {
  std::string status = "active";
  if (principal.revoked != 0) {
    status = "revoked";
  } else if (!principal.usable(now)) {
    status = "expired";
  }
  json properties = {{"principalId", uuid_text(principal.id)},
                     {"createdOn", iso8601(principal.created)},
                     {"expiresOn", iso8601(principal.expires)},
                     {"status", status}};
  if (principal.revoked != 0) properties["revokedOn"] = iso8601(principal.revoked);
  return {{"id", "/principals/" + percent_encode(principal.name)},
          {"name", principal.name},
          {"type", "Latchkey/principals"},
          {"properties", std::move(properties)}};
}

}  // namespace latchkey::hub::management
