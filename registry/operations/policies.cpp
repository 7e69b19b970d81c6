// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/policies.h"

#include <limits>

#include "registry/operations/internal/names.h"
#include "registry/operations/internal/random.h"
#include "registry/store/cas.h"
#include "registry/store/namespaces.h"
#include "registry/store/policies.h"

namespace latchkey::registry {
namespace {

Outcome<Nothing> check_validity(int days, const Registry::Options& options) {
  const bool wide = options.rehearsal && !options.limits.usual_validity;
  const int least = wide ? 1 : 7;
  const int most = wide ? 3650 : 90;
  if (days >= least && days <= most) return Nothing{};
  return refuse(Reason::kInvalidValidityPeriod,
                "leaves live " + std::to_string(least) + " to " + std::to_string(most) + " days");
}

// Who signed a new CA looked the root up before; by now the credential may be another one.
Outcome<Nothing> check_issuer(const NewCa& ca, const Credential& credential) {
  if (ca.issuer == credential.ca) return Nothing{};
  return refuse(Reason::kIssuerReplaced,
                "CA certificate '" + ca.subject + "' is not signed by the root that the credential has now");
}

Outcome<Nothing> check_room(store::Database& db, const Uuid& ns, const Limits& limits) {
  if (!limits.policies_a_credential) return Nothing{};
  LATCHKEY_TRY(policies, store::list_policies(db, ns));
  if (policies.size() < *limits.policies_a_credential) return Nothing{};
  return refuse(Reason::kPolicyLimitReached, "a credential has " + std::to_string(*limits.policies_a_credential) +
                                                 " at the most here: make room, or use another namespace");
}

// Small, stable, never reused in a namespace: one above the highest that there ever was, deleted policies included.
Outcome<std::uint16_t> next_number(store::Database& db, const Uuid& ns) {
  LATCHKEY_TRY(last, store::last_policy_number(db, ns));
  if (last >= std::numeric_limits<std::uint16_t>::max()) {
    return refuse(Reason::kInvalidArgument, "this namespace has had 65535 policies; use another one");
  }
  return static_cast<std::uint16_t>(last + 1);
}

}  // namespace

Outcome<Credential> parent_credential(store::Database& db, const std::string& ns) {
  LATCHKEY_TRY(parent, parent_namespace(db, ns));
  LATCHKEY_TRY(found, store::find_credential(db, parent.uuid));
  if (!found) return refuse(Reason::kParentNotFound, "namespace '" + ns + "' has no credential");
  return *found;
}

Outcome<Policy> draft_policy(Act& act, const Credential& credential, const std::string& name, int validity_days,
                             const Registry::Options& options) {
  if (!valid_policy_name(name)) {
    return refuse(Reason::kInvalidName, "a policy name has 3 to 63 letters, digits or '-' and does not begin with '-'");
  }
  LATCHKEY_TRY_VOID(check_validity(validity_days, options));
  LATCHKEY_TRY(found, store::find_policy(act.db, credential.namespace_uuid, name));
  if (found) return refuse(Reason::kAlreadyExists, "policy '" + found->name + "' is there already");
  LATCHKEY_TRY_VOID(check_room(act.db, credential.namespace_uuid, options.limits));
  LATCHKEY_TRY(number, next_number(act.db, credential.namespace_uuid));
  Policy made;
  made.uuid = random_uuid();
  made.namespace_uuid = credential.namespace_uuid;
  made.name = name;
  made.validity_days = validity_days;
  made.number = number;
  made.created = act.now();
  return made;
}

Outcome<Nothing> remove_policy(Act& act, const Policy& policy) {
  LATCHKEY_TRY_VOID(store::mark_policy_deleted(act.db, policy.uuid, act.now()));
  LATCHKEY_TRY_VOID(store::give_up_pending(act.db, policy.uuid));
  return store::retire_cas(act.db, policy.uuid);
}

Outcome<Committed<Policy>> SqlRegistry::create_policy(const Call& call, const std::string& ns, NewPolicy policy) {
  return mutate<Policy>(call, {"policy.create", policy_path(ns, policy.name)}, [&](Act& act) -> Outcome<Policy> {
    LATCHKEY_TRY(credential, parent_credential(act.db, ns));
    LATCHKEY_TRY(made, draft_policy(act, credential, policy.name, policy.validity_days, options_));
    LATCHKEY_TRY_VOID(check_new_ca(act.db, policy.issuing_ca));
    LATCHKEY_TRY_VOID(check_issuer(policy.issuing_ca, credential));
    made.ca = policy.issuing_ca.id;
    made.key_profile = policy.issuing_ca.key_profile;
    LATCHKEY_TRY_VOID(store::insert(act.db, make_ca(policy.issuing_ca, CaKind::kIssuing, made.uuid)));
    LATCHKEY_TRY_VOID(store::insert(act.db, made));
    LATCHKEY_TRY_VOID(sync_policy(act, made));
    act.note = "issuing CA " + policy.issuing_ca.subject + ", " + std::to_string(made.validity_days) + " days";
    return made;
  });
}

Outcome<Committed<Policy>> SqlRegistry::update_policy(const Call& call, const std::string& ns, const std::string& name,
                                                      std::optional<int> validity_days) {
  return mutate<Policy>(call, {"policy.update", policy_path(ns, name)}, [&](Act& act) -> Outcome<Policy> {
    if (validity_days) LATCHKEY_TRY_VOID(check_validity(*validity_days, options_));
    LATCHKEY_TRY(policy, existing_policy(act.db, ns, name));
    if (!validity_days) return policy;  // only its labels change
    LATCHKEY_TRY_VOID(store::set_validity(act.db, policy.uuid, *validity_days));
    policy.validity_days = *validity_days;
    act.note = std::to_string(*validity_days) + " days from now on";
    return policy;
  });
}

Outcome<Committed<Policy>> SqlRegistry::revoke_policy(const Call& call, const std::string& ns, const std::string& name,
                                                      NewCa replacement) {
  return mutate<Policy>(call, {"policy.revoke", policy_path(ns, name)}, [&](Act& act) -> Outcome<Policy> {
    LATCHKEY_TRY(policy, existing_policy(act.db, ns, name));
    if (policy.own_root) {
      return refuse(Reason::kByorRevokeNotAllowed, "policy '" + policy.name +
                                                       "' has a root of its own: its issuing CA is revoked by the CA "
                                                       "that signed it, by CRL or OCSP");
    }
    LATCHKEY_TRY(credential, parent_credential(act.db, ns));
    LATCHKEY_TRY_VOID(check_new_ca(act.db, replacement));
    LATCHKEY_TRY_VOID(check_issuer(replacement, credential));
    LATCHKEY_TRY(old, store::find_ca(act.db, policy.ca));
    if (!old) return refuse(Reason::kInternal, "policy '" + policy.name + "' has no issuing CA");
    if (old->subject == replacement.subject) {
      return refuse(Reason::kInvalidArgument, "the new issuing CA needs another subject than '" + old->subject + "'");
    }
    LATCHKEY_TRY_VOID(
        store::revoke_ca(act.db, old->id, act.now(), call.reason.value_or(RevocationReason::kSuperseded)));
    LATCHKEY_TRY_VOID(store::order_crl(act.db, old->issuer));
    LATCHKEY_TRY_VOID(store::insert(act.db, make_ca(replacement, CaKind::kIssuing, policy.uuid)));
    LATCHKEY_TRY_VOID(store::set_issuing_ca(act.db, policy.uuid, replacement.id, replacement.key_profile));
    policy.ca = replacement.id;
    policy.key_profile = replacement.key_profile;
    LATCHKEY_TRY_VOID(sync_policy(act, policy));
    act.note = "issuing CA " + old->subject + " revoked, replaced by " + replacement.subject;
    return policy;
  });
}

// The hubs keep the CA certificate: leaves work until they expire or somebody deletes it there.
Outcome<Committed<Nothing>> SqlRegistry::delete_policy(const Call& call, const std::string& ns,
                                                       const std::string& name) {
  return mutate<Nothing>(call, {"policy.delete", policy_path(ns, name)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(policy, existing_policy(act.db, ns, name));
    if (policy.own_root) LATCHKEY_TRY_VOID(check_unused(act, policy));
    return remove_policy(act, policy);
  });
}

Outcome<Policy> SqlRegistry::find_policy(const std::string& ns, const std::string& name) {
  return read<Policy>([&](store::Database& db) { return existing_policy(db, ns, name); });
}

Outcome<std::vector<Policy>> SqlRegistry::list_policies(const std::string& ns) {
  return read<std::vector<Policy>>([&](store::Database& db) -> Outcome<std::vector<Policy>> {
    LATCHKEY_TRY(credential, parent_credential(db, ns));
    return store::list_policies(db, credential.namespace_uuid);
  });
}

}  // namespace latchkey::registry
