// SPDX-License-Identifier: Apache-2.0
// Policies with a root of their own: their issuing CA is signed by the customer's CA. Until it is, a row without a
// certificate holds the key's name and the CSR (CaStatus::kPending).
#include "registry/operations/internal/names.h"
#include "registry/operations/internal/policies.h"
#include "registry/store/cas.h"
#include "registry/store/certificates.h"
#include "registry/store/enrollments.h"
#include "registry/store/fold.h"
#include "registry/store/policies.h"

namespace latchkey::registry {
namespace {

constexpr std::size_t kNamed = 20;  // of those that speak against a deletion

Outcome<Policy> own_root_policy(store::Database& db, const std::string& ns, const std::string& name) {
  LATCHKEY_TRY(policy, existing_policy(db, ns, name));
  if (policy.own_root) return policy;
  return refuse(Reason::kByorNotEnabled,
                "policy '" + policy.name + "' was made without bringYourOwnRoot: its issuing CA is signed here");
}

Outcome<Nothing> check_request(store::Database& db, const NewCsr& request) {
  if (request.id.is_zero() || request.subject.empty() || request.csr.empty() || request.key_ref.empty()) {
    return refuse(Reason::kInvalidArgument, "a signing request needs id, subject, CSR and key");
  }
  LATCHKEY_TRY(found, store::find_ca(db, request.id));
  if (found) return refuse(Reason::kAlreadyExists, "CA '" + request.subject + "' is there already");
  return Nothing{};
}

Outcome<Nothing> insert_pending(Act& act, const Policy& policy, const NewCsr& request) {
  CaCertificate ca;
  ca.id = request.id;
  ca.kind = CaKind::kIssuing;
  ca.status = CaStatus::kPending;
  ca.owner = policy.uuid;
  ca.subject = request.subject;
  ca.key_ref = request.key_ref;
  ca.csr = request.csr;
  return store::insert(act.db, ca);
}

// "'a', 'b' and 3 more"
std::string naming(const std::vector<std::string>& first, std::size_t count) {
  std::string text;
  for (const std::string& name : first) text += (text.empty() ? "'" : ", '") + name + "'";
  return count > first.size() ? text + " and " + std::to_string(count - first.size()) + " more" : text;
}

Outcome<Nothing> check_no_enrollment(Act& act, const Policy& policy) {
  std::vector<std::string> first;
  std::size_t count = 0;
  LATCHKEY_TRY(enrollments, store::list_enrollments(act.db));
  for (const Enrollment& enrollment : enrollments) {
    if (!enrollment.enabled || enrollment.namespace_uuid != policy.namespace_uuid ||
        store::fold(enrollment.policy_name) != store::fold(policy.name)) {
      continue;
    }
    ++count;
    if (first.size() < kNamed) first.push_back(enrollment.id);
  }
  if (count == 0) return Nothing{};
  return refuse(Reason::kPolicyHasEnrollments, "policy '" + policy.name + "' is named by " + std::to_string(count) +
                                                   (count == 1 ? " enabled enrollment: " : " enabled enrollments: ") +
                                                   naming(first, count) +
                                                   "; disable them or let them name another policy first");
}

Outcome<Nothing> check_no_device(Act& act, const Policy& policy) {
  LATCHKEY_TRY(holders, store::holders_of(act.db, policy.uuid, act.now(), kNamed));
  if (holders.count == 0) return Nothing{};
  return refuse(Reason::kPolicyHasDevices,
                std::to_string(holders.count) + (holders.count == 1 ? " device holds" : " devices hold") +
                    " certificates of policy '" + policy.name + "' that are neither revoked nor expired: " +
                    naming(holders.first, static_cast<std::size_t>(holders.count)) + "; revoke them first");
}

}  // namespace

bool overridden(const Act& act, const Policy& policy) {
  return store::fold(act.call.override_name) == store::fold(policy.name);
}

Outcome<Nothing> check_unused(Act& act, const Policy& policy) {
  // Enrollments first: a device that is revoked while one is enabled is back within seconds.
  for (const auto check : {check_no_enrollment, check_no_device}) {
    auto unused = check(act, policy);
    if (unused) continue;
    const bool in_the_way =
        unused.error().reason == Reason::kPolicyHasEnrollments || unused.error().reason == Reason::kPolicyHasDevices;
    if (!in_the_way || !overridden(act, policy)) return unused;
    act.note += (act.note.empty() ? "overridden: " : "; ") + unused.error().detail;
  }
  return Nothing{};
}

Outcome<Committed<Policy>> SqlRegistry::create_own_root_policy(const Call& call, const std::string& ns,
                                                               NewOwnRootPolicy policy) {
  return mutate<Policy>(call, {"policy.create", policy_path(ns, policy.name)}, [&](Act& act) -> Outcome<Policy> {
    LATCHKEY_TRY(credential, parent_credential(act.db, ns));
    LATCHKEY_TRY(made, draft_policy(act, credential, policy.name, policy.validity_days, options_));
    LATCHKEY_TRY_VOID(check_request(act.db, policy.request));
    made.own_root = true;
    made.ca = policy.request.id;
    made.key_profile = policy.request.key_profile;
    LATCHKEY_TRY_VOID(insert_pending(act, made, policy.request));
    LATCHKEY_TRY_VOID(store::insert(act.db, made));
    act.note = "CSR of " + policy.request.subject + " waits, " + std::to_string(made.validity_days) + " days";
    return made;
  });
}

Outcome<Committed<Policy>> SqlRegistry::activate_policy(const Call& call, const std::string& ns,
                                                        const std::string& name, SignedCa ca) {
  return mutate<Policy>(call, {"policy.activate", policy_path(ns, name)}, [&](Act& act) -> Outcome<Policy> {
    LATCHKEY_TRY(policy, own_root_policy(act.db, ns, name));
    LATCHKEY_TRY(pending, store::pending_ca(act.db, policy.uuid));
    if (!pending) {
      return refuse(Reason::kNoPendingActivation, "no CSR of policy '" + policy.name + "' waits for a certificate");
    }
    if (pending->id != ca.id) {
      return refuse(Reason::kPreconditionFailed, "another CSR of policy '" + policy.name + "' waits by now");
    }
    pending->serial = ca.serial;
    pending->not_before = ca.not_before;
    pending->not_after = ca.not_after;
    pending->der = ca.der;
    pending->root = ca.root;
    LATCHKEY_TRY_VOID(check_certificate(*pending));
    LATCHKEY_TRY_VOID(store::activate(act.db, *pending));
    LATCHKEY_TRY_VOID(store::set_issuing_ca(act.db, policy.uuid, pending->id, policy.key_profile));
    act.note = "issuing CA " + pending->subject + " is active, hubs trust it after the next sync";
    policy.ca = pending->id;
    return policy;
  });
}

Outcome<Committed<Policy>> SqlRegistry::request_renewal(const Call& call, const std::string& ns,
                                                        const std::string& name, NewCsr request) {
  return mutate<Policy>(call, {"policy.requestRenewal", policy_path(ns, name)}, [&](Act& act) -> Outcome<Policy> {
    LATCHKEY_TRY(policy, own_root_policy(act.db, ns, name));
    LATCHKEY_TRY(pending, store::pending_ca(act.db, policy.uuid));
    if (pending) return refuse(Reason::kAlreadyExists, "a CSR of policy '" + policy.name + "' waits already");
    LATCHKEY_TRY(current, store::find_ca(act.db, policy.ca));
    if (!current) return refuse(Reason::kInternal, "policy '" + policy.name + "' has no issuing CA");
    if (current->not_after - act.now() > kOwnRootRenewalMs) {
      return refuse(Reason::kPreconditionFailed, "the issuing CA of policy '" + policy.name + "' is not near its end");
    }
    LATCHKEY_TRY_VOID(check_request(act.db, request));
    LATCHKEY_TRY_VOID(insert_pending(act, policy, request));
    act.note = "CSR of " + request.subject + " waits; issuing CA " + current->subject + " is near its end";
    return policy;
  });
}

Outcome<Committed<Policy>> SqlRegistry::rotate_own_root(const Call& call, const std::string& ns,
                                                        const std::string& name, NewCsr request) {
  return mutate<Policy>(call, {"policy.revoke", policy_path(ns, name)}, [&](Act& act) -> Outcome<Policy> {
    LATCHKEY_TRY(policy, own_root_policy(act.db, ns, name));
    LATCHKEY_TRY_VOID(check_request(act.db, request));
    LATCHKEY_TRY(active, store::active_cas(act.db, policy.uuid, act.now()));
    for (const CaCertificate& ca : active) {
      LATCHKEY_TRY_VOID(
          store::revoke_ca(act.db, ca.id, act.now(), call.reason.value_or(RevocationReason::kSuperseded)));
    }
    LATCHKEY_TRY_VOID(store::give_up_pending(act.db, policy.uuid));
    LATCHKEY_TRY_VOID(insert_pending(act, policy, request));
    LATCHKEY_TRY_VOID(store::set_issuing_ca(act.db, policy.uuid, request.id, request.key_profile));
    policy.ca = request.id;
    policy.key_profile = request.key_profile;
    LATCHKEY_TRY_VOID(sync_policy(act, policy));
    act.note = std::to_string(active.size()) + " issuing CAs revoked, CSR of " + request.subject + " waits";
    return policy;
  });
}

Outcome<std::optional<CaCertificate>> SqlRegistry::pending_ca(const Uuid& policy) {
  return read<std::optional<CaCertificate>>([&](store::Database& db) { return store::pending_ca(db, policy); });
}

Outcome<std::vector<Registry::DueRenewal>> SqlRegistry::due_renewals(UnixMs now) {
  return read<std::vector<DueRenewal>>([&](store::Database& db) -> Outcome<std::vector<DueRenewal>> {
    std::vector<DueRenewal> due;
    LATCHKEY_TRY(rows, store::due_renewals(db, now + kOwnRootRenewalMs));
    for (auto& row : rows) due.push_back({std::move(row.namespace_name), std::move(row.policy)});
    return due;
  });
}

}  // namespace latchkey::registry
