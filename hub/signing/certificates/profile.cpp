// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/certificates/profile.h"

#include <algorithm>

#include "hub/signing/base/der.h"

namespace latchkey::hub::signing {
namespace {

struct TypeFacts {
  std::string_view name;
  TrustKind trust;
  std::string_view arc;  // below which its durable EKUs lie
};
// The arcs of private types are the documented ones; public ones lie directly below kDurableArc, and the numbers behind
// `1.` are taken there.
constexpr std::array<TypeFacts, 5> kTypes = {{
    {"PublicTrust", TrustKind::kPublic, "1.3.6.1.4.1.311.97."},
    {"PrivateTrust", TrustKind::kPrivate, "1.3.6.1.4.1.311.97.1.3.1."},
    {"PrivateTrustCIPolicy", TrustKind::kPrivate, "1.3.6.1.4.1.311.97.1.4.1."},
    {"VBSEnclave", TrustKind::kPublic, "1.3.6.1.4.1.311.97."},
    {"PublicTrustTest", TrustKind::kPublicTest, "1.3.6.1.4.1.311.97."},
}};

const TypeFacts& facts_of(ProfileType type) { return kTypes[static_cast<std::size_t>(type)]; }

struct Part {
  std::string_view label;
  const std::string& value;
  std::size_t limit;  // characters; we count bytes, which is never more generous
};

std::vector<Part> parts_of(const Subject& subject) {
  return {
      {"CN", subject.common_name, 64},         {"O", subject.organization, 64}, {"OU", subject.organizational_unit, 64},
      {"STREET", subject.street, 128},         {"L", subject.city, 128},        {"S", subject.state, 128},
      {"PostalCode", subject.postal_code, 40}, {"C", subject.country, 2}};
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

}  // namespace

std::string_view name_of(ProfileType type) { return facts_of(type).name; }

std::optional<ProfileType> profile_type_by_name(std::string_view name) {
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i].name == name) return static_cast<ProfileType>(i);
  }
  return std::nullopt;
}

std::string_view name_of(TrustKind kind) {
  switch (kind) {
    case TrustKind::kPublic: return "Public Trust";
    case TrustKind::kPublicTest: return "Public Trust Test";
    case TrustKind::kPrivate: return "Private Trust";
    default: return "Timestamp";
  }
}

TrustKind trust_kind_of(ProfileType type) { return facts_of(type).trust; }

std::string durable_eku(ProfileType type, const std::array<std::uint32_t, 4>& arcs) {
  std::string dotted(facts_of(type).arc);
  for (std::size_t i = 0; i < arcs.size(); ++i) {
    // The first arc below 97 itself: 1 is where the fixed ones lie.
    const std::uint32_t arc = i == 0 && facts_of(type).arc == kDurableArc ? std::max(arcs[i], 2U) : arcs[i];
    dotted += (i == 0 ? "" : ".") + std::to_string(arc);
  }
  return dotted;
}

bool is_durable_eku_of(ProfileType type, std::string_view dotted) {
  const std::string_view arc = facts_of(type).arc;
  if (dotted.substr(0, arc.size()) != arc || der::oid(dotted).empty()) return false;
  const std::string_view rest = dotted.substr(arc.size());
  const bool fixed = arc == kDurableArc && rest.substr(0, 2) == "1.";
  return !fixed && std::count(rest.begin(), rest.end(), '.') == 3;
}

std::vector<std::string> extended_key_usages(ProfileType type, const std::string& durable) {
  std::vector<std::string> usages;
  if (type != ProfileType::kPrivateTrustCiPolicy) usages.emplace_back(kCodeSigning);
  if (type == ProfileType::kPublicTrustTest) usages.emplace_back(kLifetimeSigning);
  if (type == ProfileType::kPublicTrust) usages.emplace_back(kPublicTrustMark);
  usages.push_back(durable);
  return usages;
}

std::string subject_text(const Subject& subject) {
  std::string text;
  for (const Part& part : parts_of(subject)) {
    if (part.value.empty()) continue;
    text += (text.empty() ? "" : ", ") + std::string(part.label) + "=" + part.value;
  }
  return text;
}

Outcome<void> check_subject(const Subject& subject) {
  if (subject.common_name.empty() || subject.organization.empty()) {
    return refuse(Status::kInvalidArgument, "a subject has at least a common name and an organization");
  }
  for (const Part& part : parts_of(subject)) {
    if (part.value.size() > part.limit || std::any_of(part.value.begin(), part.value.end(), is_control)) {
      return refuse(Status::kInvalidArgument, std::string(part.label) + " has at most " + std::to_string(part.limit) +
                                                  " bytes and no control characters");
    }
  }
  const std::string& country = subject.country;
  if (!country.empty() && (country.size() != 2 || !is_capital(country[0]) || !is_capital(country[1]))) {
    return refuse(Status::kInvalidArgument, "a country is two capital letters");
  }
  return {};
}

}  // namespace latchkey::hub::signing
