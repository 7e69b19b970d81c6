// SPDX-License-Identifier: Apache-2.0
// Leaves: the serial is stored before the certificate exists, and what became of it afterwards.
#include "registry/operations/internal/names.h"
#include "registry/operations/internal/rules.h"
#include "registry/store/cas.h"
#include "registry/store/certificates.h"
#include "registry/store/devices.h"
#include "registry/store/enrollments.h"
#include "registry/store/policies.h"
#include "registry/store/registrations.h"

namespace latchkey::registry {
namespace {

std::string certificate_path(const Bytes& serial) {
  std::string hex(hex_size(serial.size()), '0');
  static_cast<void>(hex_encode(serial, MutableBytes(reinterpret_cast<std::uint8_t*>(hex.data()), hex.size())));
  return "certificates/" + hex;
}

Outcome<Device> connected_device(store::Database& db, const Call& call, const std::string& ns, const std::string& id) {
  LATCHKEY_TRY(device, store::find_device(db, ns, id));
  if (!device) return refuse(Reason::kDeviceUnknown, "there is no device '" + id + "'");
  if (call.shown && *call.shown != DeviceIdentifier{device->uuid, device->credential_id}) {
    return refuse(Reason::kIdentifierMismatch, "the session of device '" + id + "' was opened before a revocation");
  }
  if (!device->enabled) return refuse(Reason::kDeviceDisabled, "device '" + id + "' is disabled");
  return std::move(*device);
}

// A disabled enrollment stops renewals; a deleted one does not: the operational identity stands on its own.
Outcome<Nothing> check_enrollment(store::Database& db, const Device& device) {
  if (device.registration_id.empty()) return Nothing{};
  LATCHKEY_TRY(disabled, store::disabled_enrollment_of(db, device.registration_id));
  if (!disabled) return Nothing{};
  return refuse(Reason::kEnrollmentDisabled, "enrollment '" + *disabled + "' is disabled");
}

Outcome<Policy> policy_of(Act& act, const Device& device) {
  if (!device.policy) return refuse(Reason::kNotConfigured, "device '" + device.id + "' never had a policy");
  LATCHKEY_TRY(row, known_policy_row(act, *device.policy));
  if (!row || row->deleted) {
    return refuse(Reason::kPolicyMissing, "the policy of device '" + device.id + "' was deleted");
  }
  return std::move(row->policy);
}

}  // namespace

Outcome<Committed<IssuanceGrant>> SqlRegistry::begin_renewal(const Call& call, const std::string& ns,
                                                             const std::string& device_id, const Bytes& serial) {
  const Attempt attempt{"certificate.renew", device_path(ns, device_id), true, true};  // the device stays as it is
  return mutate<IssuanceGrant>(call, attempt, [&](Act& act) -> Outcome<IssuanceGrant> {
    LATCHKEY_TRY(device, connected_device(act.db, call, ns, device_id));
    LATCHKEY_TRY_VOID(check_enrollment(act.db, device));
    LATCHKEY_TRY(policy, policy_of(act, device));
    act.note = "by policy '" + policy.name + "'";
    return reserve_leaf(act, device, policy, serial);
  });
}

Outcome<Committed<Nothing>> SqlRegistry::finish_issuance(const Call& call, const Bytes& serial,
                                                         const std::optional<Operation>& answer) {
  const Attempt attempt{"certificate.issue", certificate_path(serial), true, true};
  const auto store_answer = [&](store::Database& db) -> Outcome<Nothing> {
    if (!answer) return Nothing{};
    return store_operation(db, *answer, call.now);
  };
  return mutate<Nothing>(call, attempt, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(certificate, store::find_unfinished(act.db, serial));
    if (!certificate) return refuse(Reason::kNotFound, "no certificate with this serial was begun");
    if (certificate->status != CertificateStatus::kReserved) return store_answer(act.db);
    // A policy with a root of its own is deleted when nobody holds a certificate of it; one that was under way
    // meanwhile stays with us.
    if (certificate->own_root_deleted) {
      return refuse(Reason::kPolicyMissing, "policy '" + certificate->policy_name + "' was deleted meanwhile");
    }
    // Dead on arrival when its device was revoked or deleted since: it carries the old credential id. Others learn it
    // from the CRL.
    const bool current = certificate->identifier_current;
    const auto status = current ? CertificateStatus::kIssued : CertificateStatus::kRevoked;
    act.note = "device '" + certificate->device_id + "'" + (current ? "" : ", revoked meanwhile");
    act.changed("status", store::shown(CertificateStatus::kReserved), store::shown(status));
    LATCHKEY_TRY_VOID(store::finish(act.db, serial, status, act.now(), current ? 0 : act.now()));
    if (!current) LATCHKEY_TRY_VOID(store::order_crl(act.db, certificate->ca));
    return store_answer(act.db);
  });
}

}  // namespace latchkey::registry
