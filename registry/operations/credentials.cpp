// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/names.h"
#include "registry/operations/internal/policies.h"
#include "registry/operations/internal/random.h"
#include "registry/store/cas.h"
#include "registry/store/namespaces.h"
#include "registry/store/policies.h"

namespace latchkey::registry {
namespace {

Outcome<Credential> existing_credential(store::Database& db, const std::string& ns) {
  LATCHKEY_TRY(parent, parent_namespace(db, ns));
  LATCHKEY_TRY(found, store::find_credential(db, parent.uuid));
  if (!found) return refuse(Reason::kNotFound, "namespace '" + ns + "' has no credential");
  return *found;
}

// Its devices' certificates may be out of anybody's reach, and then no deletion of it alone would ever be granted.
Outcome<bool> removed_by_override(Act& act, const std::vector<Policy>& policies) {
  if (policies.size() != 1 || !policies.front().own_root || !overridden(act, policies.front())) return false;
  LATCHKEY_TRY_VOID(check_unused(act, policies.front()));
  LATCHKEY_TRY_VOID(remove_policy(act, policies.front()));
  act.note = "with policy '" + policies.front().name + "'" + (act.note.empty() ? "" : "; " + act.note);
  return true;
}

}  // namespace

Outcome<Committed<Credential>> SqlRegistry::create_credential(const Call& call, const std::string& ns, NewCa root) {
  return mutate<Credential>(call, {"credential.create", credential_path(ns)}, [&](Act& act) -> Outcome<Credential> {
    LATCHKEY_TRY(parent, parent_namespace(act.db, ns));
    LATCHKEY_TRY(found, store::find_credential(act.db, parent.uuid));
    if (found) return refuse(Reason::kAlreadyExists, "namespace '" + ns + "' has a credential already");
    LATCHKEY_TRY_VOID(check_new_ca(act.db, root));
    if (root.issuer != root.id) return refuse(Reason::kInvalidArgument, "'" + root.subject + "' is not a root");
    const Credential credential{random_uuid(), parent.uuid, root.id, root.key_profile, act.now()};
    LATCHKEY_TRY_VOID(store::insert(act.db, make_ca(root, CaKind::kRoot, credential.uuid)));
    LATCHKEY_TRY_VOID(store::insert(act.db, credential));
    act.note = "root CA " + root.subject;
    return credential;
  });
}

// Hub certificates stay: the hub goes on accepting leaves below the issuing CAs that it still trusts.
Outcome<Committed<Nothing>> SqlRegistry::delete_credential(const Call& call, const std::string& ns) {
  return mutate<Nothing>(call, {"credential.delete", credential_path(ns)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(credential, existing_credential(act.db, ns));
    LATCHKEY_TRY(policies, store::list_policies(act.db, credential.namespace_uuid));
    LATCHKEY_TRY(removed, removed_by_override(act, policies));
    if (!policies.empty() && !removed) {
      return refuse(Reason::kCredentialHasPolicies, "delete its policies first: '" + policies.front().name + "'" +
                                                        (policies.size() > 1 ? " and others" : ""));
    }
    LATCHKEY_TRY_VOID(store::retire_cas(act.db, credential.uuid));
    return store::delete_credential(act.db, credential.uuid);
  });
}

Outcome<Credential> SqlRegistry::find_credential(const std::string& ns) {
  return read<Credential>([&](store::Database& db) { return existing_credential(db, ns); });
}

// Deleted policies are not looked at, so their CAs stay on the hubs until somebody deletes them there.
Outcome<Committed<Registry::SyncResult>> SqlRegistry::sync_credential(const Call& call, const std::string& ns) {
  return mutate<SyncResult>(
      call, {"credential.synchronize", credential_path(ns)}, [&](Act& act) -> Outcome<SyncResult> {
        LATCHKEY_TRY(credential, existing_credential(act.db, ns));
        LATCHKEY_TRY(policies, store::list_policies(act.db, credential.namespace_uuid));
        SyncResult total;
        for (const Policy& policy : policies) {
          LATCHKEY_TRY(result, sync_policy(act, policy));
          total.added += result.added;
          total.removed += result.removed;
        }
        act.note = std::to_string(total.added) + " added, " + std::to_string(total.removed) + " removed";
        return total;
      });
}

}  // namespace latchkey::registry
