// SPDX-License-Identifier: Apache-2.0
#include "registry/store/namespaces.h"

#include "registry/operations/internal/names.h"
#include "registry/operations/internal/random.h"
#include "registry/operations/internal/rules.h"

namespace latchkey::registry {

Outcome<Committed<Namespace>> SqlRegistry::create_namespace(const Call& call, const std::string& name) {
  return mutate<Namespace>(call, {"namespace.create", namespace_path(name)}, [&](Act& act) -> Outcome<Namespace> {
    if (!valid_namespace_name(name)) {
      return refuse(Reason::kInvalidName,
                    "a namespace name has 3 to 64 lower-case letters, digits or '-', not '-' at an end");
    }
    LATCHKEY_TRY(found, store::find_namespace(act.db, name));
    if (found) return refuse(Reason::kAlreadyExists, "namespace '" + name + "' is there already");
    Namespace ns{random_uuid(), name, act.now()};
    LATCHKEY_TRY_VOID(store::insert(act.db, ns));
    return ns;
  });
}

Outcome<Committed<Nothing>> SqlRegistry::delete_namespace(const Call& call, const std::string& name) {
  return mutate<Nothing>(call, {"namespace.delete", namespace_path(name)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(ns, store::find_namespace(act.db, name));
    if (!ns) return refuse(Reason::kNotFound, "there is no namespace '" + name + "'");
    LATCHKEY_TRY(occupant, store::occupant_of(act.db, ns->uuid));
    if (occupant) return refuse(Reason::kNamespaceNotEmpty, "namespace '" + name + "' still has " + *occupant);
    LATCHKEY_TRY_VOID(store::delete_namespace(act.db, ns->uuid));
    return Nothing{};
  });
}

Outcome<Namespace> SqlRegistry::find_namespace(const std::string& name) {
  return read<Namespace>([&](store::Database& db) -> Outcome<Namespace> {
    LATCHKEY_TRY(found, store::find_namespace(db, name));
    if (!found) return refuse(Reason::kNotFound, "there is no namespace '" + name + "'");
    return std::move(*found);
  });
}

Outcome<std::vector<Namespace>> SqlRegistry::list_namespaces() {
  return read<std::vector<Namespace>>([](store::Database& db) { return store::list_namespaces(db); });
}

}  // namespace latchkey::registry
