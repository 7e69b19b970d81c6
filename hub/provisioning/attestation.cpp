// SPDX-License-Identifier: Apache-2.0
#include "hub/provisioning/internal/attestation.h"

#include <optional>

#include "agent/protocol/dps.h"
#include "hub/provisioning/internal/token.h"

namespace latchkey::hub::provisioning {

using registry::AttestationKind;
using registry::Enrollment;
using registry::Outcome;
using registry::Reason;
using registry::Refusal;
using registry::refuse;

namespace {

bool is_absent(const Refusal& refusal) {
  return refusal.reason == Reason::kNotFound || refusal.reason == Reason::kEnrollmentNotFound;
}

}  // namespace

// What was shown, in a form that can be held against one enrollment after the other.
class Attestation::Claim {
 public:
  virtual ~Claim() = default;
  // Is it made with what this enrollment holds?
  virtual bool proves(const Enrollment& enrollment) = 0;
  // For a claim that proved an enrollment: everything else that must be right about it.
  virtual Outcome<void> check() = 0;
  // Why nothing was proved.
  virtual Refusal refusal() const = 0;
};

class Attestation::TokenClaim : public Attestation::Claim {
 public:
  TokenClaim(ShownToken token, std::string_view id_scope, std::string_view registration_id, UnixMs now)
      : token_(std::move(token)), id_scope_(id_scope), registration_id_(registration_id), now_(now) {}

  bool proves(const Enrollment& enrollment) override {
    if (enrollment.attestation != AttestationKind::kSymmetricKey) return false;
    const bool primary = signed_by(enrollment, enrollment.primary);
    const bool secondary = signed_by(enrollment, enrollment.secondary);
    return primary || secondary;
  }
  Outcome<void> check() override { return token_.check(id_scope_, registration_id_, now_); }
  Refusal refusal() const override { return {Reason::kTokenInvalid, "the token does not prove this registration id"}; }

 private:
  bool signed_by(const Enrollment& enrollment, const registry::Bytes& key) const {
    if (!enrollment.group) return token_.signed_by(ByteView(key));
    DeviceKey derived;
    return derive_device_key(ByteView(key), registration_id_, derived) && token_.signed_by(ByteView(derived.bytes));
  }

  const ShownToken token_;
  const std::string_view id_scope_;
  const std::string_view registration_id_;
  const UnixMs now_;
};

class Attestation::CertificateClaim : public Attestation::Claim {
 public:
  CertificateClaim(CertificateVerifier& verifier, const std::vector<registry::Bytes>& chain,
                   std::string_view registration_id, UnixMs now)
      : verifier_(verifier), chain_(chain), registration_id_(registration_id), now_(now) {}

  bool proves(const Enrollment& enrollment) override {
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
  Outcome<void> check() override {
    if (agent::equal_ignoring_case(common_name_, registration_id_)) return {};
    return refuse(Reason::kClientIdMismatch, "the certificate's common name is not the registration id");
  }
  Refusal refusal() const override { return refusal_; }

 private:
  // An individual enrollment means exactly its certificate, not what that one may have signed.
  std::vector<registry::Bytes> anchors_of(const Enrollment& enrollment) const {
    std::vector<registry::Bytes> anchors;
    for (const auto* certificate : {&enrollment.primary, &enrollment.secondary}) {
      if (certificate->empty() || (!enrollment.group && *certificate != chain_.front())) continue;
      anchors.push_back(*certificate);
    }
    return anchors;
  }

  CertificateVerifier& verifier_;
  const std::vector<registry::Bytes>& chain_;
  const std::string_view registration_id_;
  const UnixMs now_;
  std::string common_name_;
  Refusal refusal_{Reason::kCertificateNotEnrolled, "the certificate does not prove this registration id"};
};

Outcome<Enrollment> Attestation::attest(const wire::Opened& shown, const std::string& group, UnixMs now) const {
  if (auto names = check_names(shown); !names) return fail(names.error());
  if (!shown.password.empty()) {
    auto token = ShownToken::read(shown.password);
    if (!token) return fail(token.error());
    TokenClaim claim(std::move(*token), id_scope_, shown.client_id, now);
    return find_proven(claim, shown.client_id, group);
  }
  if (shown.chain.empty() && shown.resent && shown.verified) return recall(shown.client_id);
  if (shown.chain.empty()) return refuse(Reason::kNoCredential, "neither certificate nor token was shown");
  CertificateClaim claim(verifier_, shown.chain, shown.client_id, now);
  return find_proven(claim, shown.client_id, group);
}

Outcome<void> Attestation::check_names(const wire::Opened& shown) const {
  const auto username = agent::dps::parse_username(shown.username);
  if (!username) return refuse(Reason::kTokenInvalid, "the username cannot be read");
  if (!agent::equal_ignoring_case(username->id_scope, id_scope_)) {
    return refuse(Reason::kTokenInvalid, "there is no such id scope");
  }
  if (!agent::equal_ignoring_case(username->registration_id, shown.client_id)) {
    return refuse(Reason::kClientIdMismatch, "client id and username name two registrations");
  }
  return {};
}

Outcome<Enrollment> Attestation::recall(const std::string& registration_id) const {
  auto individual = registry_.find_enrollment(registration_id, false);
  if (individual || !is_absent(individual.error())) return individual;
  const auto registration = registry_.find_registration(registration_id);
  if (!registration) return refuse(Reason::kRegistryNotReady, "the service was restarted; connect again");
  auto all = registry_.list_enrollments();
  if (!all) return fail(all.error());
  for (auto& enrollment : *all) {
    if (enrollment.uuid == registration->enrollment) return std::move(enrollment);
  }
  return refuse(Reason::kEnrollmentNotFound, "the enrollment was deleted");
}

Outcome<Enrollment> Attestation::find_proven(Claim& claim, const std::string& registration_id,
                                             const std::string& group) const {
  auto individual = registry_.find_enrollment(registration_id, false);
  if (!individual && !is_absent(individual.error())) return individual;
  std::optional<Enrollment> proven;
  if (individual && claim.proves(*individual)) {
    proven = std::move(*individual);
  } else if (!individual || !individual->enabled) {
    auto member = find_group(claim, group);
    if (!member) return member;
    // A disabled individual enrollment overrules the group that proved itself.
    proven = individual ? std::move(*individual) : std::move(*member);
  }
  if (!proven) return fail(claim.refusal());
  if (auto rest = claim.check(); !rest) return fail(rest.error());
  return std::move(*proven);
}

Outcome<Enrollment> Attestation::find_group(Claim& claim, const std::string& group) const {
  if (!group.empty()) {
    auto known = registry_.find_enrollment(group, true);
    if (known && claim.proves(*known)) return known;
    if (!known && !is_absent(known.error())) return known;
  }
  // The token cannot say which group it is of.
  auto all = registry_.list_enrollments();
  if (!all) return fail(all.error());
  std::optional<Enrollment> found;
  for (auto& candidate : *all) {
    if (!candidate.group || !claim.proves(candidate)) continue;
    // Two groups with one key: refusing is the safe reading.
    if (!found || !candidate.enabled) found = std::move(candidate);
  }
  if (!found) return fail(claim.refusal());
  return std::move(*found);
}

}  // namespace latchkey::hub::provisioning
