// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/identity_form.h"

#include <algorithm>

#include "registry/signing/dates.h"
#include "registry/store/fold.h"

namespace latchkey::registry::signing {
namespace {

using enum Need;

constexpr FieldRule kRules[] = {
    // field, member, bytes, public organization, private organization, individual
    {Field::kOrganizationName, "organizationName", 64, kRequired, kTenantName, kNone},
    {Field::kOrganizationalUnit, "organizationalUnit", 64, kNone, kOptional, kNone},
    {Field::kWebsite, "websiteUrl", 256, kRequired, kRequired, kNone},
    {Field::kPrimaryEmail, "primaryEmail", 254, kRequired, kRequired, kRequired},
    {Field::kSecondaryEmail, "secondaryEmail", 254, kRequired, kRequired, kNone},
    {Field::kBusinessIdentifier, "businessIdentifier", 64, kRequired, kRequired, kNone},
    {Field::kSellerId, "sellerId", 64, kOptional, kOptional, kNone},
    {Field::kFirstName, "firstName", 31, kNone, kNone, kRequired},
    {Field::kLastName, "lastName", 32, kNone, kNone, kRequired},
    {Field::kStreet, "street", 128, kRequired, kRequired, kRequired},
    {Field::kCity, "city", 128, kRequired, kRequired, kRequired},
    {Field::kState, "state", 128, kRequired, kRequired, kRequired},
    {Field::kCountry, "country", 2, kRequired, kRequired, kRequired},
    {Field::kPostalCode, "postalCode", 40, kRequired, kRequired, kRequired},
};
static_assert(std::size(kRules) == kFields);

bool control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool capital(char c) { return c >= 'A' && c <= 'Z'; }

std::string_view domain_of(std::string_view email) { return email.substr(email.find('@') + 1); }

bool valid_domain(std::string_view domain) {
  const bool plain = std::all_of(domain.begin(), domain.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || capital(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
  const auto dot = domain.find('.');
  return plain && dot != std::string_view::npos && dot != 0 && domain.back() != '.' &&
         domain.find("..") == std::string_view::npos;
}

bool valid_email(std::string_view email) {
  const auto at = email.find('@');
  const bool one = at != std::string_view::npos && at > 0 && email.find('@', at + 1) == std::string_view::npos;
  return one && email.find_first_of(" <>,;\"\\") == std::string_view::npos && valid_domain(email.substr(at + 1));
}

bool valid_website(std::string_view url) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!url.starts_with(scheme)) continue;
    const auto rest = url.substr(scheme.size());
    return valid_domain(rest.substr(0, rest.find_first_of("/:?#"))) && url.find(' ') == std::string_view::npos;
  }
  return false;
}

tl::unexpected<Refusal> bad(std::string_view member, const std::string& detail) {
  return refuse(Reason::kInvalidArgument, "'" + std::string(member) + "' " + detail);
}

Outcome<Nothing> check_form(const FieldRule& rule, const std::string& value) {
  if (value.size() > rule.most) return bad(rule.name, "has at most " + std::to_string(rule.most) + " bytes");
  if (std::any_of(value.begin(), value.end(), control)) return bad(rule.name, "has control characters");
  const bool email = rule.field == Field::kPrimaryEmail || rule.field == Field::kSecondaryEmail;
  if (email && !valid_email(value)) return bad(rule.name, "is not an e-mail address");
  if (rule.field == Field::kWebsite && !valid_website(value)) return bad(rule.name, "is not an http or https address");
  if (rule.field == Field::kCountry && (value.size() != 2 || !capital(value[0]) || !capital(value[1]))) {
    return bad(rule.name, "is two capital letters (ISO 3166)");
  }
  return Nothing{};
}

Outcome<Nothing> check_fields(Identity& identity, const std::string& tenant_name) {
  for (const auto& rule : kRules) {
    auto& value = identity[rule.field];
    const auto need = rule.need(identity.kind, identity.subject);
    if (need == kNone && !value.empty()) {
      return bad(rule.name, std::string("is not for ") + std::string(to_string(identity.kind)) + " " +
                                std::string(to_string(identity.subject)) + " requests");
    }
    if (need == kTenantName && value.empty()) value = tenant_name;
    if (need == kRequired && value.empty()) return bad(rule.name, "is missing");
    if (!value.empty()) LATCHKEY_TRY_VOID(check_form(rule, value));
  }
  return Nothing{};
}

Outcome<Nothing> check_emails(const Identity& identity) {
  const auto primary = store::fold(identity[Field::kPrimaryEmail]);
  const auto secondary = store::fold(identity[Field::kSecondaryEmail]);
  if (secondary.empty()) return Nothing{};
  if (primary == secondary) return bad("secondaryEmail", "is the primary one: it has to be another");
  if (domain_of(primary) == domain_of(secondary)) return Nothing{};
  return bad("secondaryEmail", "is of another domain than the primary one");
}

Outcome<Nothing> check_age(const Identity& identity, UnixMs now) {
  if (identity.subject == IdentitySubject::kIndividual) {
    if (identity.incorporated.empty()) return Nothing{};
    return bad("incorporatedOn", "is not for Individual requests");
  }
  const auto since = parse_day(identity.incorporated);
  if (!since) return bad("incorporatedOn", "is a day such as 2015-03-31, since when the organization exists");
  if (add_months(*since, 12 * kYearsInBusiness) <= day_of(now)) return Nothing{};
  return bad("incorporatedOn",
             "is less than three years ago: only organizations with three years of verifiable "
             "history can be validated");
}

}  // namespace

