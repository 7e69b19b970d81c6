// SPDX-License-Identifier: Apache-2.0
// Principals. Their tokens are made and shown elsewhere: here is only what a token's digest has to be.
#include "registry/operations/internal/principals.h"

#include <algorithm>

#include "registry/operations/internal/random.h"
#include "registry/operations/internal/sql_registry.h"
#include "registry/store/roles.h"

namespace latchkey::registry {

using roles::Principal;

namespace {

// Each token that is shown is compared with all of them.
constexpr std::size_t kPrincipalsMost = 1000;
constexpr std::size_t kNameMost = 64;

std::string principal_path(const std::string& name) { return "principals/" + name; }

bool valid_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  // A name that reads as an id would hide that principal from whoever names it.
  return !name.empty() && name.size() <= kNameMost && std::all_of(name.begin(), name.end(), allowed) &&
         !parse_uuid(name);
}

}  // namespace

Outcome<Principal> existing_principal(store::Database& db, const std::string& principal) {
  const auto id = parse_uuid(principal);
  LATCHKEY_TRY(found, id ? store::find_principal_by_uuid(db, *id) : store::find_principal(db, principal));
  if (found) return std::move(*found);
  return refuse(Reason::kNotFound, "there is no principal '" + principal + "'");
}

Outcome<Committed<Principal>> SqlRegistry::create_principal(const Call& call, const NewPrincipal& wanted) {
  const Attempt attempt{"principal.create", principal_path(wanted.name)};
  return mutate<Principal>(call, attempt, [&](Act& act) -> Outcome<Principal> {
    if (!valid_name(wanted.name)) {
      return refuse(Reason::kInvalidName,
                    "a principal's name has 1 to 64 letters, digits, '.', '-' or '_', and is no uuid");
    }
    if (wanted.expires <= act.now()) return refuse(Reason::kInvalidArgument, "a token has to expire after now");
    LATCHKEY_TRY(all, store::list_principals(act.db));
    if (all.size() >= kPrincipalsMost) {
      return refuse(Reason::kInvalidArgument, "there are 1000 principals already: delete some");
    }
    LATCHKEY_TRY(taken, store::find_principal(act.db, wanted.name));
    if (taken || roles::bearer_of(all, wanted.digest) != nullptr) {
      return refuse(Reason::kAlreadyExists, "principal '" + wanted.name + "' is there already");
    }
    const Principal principal{random_uuid(), wanted.name, wanted.digest, act.now(), wanted.expires, 0};
    LATCHKEY_TRY_VOID(store::insert(act.db, principal));
    act.note = "id " + std::string(view(to_text(principal.id)));
    return principal;
  });
}

Outcome<Committed<Principal>> SqlRegistry::revoke_principal(const Call& call, const std::string& name) {
  return mutate<Principal>(call, {"principal.revoke", principal_path(name)}, [&](Act& act) -> Outcome<Principal> {
    LATCHKEY_TRY(principal, existing_principal(act.db, name));
    if (principal.revoked != 0) return principal;  // the first time stands
    LATCHKEY_TRY_VOID(store::set_revoked(act.db, principal.id, act.now()));
    act.changed("revoked", "no", "yes");
    principal.revoked = act.now();
    return principal;
  });
}

Outcome<Committed<Nothing>> SqlRegistry::delete_principal(const Call& call, const std::string& name) {
  return mutate<Nothing>(call, {"principal.delete", principal_path(name)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(principal, existing_principal(act.db, name));
    LATCHKEY_TRY(assignments, store::role_assignments_of(act.db, principal.id));
    LATCHKEY_TRY_VOID(store::delete_principal(act.db, principal.id));
    act.note = "with " + std::to_string(assignments.size()) + " role assignments";
    return Nothing{};
  });
}

Outcome<Principal> SqlRegistry::find_principal(const std::string& name) {
  return read<Principal>([&](store::Database& db) { return existing_principal(db, name); });
}

Outcome<std::vector<Principal>> SqlRegistry::list_principals() {
  return read<std::vector<Principal>>([](store::Database& db) { return store::list_principals(db); });
}

}  // namespace latchkey::registry
