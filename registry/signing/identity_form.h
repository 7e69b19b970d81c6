// SPDX-License-Identifier: Apache-2.0
// What a request for an identity validation has to say, by whom it is for. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "registry/model/refusal.h"
#include "registry/signing/model.h"

namespace latchkey::registry::signing {

enum class Need : std::uint8_t { kRequired, kOptional, kTenantName, kNone };  // kTenantName: when it is not given

// One row a field; the columns are the three kinds of requests that there are.
struct FieldRule {
  Field field;
  std::string_view name;  // of the API's member
  std::size_t most;       // bytes; those of RFC 5280 appendix A.1 where the value goes into a subject
  Need public_organization;
  Need private_organization;
  Need individual;

  Need need(IdentityKind kind, IdentitySubject subject) const {
    if (subject == IdentitySubject::kIndividual) return individual;
    return kind == IdentityKind::kPublic ? public_organization : private_organization;
  }
};
std::span<const FieldRule> field_rules();

// Years that an organization has to be in business; exactly so many suffice.
inline constexpr int kYearsInBusiness = 3;

// The request as it will be kept, what was left out filled in. kInvalidArgument, with the member at fault in quotes at
// the start: an individual that wants to be private; a member that is missing, too long, not of its form or not for
// this kind of request; a secondary e-mail that is the primary one, or of another domain; younger than three years;
// terms of use that were not accepted.
Outcome<Identity> checked_identity(Identity wanted, bool terms_accepted, const std::string& tenant_name, UnixMs now);

// Does a profile of that type go with a validation of that kind?
bool goes_with(ProfileType type, IdentityKind kind);

// What a certificate would name, in the parts of a distinguished name; an empty part is left out.
struct SubjectParts {
  std::string common_name;
  std::string organization;
  std::string organizational_unit;
  std::string street;
  std::string city;
  std::string state;
  std::string postal_code;
  std::string country;
};
// Of a profile of that type with these Include bits. Neither e-mail nor, unless included, street or postal code.
SubjectParts subject_of(const Identity& identity, ProfileType type, std::uint32_t includes);

}  // namespace latchkey::registry::signing
