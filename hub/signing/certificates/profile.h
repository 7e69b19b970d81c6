// SPDX-License-Identifier: Apache-2.0
// What a certificate profile puts into its certificates: the five types of the service, their key usages, the subject.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/signing/base/error.h"

namespace latchkey::hub::signing {

enum class ProfileType : std::uint8_t {
  kPublicTrust,
  kPrivateTrust,
  kPrivateTrustCiPolicy,
  kVbsEnclave,
  kPublicTrustTest,
};
std::string_view name_of(ProfileType type);  // "PublicTrust", as the API has it
std::optional<ProfileType> profile_type_by_name(std::string_view name);

// Under which root a type's certificates hang. All of ours are test roots; none is trusted by anybody but the tester.
enum class TrustKind : std::uint8_t { kPublic, kPublicTest, kPrivate, kTimestamp };
std::string_view name_of(TrustKind kind);
TrustKind trust_kind_of(ProfileType type);

inline constexpr std::string_view kCodeSigning = "1.3.6.1.5.5.7.3.3";
inline constexpr std::string_view kLifetimeSigning = "1.3.6.1.4.1.311.10.3.13";
inline constexpr std::string_view kPublicTrustMark = "1.3.6.1.4.1.311.97.1.0";
inline constexpr std::string_view kDurableArc = "1.3.6.1.4.1.311.97.";

// A profile's lasting identity: one OID below the arc of its type, the same in all its certificates. `arcs` are random,
// by whoever makes the profile.
std::string durable_eku(ProfileType type, const std::array<std::uint32_t, 4>& arcs);
// Is this OID one that durable_eku() makes for that type?
bool is_durable_eku_of(ProfileType type, std::string_view dotted);
// All extended key usages, in the order in which they stand in the certificate.
std::vector<std::string> extended_key_usages(ProfileType type, const std::string& durable);

// An empty part is left out.
struct Subject {
  std::string common_name;
  std::string organization;
  std::string organizational_unit;
  std::string street;
  std::string city;
  std::string state;
  std::string postal_code;
  std::string country;  // two letters (ISO 3166)
};
// "CN=Contoso Inc, O=Contoso Inc, L=New York, S=New York, C=US": the preview, and subjectName of the API.
std::string subject_text(const Subject& subject);
// Parts beyond the upper bounds of RFC 5280 appendix A.1, an empty CN or O, control characters, a country that is not
// two capital letters: kInvalidArgument.
Outcome<void> check_subject(const Subject& subject);

}  // namespace latchkey::hub::signing
