// SPDX-License-Identifier: Apache-2.0
#include "registry/signing/documents.h"

#include <algorithm>

#include "registry/signing/dates.h"
#include "registry/store/fold.h"

namespace latchkey::registry::signing {
namespace {

constexpr int kIssuedWithinMonths = 12;
constexpr int kGoodForMonths = 2;
constexpr int kResidenceWithinMonths = 3;

constexpr DocumentKind kKinds[] = {
    {"businessRegistration", Proves::kBusiness},
    {"businessCharter", Proves::kBusiness},
    {"articlesOfIncorporation", Proves::kBusiness},
    {"domainRegistration", Proves::kDomain},
    {"domainInvoice", Proves::kDomain},
    {"passport", Proves::kPerson},
    {"drivingLicence", Proves::kPerson},
    {"idCard", Proves::kPerson},
    {"socialSecurityCard", Proves::kPerson},
    {"electricityBill", Proves::kResidence},
    {"waterBill", Proves::kResidence},
    {"gasBill", Proves::kResidence},
    {"telephoneBill", Proves::kResidence},
    {"bankStatement", Proves::kResidence},
    {"libraryCard", Proves::kNothing},
    {"schoolId", Proves::kNothing},
    {"clubCard", Proves::kNothing},
};

tl::unexpected<Refusal> bad(const Document& document, const std::string& detail) {
  return refuse(Reason::kInvalidArgument, "document '" + document.kind.substr(0, 64) + "' " + detail);
}

bool holds(const std::string& text, const std::string& part) {
  return store::fold(text).find(store::fold(part)) != std::string::npos;
}
bool same(const std::string& a, const std::string& b) { return store::fold(a) == store::fold(b); }

std::string name_of(const Identity& identity) {
  if (identity.subject == IdentitySubject::kOrganization) return identity[Field::kOrganizationName];
  return identity[Field::kFirstName] + " " + identity[Field::kLastName];
}

bool has_address(const Document& document, const Identity& identity) {
  return holds(document.address, identity[Field::kStreet]) && holds(document.address, identity[Field::kCity]) &&
         holds(document.address, identity[Field::kPostalCode]);
}

// "https://www.contoso.example/about" -> "contoso.example"
std::string site_of(const Identity& identity) {
  std::string host = identity[Field::kWebsite];
  host = host.substr(host.find("//") + 2);
  host = store::fold(host.substr(0, host.find_first_of("/:?#")));
  return host.starts_with("www.") ? host.substr(4) : host;
}

Outcome<Nothing> check_age(const Document& document, Proves proves, Day today) {
  const auto issued = parse_day(document.issued_on);
  const auto expires = parse_day(document.expires_on);
  if (!document.issued_on.empty() && !issued) return bad(document, "has an 'issuedOn' that is no day");
  if (!document.expires_on.empty() && !expires) return bad(document, "has an 'expiresOn' that is no day");
  if (issued && *issued > today) return bad(document, "is dated in the future");
  if (proves == Proves::kResidence) {
    if (issued && add_months(*issued, kResidenceWithinMonths) >= today) return Nothing{};
    return bad(document, "has to be of the last three months");
  }
  const bool recent = issued && add_months(*issued, kIssuedWithinMonths) >= today;
  const bool lasting = expires && *expires >= add_months(today, kGoodForMonths);
  if (recent || lasting) return Nothing{};
  return bad(document, "was neither issued within the last 12 months nor expires two months or more from now");
}

Outcome<Nothing> check_what_it_names(const Document& document, Proves proves, const Identity& identity) {
  if (!same(document.names, name_of(identity))) return bad(document, "does not name '" + name_of(identity) + "'");
  const bool with_address = proves == Proves::kBusiness || proves == Proves::kResidence;
  if (with_address && !has_address(document, identity)) return bad(document, "does not show the request's address");
  if (proves == Proves::kDomain && !same(document.domain, site_of(identity))) {
    return bad(document, "is not of the domain '" + site_of(identity) + "'");
  }
  return Nothing{};
}

}  // namespace

std::span<const DocumentKind> document_kinds() { return kKinds; }

const DocumentKind* document_kind(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const DocumentKind& kind) { return kind.name == name; });
  return found == std::end(kKinds) ? nullptr : found;
}

Outcome<Nothing> check_document(const Document& document, const Identity& identity, UnixMs now) {
  const auto* kind = document_kind(document.kind);
  if (kind == nullptr) return bad(document, "is of no kind that is known");
  if (kind->proves == Proves::kNothing) return bad(document, "is privately issued: a government's is asked for");
  const bool of_person = kind->proves == Proves::kPerson || kind->proves == Proves::kResidence;
  if (of_person != (identity.subject == IdentitySubject::kIndividual)) {
    return bad(document, std::string("proves nothing of an ") + std::string(to_string(identity.subject)));
  }
  if (document.edited || document.cropped || document.handwritten) {
    return bad(document, "is edited, cropped or handwritten");
  }
  LATCHKEY_TRY_VOID(check_age(document, kind->proves, day_of(now)));
  return check_what_it_names(document, kind->proves, identity);
}

}  // namespace latchkey::registry::signing