std::span<const FieldRule> field_rules() { return kRules; }

Outcome<Identity> checked_identity(Identity wanted, bool terms_accepted, const std::string& tenant_name, UnixMs now) {
  if (wanted.subject == IdentitySubject::kIndividual && wanted.kind == IdentityKind::kPrivate) {
    return bad("identityType", "is Public for individuals: private validations are for organizations");
  }
  LATCHKEY_TRY_VOID(check_fields(wanted, tenant_name));
  LATCHKEY_TRY_VOID(check_emails(wanted));
  LATCHKEY_TRY_VOID(check_age(wanted, now));
  if (!terms_accepted) return bad("termsAccepted", "has to be true: the terms of use come before the request");
  return wanted;
}

bool goes_with(ProfileType type, IdentityKind kind) {
  const bool is_private = type == ProfileType::kPrivateTrust || type == ProfileType::kPrivateTrustCiPolicy;
  return is_private == (kind == IdentityKind::kPrivate);
}

SubjectParts subject_of(const Identity& identity, ProfileType type, std::uint32_t includes) {
  const bool is_private = goes_with(type, IdentityKind::kPrivate);
  const bool person = identity.subject == IdentitySubject::kIndividual;
  const auto if_included = [&](std::uint32_t bit, Field field) {
    return (includes & bit) != 0 ? identity[field] : std::string();
  };
  // Public types always carry place and country; what they are told to include of these means nothing.
  const auto place = [&](std::uint32_t bit, Field field) {
    return is_private ? if_included(bit, field) : identity[field];
  };
  SubjectParts parts;
  parts.common_name =
      person ? identity[Field::kFirstName] + " " + identity[Field::kLastName] : identity[Field::kOrganizationName];
  parts.organization = parts.common_name;
  if (is_private) parts.organizational_unit = identity[Field::kOrganizationalUnit];
  parts.street = if_included(kIncludeStreet, Field::kStreet);
  parts.postal_code = if_included(kIncludePostalCode, Field::kPostalCode);
  parts.city = place(kIncludeCity, Field::kCity);
  parts.state = place(kIncludeState, Field::kState);
  parts.country = place(kIncludeCountry, Field::kCountry);
  return parts;
}

}  // namespace latchkey::registry::signing
