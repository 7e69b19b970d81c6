// SPDX-License-Identifier: Apache-2.0
#include "registry/operations/internal/rules.h"

#include "registry/operations/internal/random.h"
#include "registry/store/cas.h"
#include "registry/store/certificates.h"
#include "registry/store/devices.h"
#include "registry/store/enrollments.h"
#include "registry/store/hubs.h"
#include "registry/store/namespaces.h"

namespace latchkey::registry {
namespace {

constexpr std::size_t kSerialLimit = 20;  // octets, RFC 5280 section 4.1.2.2

bool valid_serial(const Bytes& serial) {
  return !serial.empty() && serial.size() <= kSerialLimit && serial.front() != 0;
}

// "adr-{policy}-{8 hex}" within the 64 characters that a hub certificate name may have.
std::string new_certificate_name(const std::string& policy) {
  constexpr std::size_t kPolicyPart = 64 - 4 - 9;
  return "adr-" + policy.substr(0, kPolicyPart) + "-" + std::string(view(to_text(random_uuid())).substr(0, 8));
}

Outcome<std::string> free_certificate_name(store::Database& db, const Hub& hub, const std::string& policy) {
  for (;;) {
    std::string name = new_certificate_name(policy);
    LATCHKEY_TRY(taken, store::find_hub_certificate(db, hub.uuid, name));
    if (!taken) return name;
  }
}

Outcome<std::vector<CaCertificate>> trusted_cas(Act& act, const Policy& policy) {
  if (policy.own_root) return store::active_cas(act.db, policy.uuid, act.now());
  LATCHKEY_TRY(ca, store::find_ca(act.db, policy.ca));
  if (!ca) return refuse(Reason::kInternal, "policy '" + policy.name + "' has no issuing CA");
  return std::vector<CaCertificate>{std::move(*ca)};
}

Outcome<Registry::SyncResult> sync_policy_to_hub(Act& act, const Policy& policy, std::vector<CaCertificate> missing,
                                                 const Hub& hub) {
  Registry::SyncResult result;
  const auto comes = act.faults == nullptr ? Faults::Sync::kWhole : act.faults->sync(act.action, policy, hub);
  if (comes == Faults::Sync::kNothing) return result;
  LATCHKEY_TRY(certificates, store::hub_certificates_of(act.db, hub.uuid));
  for (const HubCertificate& certificate : certificates) {
    if (certificate.policy != policy.uuid) continue;  // by uuid: a namesake of a deleted policy is another policy
    if (std::erase_if(missing, [&](const CaCertificate& ca) { return ca.id == certificate.ca; }) > 0) continue;
    LATCHKEY_TRY_VOID(store::delete_hub_certificate(act.db, hub.uuid, certificate.name));
    LATCHKEY_TRY_VOID(act.change(AnchorGone{hub.uuid, certificate.ca}));
    ++result.removed;
  }
  if (comes == Faults::Sync::kRemovalsOnly) return result;
  for (const CaCertificate& ca : missing) {
    LATCHKEY_TRY(name, free_certificate_name(act.db, hub, policy.name));
    LATCHKEY_TRY_VOID(store::insert(act.db, HubCertificate{hub.uuid, name, ca.id, policy.uuid, act.now()}));
    LATCHKEY_TRY_VOID(act.change(AnchorAdded{hub.uuid, ca.id, ca.der}));
    ++result.added;
  }
  return result;
}

std::string_view key_of(const Uuid& uuid) { return ByteView(uuid.bytes).text(); }

// X.509 times have seconds; the record shows what the certificate will say.
UnixMs whole_seconds(UnixMs at) { return at - ((at % 1000) + 1000) % 1000; }

}  // namespace

Outcome<Namespace> parent_namespace(store::Database& db, const std::string& ns) {
  LATCHKEY_TRY(found, store::find_namespace(db, ns));
  if (!found) return refuse(Reason::kParentNotFound, "there is no namespace '" + ns + "'");
  return std::move(*found);
}

Outcome<Policy> existing_policy(store::Database& db, const std::string& ns, const std::string& name) {
  LATCHKEY_TRY(parent, parent_namespace(db, ns));
  LATCHKEY_TRY(found, store::find_policy(db, parent.uuid, name));
  if (!found) return refuse(Reason::kNotFound, "there is no policy '" + name + "' in namespace '" + ns + "'");
  return std::move(*found);
}

Outcome<Device> existing_device(store::Database& db, const std::string& ns, const std::string& id) {
  LATCHKEY_TRY(parent, parent_namespace(db, ns));
  LATCHKEY_TRY(found, store::find_device(db, parent.uuid, id));
  if (!found) return refuse(Reason::kNotFound, "there is no device '" + id + "' in namespace '" + ns + "'");
  return std::move(*found);
}

Outcome<Enrollment> existing_enrollment(store::Database& db, const std::string& id, bool group) {
  LATCHKEY_TRY(found, store::find_enrollment(db, id, group));
  if (!found) {
    return refuse(
        Reason::kEnrollmentNotFound,
        std::string("there is no ") + (group ? "enrollment group" : "individual enrollment") + " '" + id + "'");
  }
  return std::move(*found);
}

Outcome<Hub> existing_hub(store::Database& db, const std::string& name) {
  LATCHKEY_TRY(found, store::find_hub(db, name));
  if (!found) return refuse(Reason::kNotFound, "there is no hub '" + name + "'");
  return std::move(*found);
}

Outcome<std::optional<Enrollment>> known_enrollment(Act& act, const Uuid& uuid) {
  return act.transaction.memo().recall("enrollment", key_of(uuid),
                                       [&] { return store::find_enrollment_by_uuid(act.db, uuid); });
}

Outcome<std::optional<Policy>> known_policy(Act& act, const Uuid& ns, const std::string& name) {
  return act.transaction.memo().recall("policy of", std::string(key_of(ns)) + name,
                                       [&] { return store::find_policy(act.db, ns, name); });
}

Outcome<std::optional<store::PolicyRow>> known_policy_row(Act& act, const Uuid& uuid) {
  return act.transaction.memo().recall("policy", key_of(uuid), [&] { return store::find_policy_row(act.db, uuid); });
}

Outcome<std::vector<Hub>> known_hubs(Act& act, const Uuid& ns) {
  return act.transaction.memo().recall("hubs of", key_of(ns), [&] { return store::hubs_of(act.db, ns); });
}

Outcome<DeviceState> state_of(Act& act, const Device& device) {
  DeviceState state{device.namespace_uuid, device.id, device.uuid, device.credential_id, device.enabled, 0};
  if (device.policy) {
    LATCHKEY_TRY(row, known_policy_row(act, *device.policy));
    if (row) state.policy_number = row->policy.number;
  }
  return state;
}

Outcome<Nothing> check_new_ca(store::Database& db, const NewCa& ca) {
  if (ca.id.is_zero() || ca.subject.empty() || ca.der.empty() || ca.key_ref.empty() || !valid_serial(ca.serial)) {
    return refuse(Reason::kInvalidArgument, "a CA certificate needs id, subject, certificate, key and serial");
  }
  if (ca.not_after <= ca.not_before) {
    return refuse(Reason::kInvalidArgument, "CA certificate '" + ca.subject + "' ends before it begins");
  }
  LATCHKEY_TRY(found, store::find_ca(db, ca.id));
  if (found) return refuse(Reason::kAlreadyExists, "CA certificate '" + ca.subject + "' is there already");
  return Nothing{};
}

Outcome<Nothing> check_certificate(const CaCertificate& ca) {
  if (!ca.der.empty() && valid_serial(ca.serial) && ca.not_after > ca.not_before) return Nothing{};
  return refuse(Reason::kInvalidArgument, "CA certificate '" + ca.subject + "' has no bytes, serial or period");
}

CaCertificate make_ca(const NewCa& ca, CaKind kind, const Uuid& owner) {
  CaCertificate made;
  made.id = ca.id;
  made.kind = kind;
  made.owner = owner;
  made.issuer = ca.issuer;
  made.subject = ca.subject;
  made.serial = ca.serial;
  made.not_before = ca.not_before;
  made.not_after = ca.not_after;
  made.der = ca.der;
  made.key_ref = ca.key_ref;
  return made;
}

Outcome<Registry::SyncResult> sync_policy(Act& act, const Policy& policy) {
  Registry::SyncResult total;
  LATCHKEY_TRY(trusted, trusted_cas(act, policy));
  LATCHKEY_TRY(hubs, store::hubs_of(act.db, policy.namespace_uuid));
  for (const Hub& hub : hubs) {
    LATCHKEY_TRY(result, sync_policy_to_hub(act, policy, trusted, hub));
    total.added += result.added;
    total.removed += result.removed;
  }
  return total;
}

Outcome<Nothing> sync_new_hub(Act& act, const Hub& hub) {
  LATCHKEY_TRY(policies, store::list_policies(act.db, hub.namespace_uuid));
  for (const Policy& policy : policies) {
    if (policy.own_root) continue;
    LATCHKEY_TRY(trusted, trusted_cas(act, policy));
    LATCHKEY_TRY_VOID(sync_policy_to_hub(act, policy, std::move(trusted), hub));
  }
  return Nothing{};
}

Outcome<Nothing> save_changed(Act& act, Device& device) {
  ++device.version;
  device.updated = act.now();
  LATCHKEY_TRY_VOID(store::update(act.db, device));
  LATCHKEY_TRY(state, state_of(act, device));
  return act.change(state);
}

Outcome<std::int64_t> revoke_leaves(Act& act, const Uuid& device, RevocationReason reason) {
  LATCHKEY_TRY(revoked, store::revoke_certificates(act.db, device, act.now(), act.call.reason.value_or(reason)));
  for (const Uuid& ca : revoked.cas) LATCHKEY_TRY_VOID(store::order_crl(act.db, ca));
  return revoked.certificates;
}

Outcome<Nothing> check_device_limit(store::Database& db, const Uuid& ns, const Limits& limits) {
  if (!limits.devices_a_namespace) return Nothing{};
  const std::uint64_t most = *limits.devices_a_namespace;
  LATCHKEY_TRY(full, store::has_devices(db, ns, most));
  if (!full) return Nothing{};
  return refuse(Reason::kDeviceLimitReached, "a namespace has " + std::to_string(most) + " devices at the most here");
}

Outcome<IssuanceGrant> reserve_leaf(Act& act, const Device& device, const Policy& policy, const Bytes& serial) {
  constexpr UnixMs kBackdateMs = 5 * 60 * 1000;  // for devices whose clocks are a little behind
  constexpr UnixMs kDayMs = 24 * 60 * 60 * 1000;
  if (!valid_serial(serial)) return refuse(Reason::kInvalidArgument, "a serial has 1 to 20 octets and no leading zero");
  LATCHKEY_TRY(ca, act.transaction.memo().recall("signer", key_of(policy.ca),
                                                 [&] { return store::find_signer(act.db, policy.ca); }));
  if (!ca) return refuse(Reason::kInternal, "policy '" + policy.name + "' has no issuing CA");
  if (ca->status == CaStatus::kPending) {
    return refuse(Reason::kPolicyPendingActivation,
                  "policy '" + policy.name + "' waits for the certificate of its issuing CA");
  }
  if (ca->not_after <= act.now()) {
    return refuse(Reason::kIssuanceFailed, "the issuing CA of policy '" + policy.name + "' has expired");
  }
  IssuedCertificate leaf;
  leaf.serial = serial;
  leaf.device = device.uuid;
  leaf.device_id = device.id;
  leaf.policy = policy.uuid;
  leaf.ca = policy.ca;
  leaf.credential_id = device.credential_id;
  leaf.not_before = whole_seconds(act.now() - kBackdateMs);
  leaf.not_after = whole_seconds(std::min(act.now() + policy.validity_days * kDayMs, ca->not_after));
  LATCHKEY_TRY(fresh, store::reserve(act.db, leaf, act.now()));
  if (!fresh) return refuse(Reason::kAlreadyExists, "the serial is in use");
  return IssuanceGrant{leaf.serial, leaf.device_id, leaf.device,     leaf.credential_id,
                       leaf.policy, leaf.ca,        leaf.not_before, leaf.not_after};
}

}  // namespace latchkey::registry
