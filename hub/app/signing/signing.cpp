// SPDX-License-Identifier: Apache-2.0
#include "hub/app/signing/signing.h"

#include "hub/text/encoding.h"
#include "hub/text/time.h"
#include "platform/base/percent.h"
#include "registry/roles/evaluation.h"
#include "registry/signing/active_profiles.h"
#include "registry/signing/identity_form.h"
#include "registry/signing/validations.h"

namespace latchkey::hub::app {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using registry::roles::Action;
using registry::roles::Plane;
using registry::signing::Accounts;
using registry::signing::PlacedProfile;
using registry::signing::Validations;

namespace {

constexpr Action kSign = {"Microsoft.CodeSigning/certificateProfiles/Sign/action", Plane::kData};
constexpr Action kRead = {"Microsoft.CodeSigning/codeSigningAccounts/certificateProfiles/read", Plane::kControl};
constexpr Action kRevoke = {"Microsoft.CodeSigning/codeSigningAccounts/certificateProfiles/revokeCertificate/action",
                            Plane::kControl};

signing::ValidationStanding standing_of(const std::optional<registry::signing::Validation>& validation, UnixMs now) {
  using registry::signing::ValidationState;
  if (!validation || validation->state == ValidationState::kExpired) return signing::ValidationStanding::kLapsed;
  if (!validation->completed()) return signing::ValidationStanding::kNotCompleted;
  return now >= validation->expires ? signing::ValidationStanding::kLapsed : signing::ValidationStanding::kCompleted;
}

signing::Standing standing_of(registry::signing::ProfileStatus status) {
  switch (status) {
    case registry::signing::ProfileStatus::kActive: return signing::Standing::kActive;
    case registry::signing::ProfileStatus::kSuspended: return signing::Standing::kSuspended;
    default: return signing::Standing::kDisabled;
  }
}

std::string id_of(const registry::signing::Account& account, const std::string& profile) {
  return "/subscriptions/" + account.where.subscription + "/resourceGroups/" + percent_encode(account.where.group) +
         "/providers/Microsoft.CodeSigning/codeSigningAccounts/" + percent_encode(account.name) +
         "/certificateProfiles/" + percent_encode(profile);
}

}  // namespace

SigningDirectory::SigningDirectory(registry::Registry& registry, const ports::Clock& clock)
    : rows_(registry::rows_of(registry)), clock_(clock) {}

signing::ProfileFacts SigningDirectory::facts_of(const PlacedProfile& placed) const {
  signing::ProfileFacts facts;
  facts.account = placed.account.uuid;
  facts.profile = placed.profile.uuid;
  facts.account_name = placed.account.name;
  facts.profile_name = placed.profile.name;
  facts.region = placed.account.region;
  facts.type = *signing::profile_type_by_name(to_string(placed.profile.type));
  facts.durable_eku = placed.profile.eku;
  facts.account_standing = placed.account.suspended ? signing::Standing::kSuspended : signing::Standing::kActive;
  facts.profile_standing = standing_of(placed.profile.status);
  facts.validation = standing_of(placed.validation, clock_.now());
  if (!placed.validation) return facts;
  auto parts = subject_of(placed.validation->identity, placed.profile.type, placed.profile.includes);
  facts.subject = {std::move(parts.common_name), std::move(parts.organization), std::move(parts.organizational_unit),
                   std::move(parts.street),      std::move(parts.city),         std::move(parts.state),
                   std::move(parts.postal_code), std::move(parts.country)};
  return facts;
}

signing::Answer<signing::ProfileFacts> SigningDirectory::find(std::string_view account, std::string_view profile) {
  LATCHKEY_TRY(placed, Accounts(rows_).place_of(std::string(account), std::string(profile)));
  return facts_of(placed);
}

signing::Answer<std::vector<signing::ProfileFacts>> SigningDirectory::active() {
  LATCHKEY_TRY(all, registry::signing::active_profiles(rows_));
  std::vector<signing::ProfileFacts> facts;
  facts.reserve(all.size());
  for (const auto& placed : all) facts.push_back(facts_of(placed));
  return facts;
}

signing::Answer<Nothing> SigningDirectory::disable(const registry::Call& call, const signing::ProfileFacts& profile) {
  using registry::signing::ProfileStatus;
  LATCHKEY_TRY(placed, Accounts(rows_).place_of(profile.account_name, profile.profile_name));
  if (placed.profile.uuid != profile.profile || placed.profile.status != ProfileStatus::kActive) return Nothing{};
  LATCHKEY_TRY_VOID(Accounts(rows_).set_status(call, profile.profile, ProfileStatus::kDisabled));
  return Nothing{};
}

// Nobody waits for it, and a failure is the database's: then there is more to worry about than an e-mail.
void SigningDirectory::revoked(const signing::ProfileFacts& profile,
                               const registry::signing::Certificate& certificate) {
  const auto placed = Accounts(rows_).place_of(profile.account_name, profile.profile_name);
  if (!placed || !placed->validation) return;
  const std::string body = "A certificate of the profile " + profile.profile_name + " in account " +
                           profile.account_name + " is revoked.\nThumbprint: " + text::hex(certificate.thumbprint) +
                           "\nSerial number: " + text::hex(certificate.serial) +
                           "\nFrom: " + text::iso8601(certificate.revocation.effective_at) + "\n";
  const auto now = clock_.now();
  (void)rows_.keep_rows([&](registry::store::Database& db) {
    return Validations::write_to(db, *placed->validation, "Certificate revoked", body, now);
  });
}

signing::Answer<signing::Gatekeeper::Caller> SigningGatekeeper::authenticate(std::string_view field,
                                                                             const std::string& source) {
  LATCHKEY_TRY(caller, authenticator_.authenticate(field, source));
  return Caller{caller.actor(), caller.principal};
}

// The same words whether there is such a profile or not.
signing::Answer<Nothing> SigningGatekeeper::authorize(const Caller& caller, signing::Right right,
                                                      std::string_view account, std::string_view profile) {
  LATCHKEY_TRY(rights, registry_.rights_of(caller.principal));
  const auto no = [&] {
    return refuse(Reason::kUnauthorized, "The client '" + rights.principal.name +
                                             "' does not have authorization at this certificate profile, or there is "
                                             "none of that name.");
  };
  const auto placed = Accounts(rows_of(registry_)).place_of(std::string(account), std::string(profile));
  if (!placed && placed.error().reason != Reason::kNotFound) return fail(placed.error());
  if (!placed) return no();
  const auto resource = id_of(placed->account, placed->profile.name);
  const auto may = [&](const Action& action) {
    return registry::roles::allowed(rights.grants, action, resource, parity_);
  };
  switch (right) {
    case signing::Right::kSign: return may(kSign) ? signing::Answer<Nothing>(Nothing{}) : no();
    case signing::Right::kRead: return may(kRead) ? signing::Answer<Nothing>(Nothing{}) : no();
    case signing::Right::kHistory:  // whoever signs, and whoever may take a certificate back
      return may(kSign) || may(kRevoke) ? signing::Answer<Nothing>(Nothing{}) : no();
  }
  return no();
}

}  // namespace latchkey::hub::app
