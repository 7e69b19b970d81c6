// SPDX-License-Identifier: Apache-2.0
// Leaves: the serial is stored before the certificate exists, and what became of it afterwards.
#include "registry/operations/internal/names.h"
#include "registry/operations/internal/rules.h"
#include "registry/store/cas.h"
#include "registry/store/certificates.h"
#include "registry/store/devices.h"
#include "registry/store/enrollments.h"
#include "registry/store/namespaces.h"
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
  LATCHKEY_TRY(parent, store::find_namespace(db, ns));
  std::optional<Device> device;
  if (parent) {
    LATCHKEY_TRY(found, store::find_device(db, parent->uuid, id));
    device = std::move(found);
  }
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
  LATCHKEY_TRY(row, store::find_registration(db, device.registration_id));
  if (!row) return Nothing{};
  LATCHKEY_TRY(enrollment, store::find_enrollment_by_uuid(db, row->registration.enrollment));
  if (!enrollment || enrollment->enabled) return Nothing{};
  return refuse(Reason::kEnrollmentDisabled, "enrollment '" + enrollment->id + "' is disabled");
}

Outcome<Policy> policy_of(store::Database& db, const Device& device) {
  if (!device.policy) return refuse(Reason::kNotConfigured, "device '" + device.id + "' never had a policy");
  LATCHKEY_TRY(row, store::find_policy_row(db, *device.policy));
  if (!row || row->deleted) {
    return refuse(Reason::kPolicyMissing, "the policy of device '" + device.id + "' was deleted");
  }
  return std::move(row->policy);
}

// True while a certificate with this identity would be accepted: its device was neither revoked nor deleted since.
Outcome<bool> still_current(store::Database& db, const IssuedCertificate& certificate) {
  LATCHKEY_TRY(device, store::find_device_by_uuid(db, certificate.device));
  return device && device->credential_id == certificate.credential_id;
}

// A policy with a root of its own is deleted when nobody holds a certificate of it; one that was under way meanwhile
// stays with us.
Outcome<Nothing> check_not_frozen(store::Database& db, const IssuedCertificate& certificate) {
  LATCHKEY_TRY(row, store::find_policy_row(db, certificate.policy));
  if (!row || !row->policy.own_root || !row->deleted) return Nothing{};
  return refuse(Reason::kPolicyMissing, "policy '" + row->policy.name + "' was deleted meanwhile");
}

}  // namespace

Outcome<Committed<IssuanceGrant>> SqlRegistry::begin_renewal(const Call& call, const std::string& ns,
                                                             const std::string& device_id, const Bytes& serial) {
  const Attempt attempt{"certificate.renew", device_path(ns, device_id)};
  return mutate<IssuanceGrant>(call, attempt, [&](Act& act) -> Outcome<IssuanceGrant> {
    LATCHKEY_TRY(device, connected_device(act.db, call, ns, device_id));
    LATCHKEY_TRY_VOID(check_enrollment(act.db, device));
    LATCHKEY_TRY(policy, policy_of(act.db, device));
    act.note = "by policy '" + policy.name + "'";
    return reserve_leaf(act, device, policy, serial);
  });
}

Outcome<Committed<Nothing>> SqlRegistry::finish_issuance(const Call& call, const Bytes& serial) {
  return mutate<Nothing>(call, {"certificate.issue", certificate_path(serial)}, [&](Act& act) -> Outcome<Nothing> {
    LATCHKEY_TRY(certificate, store::find_certificate(act.db, serial));
    if (!certificate) return refuse(Reason::kNotFound, "no certificate with this serial was begun");
    if (certificate->status != CertificateStatus::kReserved) return Nothing{};
    LATCHKEY_TRY_VOID(check_not_frozen(act.db, *certificate));
    LATCHKEY_TRY(current, still_current(act.db, *certificate));
    act.note = "device '" + certificate->device_id + "'";
    if (current) return store::finish(act.db, serial, CertificateStatus::kIssued, act.now(), 0);
    // Dead on arrival: it carries the old credential id. Others learn it from the CRL.
    act.note += ", revoked meanwhile";
    LATCHKEY_TRY_VOID(store::finish(act.db, serial, CertificateStatus::kRevoked, act.now(), act.now()));
    return store::order_crl(act.db, certificate->ca);
  });
}

}  // namespace latchkey::registry
