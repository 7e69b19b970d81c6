// SPDX-License-Identifier: Apache-2.0
// Role definitions and role assignments.
#include "registry/store/roles.h"

#include <algorithm>

#include "registry/operations/internal/principals.h"
#include "registry/operations/internal/random.h"
#include "registry/operations/internal/sql_registry.h"
#include "registry/operations/internal/subscription.h"
#include "registry/roles/action.h"
#include "registry/roles/built_in.h"
#include "registry/roles/scope.h"

namespace latchkey::registry {

using roles::Principal;
using roles::RoleAssignment;
using roles::RoleDefinition;

namespace {

constexpr std::size_t kPatternsMost = 128;  // of one kind, in one role
constexpr std::size_t kScopesMost = 32;
constexpr std::size_t kRoleNameMost = 128;
constexpr std::size_t kDescriptionMost = 1024;

std::string role_path(const std::string& role) { return "roleDefinitions/" + role; }
std::string assignment_path(const Uuid& id) { return "roleAssignments/" + std::string(view(to_text(id))); }

bool printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

// A name that reads as an id would hide that role from whoever names it.
Outcome<Nothing> check_role_name(const std::string& name) {
  const bool good = !name.empty() && name.size() <= kRoleNameMost && printable(name) && name.front() != ' ' &&
                    name.back() != ' ' && name.find('/') == std::string::npos && !parse_uuid(name);
  if (good) return Nothing{};
  return refuse(Reason::kInvalidName,
                "a role's name has 1 to 128 printable characters without '/', no space at an end, and is no uuid");
}

Outcome<Nothing> check_patterns(const std::string& kind, const std::vector<std::string>& patterns) {
  if (patterns.size() > kPatternsMost) {
    return refuse(Reason::kInvalidArgument, kind + " has more than " + std::to_string(kPatternsMost) + " entries");
  }
  for (const auto& pattern : patterns) {
    if (roles::valid_pattern(pattern)) continue;
    return refuse(Reason::kInvalidArgument, kind + " has an entry that is no action: '" +
                                                (printable(pattern) ? pattern.substr(0, 64) : std::string("?")) + "'");
  }
  return Nothing{};
}

Outcome<Nothing> check_scope(store::Database& db, const std::string& scope) {
  if (!roles::valid_scope(scope)) {
    return refuse(Reason::kInvalidArgument,
                  "a scope is '/', a subscription, a resource group or a resource, by its full id");
  }
  if (scope == roles::kEverything) return Nothing{};
  LATCHKEY_TRY(ours, subscription_of_folder(db));
  if (roles::same_text(roles::subscription_of(scope), ours)) return Nothing{};
  return refuse(Reason::kInvalidArgument, "the scope names a subscription that is not this hub's, " + ours);
}

Outcome<Nothing> check_role(store::Database& db, const RoleDefinition& role) {
  LATCHKEY_TRY_VOID(check_role_name(role.name));
  if (role.description.size() > kDescriptionMost || !printable(role.description)) {
    return refuse(Reason::kInvalidArgument, "a description has at most 1024 printable characters");
  }
  LATCHKEY_TRY_VOID(check_patterns("actions", role.actions));
  LATCHKEY_TRY_VOID(check_patterns("notActions", role.not_actions));
  LATCHKEY_TRY_VOID(check_patterns("dataActions", role.data_actions));
  LATCHKEY_TRY_VOID(check_patterns("notDataActions", role.not_data_actions));
  if (role.actions.empty() && role.data_actions.empty()) {
    return refuse(Reason::kInvalidArgument, "a role needs an entry in actions or dataActions");
  }
  if (role.assignable_scopes.empty() || role.assignable_scopes.size() > kScopesMost) {
    return refuse(Reason::kInvalidArgument, "a role has 1 to " + std::to_string(kScopesMost) + " assignable scopes");
  }
  for (const auto& scope : role.assignable_scopes) LATCHKEY_TRY_VOID(check_scope(db, scope));
  return Nothing{};
}

Outcome<RoleDefinition> role_by_id(store::Database& db, const Uuid& id) {
  if (const auto* found = roles::built_in_role(id)) return *found;
  LATCHKEY_TRY(custom, store::find_role_definition_by_uuid(db, id));
  if (custom) return std::move(*custom);
  return refuse(Reason::kNotFound, "there is no role " + std::string(view(to_text(id))));
}

Outcome<RoleDefinition> existing_role(store::Database& db, const std::string& role) {
  if (const auto id = parse_uuid(role)) return role_by_id(db, *id);
  if (const auto* found = roles::built_in_role(role)) return *found;
  LATCHKEY_TRY(custom, store::find_role_definition(db, role));
  if (custom) return std::move(*custom);
  return refuse(Reason::kNotFound, "there is no role '" + role + "'");
}

bool assignable_at(const RoleDefinition& role, const std::string& scope) {
  return std::any_of(role.assignable_scopes.begin(), role.assignable_scopes.end(),
                     [&](const std::string& above) { return roles::covers(above, scope); });
}

std::string told(const RoleDefinition& role, const Principal& principal, const std::string& scope) {
  return "'" + role.name + "' of '" + principal.name + "' at " + scope;
}

}  // namespace

Outcome<Committed<RoleDefinition>> SqlRegistry::create_role_definition(const Call& call, RoleDefinition role) {
  const Attempt attempt{"role.definition.create", role_path(role.name)};
  return mutate<RoleDefinition>(call, attempt, [&](Act& act) -> Outcome<RoleDefinition> {
    LATCHKEY_TRY_VOID(check_role(act.db, role));
    if (existing_role(act.db, role.name)) {
      return refuse(Reason::kAlreadyExists, "role '" + role.name + "' is there already");
    }
    RoleDefinition made = role;
    made.id = random_uuid();
    made.built_in = false;
    made.created = act.now();
    LATCHKEY_TRY_VOID(store::insert(act.db, made));
    act.note = "id " + std::string(view(to_text(made.id)));
    return made;
  });
}

Outcome<Committed<Nothing>> SqlRegistry::delete_role_definition(const Call& call, const std::string& role) {
  return mutate<Nothing>(call, {"role.definition.delete", role_path(role)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(found, existing_role(act.db, role));
    if (found.built_in) return refuse(Reason::kPreconditionFailed, "'" + found.name + "' is built in");
    LATCHKEY_TRY(assigned, store::role_is_assigned(act.db, found.id));
    if (assigned) return refuse(Reason::kPreconditionFailed, "role '" + found.name + "' is still assigned");
    return store::delete_role_definition(act.db, found.id);
  });
}

Outcome<RoleDefinition> SqlRegistry::find_role_definition(const std::string& role) {
  return read<RoleDefinition>([&](store::Database& db) { return existing_role(db, role); });
}

Outcome<std::vector<RoleDefinition>> SqlRegistry::list_role_definitions() {
  return read<std::vector<RoleDefinition>>([](store::Database& db) -> Outcome<std::vector<RoleDefinition>> {
    auto all = roles::built_in_roles();
    LATCHKEY_TRY(custom, store::list_role_definitions(db));
    all.insert(all.end(), custom.begin(), custom.end());
    return all;
  });
}

Outcome<Committed<RoleAssignment>> SqlRegistry::create_role_assignment(const Call& call,
                                                                       const NewRoleAssignment& wanted) {
  const Attempt attempt{"role.assignment.create", assignment_path(wanted.id)};
  return mutate<RoleAssignment>(call, attempt, [&](Act& act) -> Outcome<RoleAssignment> {
    LATCHKEY_TRY_VOID(check_scope(act.db, wanted.scope));
    LATCHKEY_TRY(principal, existing_principal(act.db, wanted.principal));
    LATCHKEY_TRY(role, existing_role(act.db, wanted.role));
    if (!assignable_at(role, wanted.scope)) {
      return refuse(Reason::kInvalidArgument, "role '" + role.name + "' cannot be assigned at " + wanted.scope);
    }
    LATCHKEY_TRY(same_id, store::find_role_assignment(act.db, wanted.id));
    LATCHKEY_TRY(same, store::find_role_assignment(act.db, principal.id, role.id, wanted.scope));
    if (same_id || same) {
      return refuse(Reason::kAlreadyExists,
                    "there is such an assignment already: " + told(role, principal, wanted.scope));
    }
    const RoleAssignment assignment{wanted.id, principal.id, role.id, wanted.scope, act.now()};
    LATCHKEY_TRY_VOID(store::insert(act.db, assignment));
    act.note = told(role, principal, wanted.scope);
    return assignment;
  });
}

Outcome<Committed<Nothing>> SqlRegistry::delete_role_assignment(const Call& call, const Uuid& id,
                                                                const std::string& scope) {
  return mutate<Nothing>(call, {"role.assignment.delete", assignment_path(id)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(found, store::find_role_assignment(act.db, id));
    if (!found || !roles::same_text(found->scope, scope)) {
      return refuse(Reason::kNotFound, "there is no such role assignment at " + scope);
    }
    LATCHKEY_TRY(principal, store::find_principal_by_uuid(act.db, found->principal));
    LATCHKEY_TRY(role, role_by_id(act.db, found->role));
    if (principal) act.note = told(role, *principal, found->scope);
    return store::delete_role_assignment(act.db, id);
  });
}

Outcome<std::vector<RoleAssignment>> SqlRegistry::list_role_assignments() {
  return read<std::vector<RoleAssignment>>([](store::Database& db) { return store::list_role_assignments(db); });
}

Outcome<Rights> SqlRegistry::rights_of(const Uuid& principal) {
  return read<Rights>([&](store::Database& db) -> Outcome<Rights> {
    LATCHKEY_TRY(found, store::find_principal_by_uuid(db, principal));
    if (!found) return refuse(Reason::kNotFound, "there is no such principal");
    Rights rights{std::move(*found), {}};
    LATCHKEY_TRY(assignments, store::role_assignments_of(db, principal));
    for (const auto& assignment : assignments) {
      LATCHKEY_TRY(role, role_by_id(db, assignment.role));
      rights.grants.push_back({std::move(role), assignment.scope});
    }
    return rights;
  });
}

}  // namespace latchkey::registry
