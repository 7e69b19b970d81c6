// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/claim.h"

#include "agent/protocol/dps.h"

namespace latchkey::hub::provisioning {

using registry::AttestationKind;
using registry::Bytes;
using registry::Enrollment;
using registry::Outcome;
using registry::Reason;
using registry::Refusal;
using registry::refuse;

bool TokenClaim::proves(const Enrollment& enrollment) {
  if (enrollment.attestation != AttestationKind::kSymmetricKey) return false;
  // Both are always tried: the time says nothing about which it was.
  const bool primary = signed_by(enrollment, enrollment.primary);
  const bool secondary = signed_by(enrollment, enrollment.secondary);
  return primary || secondary;
}

Refusal TokenClaim::refusal() const { return {Reason::kTokenInvalid, "the token does not prove this registration id"}; }

bool TokenClaim::signed_by(const Enrollment& enrollment, const Bytes& key) const {
  if (!enrollment.group) return token_.signed_by(ByteView(key));
  DeviceKey derived;
  return derive_device_key(ByteView(key), registration_id_, derived) && token_.signed_by(ByteView(derived.bytes));
}

bool CertificateClaim::proves(const Enrollment& enrollment) {
  if (enrollment.attestation != AttestationKind::kX509) return false;
  const auto anchors = anchors_of(enrollment);
  if (anchors.empty()) return false;
  const auto leaf = verifier_.verify(chain_, anchors, now_);
  if (leaf) {
    common_name_ = leaf->common_name;
    return true;
  }
  // Of all refusals the one that tells most: expired says that the chain was otherwise found.
  if (leaf.error().reason != Reason::kIssuerNotTrusted) refusal_ = leaf.error();
  return false;
}

Outcome<void> CertificateClaim::check() {
  if (agent::equal_ignoring_case(common_name_, registration_id_)) return {};
  return refuse(Reason::kClientIdMismatch, "the certificate's common name is not the registration id");
}

// An individual enrollment means exactly its certificate, not what that one may have signed.
std::vector<Bytes> CertificateClaim::anchors_of(const Enrollment& enrollment) const {
  std::vector<Bytes> anchors;
  for (const auto* certificate : {&enrollment.primary, &enrollment.secondary}) {
    if (certificate->empty() || (!enrollment.group && *certificate != chain_.front())) continue;
    anchors.push_back(*certificate);
  }
  return anchors;
}

}  // namespace latchkey::hub::provisioning
