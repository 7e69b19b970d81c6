// SPDX-License-Identifier: Apache-2.0
// Role definitions and role assignments. An assignment is made, listed and deleted at a scope, which is the query's:
// that is where the caller was found allowed to do it, so nobody gives away what lies above.
#include <map>
#include <nlohmann/json.hpp>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/reader.h"
#include "hub/management/internal/role_shapes.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/text.h"
#include "registry/roles/scope.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;
using registry::roles::RoleAssignment;
using registry::roles::RoleDefinition;

namespace {

// Of "/subscriptions/S/providers/Microsoft.Authorization/roleDefinitions/ID" the id; anything else is one or a name.
std::string role_named(const std::string& text) {
  return text.empty() || text.front() != '/' ? text : text.substr(text.rfind('/') + 1);
}

Answer<std::string> scope_of(const Context& context) {
  const auto text = context.query_value("scope");
  if (!text) return std::string(registry::roles::kEverything);
  auto scope = full_scope(context.place, *text);
  if (!scope) return fault(Reason::kInvalidArgument, "'scope' is no scope and no path of this hub's", "scope");
  return std::move(*scope);
}

Answer<Uuid> assignment_id(const Context& context) {
  const auto id = parse_uuid(context.names[0]);
  if (!id) return fault(Reason::kInvalidName, "a role assignment's name is a uuid");
  return *id;
}

// Said after the body was read to its end, so that a member that nobody knows is named before one that nobody gave.
tl::unexpected<Fault> missing(const std::string& member) {
  return fault(Reason::kMalformedRequest, "'" + member + "' is missing", member);
}

// What assignments say of principals and roles, by name; one reading for a whole list.
class RoleNames {
 public:
  static Answer<RoleNames> load(registry::Registry& registry) {
    RoleNames names;
    LATCHKEY_TRY(principals, registry.list_principals());
    for (const auto& principal : principals) names.principals_.emplace(principal.id, principal.name);
    LATCHKEY_TRY(definitions, registry.list_role_definitions());
    for (const auto& role : definitions) names.roles_.emplace(role.id, role.name);
    return names;
  }
  json shape(const Place& place, const RoleAssignment& assignment) const {
    return role_assignment_json(place, assignment, name(principals_, assignment.principal),
                                name(roles_, assignment.role));
  }
  // What is not asked for is any.
  bool is_of(const RoleAssignment& assignment, const std::optional<std::string>& assignee,
             const std::optional<std::string>& role) const {
    return is(principals_, assignment.principal, assignee) && is(roles_, assignment.role, role);
  }

 private:
  static bool is(const std::map<Uuid, std::string>& names, const Uuid& id, const std::optional<std::string>& asked) {
    using registry::roles::same_text;
    return !asked || same_text(*asked, name(names, id)) || same_text(*asked, uuid_text(id));
  }
  static std::string name(const std::map<Uuid, std::string>& names, const Uuid& id) {
    const auto found = names.find(id);
    return found == names.end() ? std::string() : found->second;
  }
  std::map<Uuid, std::string> principals_;
  std::map<Uuid, std::string> roles_;
};

}  // namespace

Answer<Response> list_role_definitions(const Context& context) {
  LATCHKEY_TRY(list, context.registry().list_role_definitions());
  json value = json::array();
  for (const auto& role : list) value.push_back(role_definition_json(context.place, role));
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_role_definition(const Context& context) {
  LATCHKEY_TRY(role, context.registry().find_role_definition(context.names[0]));
  return answer(200, role_definition_json(context.place, role));
}

Answer<Response> create_role_definition(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto properties = reader->root().object("properties");
  RoleDefinition role;
  role.name = context.names[0];
  role.description = properties.text("description").value_or("");
  role.actions = properties.texts("actions");
  role.not_actions = properties.texts("notActions");
  role.data_actions = properties.texts("dataActions");
  role.not_data_actions = properties.texts("notDataActions");
  for (const auto& text : properties.texts("assignableScopes")) {
    const auto scope = full_scope(context.place, text);
    if (!scope) properties.refuse(Reason::kInvalidArgument, "has an entry that is no scope", "assignableScopes");
    role.assignable_scopes.push_back(scope.value_or(text));
  }
  LATCHKEY_TRY_VOID(reader->finish());
  LATCHKEY_TRY(made, context.registry().create_role_definition(context.call, std::move(role)));
  return answer(201, role_definition_json(context.place, made.value));
}

Answer<Response> delete_role_definition(const Context& context) {
  LATCHKEY_TRY_VOID(context.registry().delete_role_definition(context.call, context.names[0]));
  return no_content();
}

// At the scope, above it (those count there, too) and below it; or at that very scope, when asked so. All of them, or
// those of one assignee or role, by name or id.
Answer<Response> list_role_assignments(const Context& context) {
  using registry::roles::covers;
  using registry::roles::same_text;
  LATCHKEY_TRY(scope, scope_of(context));
  LATCHKEY_TRY(list, context.registry().list_role_assignments());
  LATCHKEY_TRY(names, RoleNames::load(context.registry()));
  const bool exact = context.query_value("exact") == "true";
  const auto assignee = context.query_value("assignee");
  const auto role = context.query_value("role");
  json value = json::array();
  for (const auto& assignment : list) {
    const bool near =
        exact ? same_text(scope, assignment.scope) : covers(scope, assignment.scope) || covers(assignment.scope, scope);
    if (!near || !names.is_of(assignment, assignee, role)) continue;
    value.push_back(names.shape(context.place, assignment));
  }
  return answer(200, list_json(std::move(value)));
}

Answer<Response> create_role_assignment(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto properties = reader->root().object("properties");
  const auto role = properties.text("roleDefinitionId");
  const auto principal = properties.text("principalId");
  (void)properties.text("principalType");  // there is one type
  LATCHKEY_TRY_VOID(reader->finish());
  if (!role) return missing("properties.roleDefinitionId");
  if (!principal) return missing("properties.principalId");
  LATCHKEY_TRY(id, assignment_id(context));
  LATCHKEY_TRY(scope, scope_of(context));
  LATCHKEY_TRY(made,
               context.registry().create_role_assignment(context.call, {id, *principal, role_named(*role), scope}));
  LATCHKEY_TRY(names, RoleNames::load(context.registry()));
  return answer(201, names.shape(context.place, made.value));
}

Answer<Response> delete_role_assignment(const Context& context) {
  LATCHKEY_TRY(id, assignment_id(context));
  LATCHKEY_TRY(scope, scope_of(context));
  LATCHKEY_TRY_VOID(context.registry().delete_role_assignment(context.call, id, scope));
  return no_content();
}

}  // namespace latchkey::hub::management
